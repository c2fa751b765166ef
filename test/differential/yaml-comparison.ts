/** Compares two readings of a YAML text: the value, the order of its keys, the place of each part, keys that are there twice. */
import { isDeepStrictEqual } from 'node:util';
import type { SourceDocument } from '#config/document.ts';
import type { Issue, IssuePath } from '#config/issue.ts';

export interface YamlDifference {
  /**
   * `stricter`: we refuse what the library reads. `laxer`: we read what it refuses. `meaning`: both read it, as different
   * things. `place`: something stands elsewhere.
   */
  readonly kind: 'stricter' | 'laxer' | 'meaning' | 'place';
  readonly what: string;
  readonly ours: unknown;
  readonly theirs: unknown;
  readonly text: string;
  /** What was read; ours where both have read something. */
  readonly value: unknown;
}

/** Parts of a value that are looked at; random texts are small. */
const PARTS_MAX = 2_000;
/** Aliases may lead in a circle. */
const DEPTH_MAX = 8;

export function compareYaml(text: string, ours: SourceDocument, theirs: SourceDocument): YamlDifference | undefined {
  const mistakes = [ours, theirs].map(({ issues }) => issues.filter(({ code }) => code === 'syntax').map(toPlace));
  const [ourMistakes = [], theirMistakes = []] = mistakes;
  const seen = { ours: ourMistakes, theirs: theirMistakes, text, value: ours.value ?? theirs.value };
  if (ourMistakes.length > 0 && theirMistakes.length > 0) return undefined;
  if (ourMistakes.length > 0) return { kind: 'stricter', what: String(ourMistakes[0]), ...seen };
  if (theirMistakes.length > 0) return { kind: 'laxer', what: String(theirMistakes[0]), ...seen };
  if (!isDeepStrictEqual(ours.value, theirs.value))
    return { kind: 'meaning', what: 'value', ours: ours.value, theirs: theirs.value, text, value: ours.value };
  const duplicates = [ours, theirs].map(({ issues }) => issues.map(toPlace).sort());
  if (!isDeepStrictEqual(duplicates[0], duplicates[1]))
    return { kind: 'meaning', what: 'duplicates', ours: duplicates[0], theirs: duplicates[1], text, value: ours.value };
  return comparePlaces(text, ours, theirs);
}

function comparePlaces(text: string, ours: SourceDocument, theirs: SourceDocument): YamlDifference | undefined {
  for (const path of listPaths(ours.value).slice(0, PARTS_MAX)) {
    for (const pointAt of ['key', 'value'] as const) {
      const [our, their] = [ours, theirs].map((document) =>
        toPlace(document.toIssue({ path, code: 'invalid-value', message: '', pointAt })),
      );
      const what = `${pointAt} ${path.join('.')}`;
      if (our !== their) return { kind: 'place', what, ours: our, theirs: their, text, value: ours.value };
    }
  }
  return undefined;
}

function toPlace({ line, column, message }: Issue): string {
  return `${line}:${column} ${message}`;
}

/** Of all parts, and of one below each of them that is not there. */
function listPaths(value: unknown, path: IssuePath = []): IssuePath[] {
  if (path.length > DEPTH_MAX) return [];
  const paths = [path, [...path, 'not there']];
  if (typeof value !== 'object' || value === null) return paths;
  for (const [name, part] of Object.entries(value)) {
    const within = listPaths(part, [...path, Array.isArray(value) ? Number(name) : name]);
    for (const one of within.slice(0, PARTS_MAX)) paths.push(one);
    if (paths.length > PARTS_MAX) break;
  }
  return paths;
}
