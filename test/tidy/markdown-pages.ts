/** House rules on Markdown: one title per page, and links inside the repository that lead somewhere. */
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type Finding, type RepositoryFile, repositoryRoot } from './repository.ts';

interface Line {
  readonly number: number;
  readonly text: string;
}

/** Each page has exactly one `#` title. Change notes are single sentences and have none. */
export function markdownTitles(files: readonly RepositoryFile[]): Finding[] {
  return pagesIn(files)
    .filter(({ path }) => !path.startsWith('changes/'))
    .flatMap(({ path, text }) => {
      const titles = proseLines(text).filter((line) => /^# \S/.test(line.text));
      if (titles.length === 1) return [];
      const line = titles[1]?.number ?? 1;
      return [{ rule: 'markdown-titles', path, line, message: `has ${titles.length} '#' titles, not one` }];
    });
}

/** Relative links and images name files that exist, in the given list or on disk. */
export function markdownLinks(
  files: readonly RepositoryFile[],
  exists: (path: string) => boolean = existsInRepository,
): Finding[] {
  const known = new Set(files.map(({ path }) => path));
  return pagesIn(files).flatMap(({ path, text }) =>
    proseLines(text).flatMap(({ number, text: line }) =>
      linksIn(line)
        .map((target) => ({ target, linked: posix.normalize(posix.join(posix.dirname(path), target)) }))
        .filter(({ linked }) => !known.has(linked) && !exists(linked))
        .map(({ target }) => ({ rule: 'markdown-links', path, line: number, message: `${target} does not exist` })),
    ),
  );
}

function existsInRepository(path: string): boolean {
  return existsSync(join(repositoryRoot, path));
}

function pagesIn(files: readonly RepositoryFile[]): RepositoryFile[] {
  return files.filter(({ path }) => path.endsWith('.md'));
}

/** The lines outside fenced code, without inline code. */
function proseLines(text: string): Line[] {
  const lines: Line[] = [];
  let fence: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === undefined && mark !== undefined) fence = mark;
    else if (fence !== undefined && mark?.startsWith(fence)) fence = undefined;
    else if (fence === undefined) lines.push({ number: index + 1, text: line.replace(/`[^`]*`/g, '') });
  }
  return lines;
}

/** Relative link targets without their fragments. */
function linksIn(line: string): string[] {
  const inline = [...line.matchAll(/\]\(\s*<?([^)>\s]+)/g)];
  const reference = [...line.matchAll(/^\s*\[[^\]]+\]:\s*(\S+)/g)];
  return [...inline, ...reference]
    .map((match) => decodeURI((match[1] ?? '').replace(/#.*$/, '')))
    .filter((target) => target !== '' && !/^(?:[a-z][a-z0-9+.-]*:|\/)/i.test(target));
}
