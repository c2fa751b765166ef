/**
 * Rewrites what a declaration imports for the published package: `#floor/x.ts` and `./x.ts` become the relative path of
 * `x.js`, beside which the compiler finds `x.d.ts`. A user's compiler knows nothing of our `#floor`.
 */
import { posix } from 'node:path';
import { type ImportMap, resolveImport } from '../test/tidy/imports.ts';
import { scanSource } from '../test/tidy/source-text.ts';

/** Imports, re-exports, and `import()` in types. */
const beforeModulePath = /(?:\bfrom|\bimport|\bimport\s*\()\s*$/;

/** `path` is the source file's, from the root of the repository. */
export function toBuiltSpecifiers(path: string, text: string, importMap: ImportMap): string {
  const { code, strings } = scanSource(text);
  let built = '';
  let copiedTo = 0;
  for (const { start, end, text: specifier } of strings) {
    if (!/\.tsx?$/.test(specifier) || !beforeModulePath.test(code.slice(Math.max(0, start - 40), start))) continue;
    const imported = resolveImport(path, specifier, importMap);
    if (imported === undefined) continue;
    built += text.slice(copiedTo, start + 1) + toRelative(path, imported.replace(/\.tsx?$/, '.js'));
    copiedTo = end - 1;
  }
  return built + text.slice(copiedTo);
}

function toRelative(from: string, to: string): string {
  const relative = posix.relative(posix.dirname(from), to);
  return relative.startsWith('.') ? relative : `./${relative}`;
}
