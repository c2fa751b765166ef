/** All errors that the program declares, found where `defineErrors` is called. */
import { pathToFileURL } from 'node:url';
import type { ErrorKind } from '#base/errors.ts';
import { isProgramPath, type RepositoryFile, repositoryRoot } from '../../test/tidy/repository.ts';
import { scanSource } from '../../test/tidy/source-text.ts';

export interface ErrorArea {
  readonly area: string;
  readonly path: string;
  /** What stands above the declaration. */
  readonly summary: string | undefined;
  readonly kinds: readonly ErrorKind[];
}

const DECLARATION = /(?:\/\*\* (.+) \*\/\n)?export const (\w+) = defineErrors\('([^']+)'/g;

/** By area, in alphabetical order; codes in the order of their declaration. */
export async function readDeclaredErrors(files: readonly RepositoryFile[]): Promise<ErrorArea[]> {
  const areas: ErrorArea[] = [];
  for (const { path, text } of files) {
    if (!isProgramPath(path) || !callsDefineErrors(text)) continue;
    const module: Readonly<Record<string, unknown>> = await import(pathToFileURL(`${repositoryRoot}/${path}`).href);
    for (const [, summary, name, area] of text.matchAll(DECLARATION)) {
      areas.push({ area: area!, path, summary, kinds: Object.values(module[name!] ?? {}).map(toKind) });
    }
  }
  return areas.sort((left, right) => (left.area < right.area ? -1 : 1));
}

/** Outside comments, so that a call that is only talked about does not count. */
function callsDefineErrors(text: string): boolean {
  return /\bdefineErrors\(\s*['"]/.test(scanSource(text).code);
}

function toKind(factory: { readonly kind: ErrorKind }): ErrorKind {
  return factory.kind;
}
