/** All errors that the program declares, found where `defineErrors` is called. */
import { pathToFileURL } from 'node:url';
import type { ErrorFactory, ErrorKind } from '#base/errors.ts';
import { isProgramPath, type RepositoryFile, repositoryRoot } from '../../test/tidy/repository.ts';
import { scanSource } from '../../test/tidy/source-text.ts';

export interface ErrorArea {
  readonly area: string;
  readonly path: string;
  /** What the declared errors are exported as. */
  readonly variable: string;
  /** Under which names, in the order of their codes. */
  readonly names: readonly string[];
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
    const module: Readonly<Record<string, Readonly<Record<string, ErrorFactory>>>> = await import(
      pathToFileURL(`${repositoryRoot}/${path}`).href
    );
    for (const [, summary, variable = '', area = ''] of text.matchAll(DECLARATION)) {
      const factories = module[variable] ?? {};
      const kinds = Object.values(factories).map(({ kind }) => kind);
      areas.push({ area, path, variable, names: Object.keys(factories), summary, kinds });
    }
  }
  return areas.sort((left, right) => (left.area < right.area ? -1 : 1));
}

/** Outside comments, so that a call that is only talked about does not count. */
function callsDefineErrors(text: string): boolean {
  return /\bdefineErrors\(\s*['"]/.test(scanSource(text).code);
}
