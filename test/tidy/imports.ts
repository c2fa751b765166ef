/** Which file imports what: static and dynamic imports, re-exports and type imports alike. */
import { posix } from 'node:path';
import type { RepositoryFile } from './repository.ts';
import { lineAt, scanSource } from './source-text.ts';

export interface Import {
  readonly from: string;
  readonly line: number;
  readonly specifier: string;
  /** The imported file of this repository; `undefined` for packages and Node's own modules. */
  readonly path: string | undefined;
}

/** The `imports` of package.json: `#base/*` to `./src/base/*`. */
export type ImportMap = Readonly<Record<string, string>>;

const beforeSpecifier = /(?:\bfrom|\bimport|\bimport\s*\()\s*$/;

export function importsOf(file: RepositoryFile, importMap: ImportMap): Import[] {
  const { code, strings } = scanSource(file.text);
  const imports: Import[] = [];
  for (const { start, text } of strings) {
    if (!beforeSpecifier.test(code.slice(Math.max(0, start - 40), start))) continue;
    imports.push({
      from: file.path,
      line: lineAt(file.text, start),
      specifier: text,
      path: resolveImport(file.path, text, importMap),
    });
  }
  return imports;
}

/** The path of an imported file of this repository. */
export function resolveImport(from: string, specifier: string, importMap: ImportMap): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  if (!specifier.startsWith('#')) return undefined;
  for (const [pattern, target] of Object.entries(importMap)) {
    const [before = '', behind] = pattern.split('*');
    const matches = behind === undefined ? specifier === pattern : specifier.startsWith(before) && specifier.endsWith(behind);
    if (!matches) continue;
    const middle = behind === undefined ? '' : specifier.slice(before.length, specifier.length - behind.length);
    return posix.normalize(target.replace('*', middle));
  }
  return undefined;
}

/** Reads the import map from the repository's package.json. */
export function importMapOf(files: readonly RepositoryFile[]): ImportMap {
  const manifest = files.find(({ path }) => path === 'package.json');
  return manifest === undefined ? {} : (JSON.parse(manifest.text).imports ?? {});
}
