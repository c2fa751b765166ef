/**
 * Builds what is published: JavaScript and type declarations of `src/`, without tests.
 *
 * JavaScript is the source with its types blanked out by Node itself, exactly as Node runs it in a checkout: lines and
 * columns in stack traces are those of the source, and no source maps are needed. The compiler writes the declarations.
 *
 * Usage: npm run build [-- --out DIR]     DIR is `dist` if not given
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ImportMap } from '../test/tidy/imports.ts';
import { toBuiltSpecifiers } from './built-specifiers.ts';
import { repositoryRoot, runTool, toolPath } from './run-tool.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly imports: ImportMap;
}

async function build(out: string): Promise<number> {
  const manifest: Manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
  rmSync(out, { recursive: true, force: true });
  const compiler = await runTool(toolPath('tsc'), ['--project', 'tsconfig.build.json', '--outDir', out, '--pretty', 'false']);
  if (compiler.exitCode !== 0) {
    console.error(compiler.output);
    return 1;
  }
  // Stripping types is experimental as a function; the pinned Node makes sure that it does what it did yesterday.
  process.removeAllListeners('warning');
  for (const path of globSync('src/**/*.*', { cwd: repositoryRoot })) {
    if (!isLeftOut(path)) buildFile(path, out, manifest.imports);
  }
  for (const path of globSync('src/**/*.d.ts', { cwd: out })) rewriteDeclaration(path, out, manifest.imports);
  writeNearestManifest(out, manifest);
  return 0;
}

function isLeftOut(path: string): boolean {
  return /\/testdata\/|\.(?:test|fuzz)\.ts$|\.d\.ts$|\.md$/.test(path);
}

/** TypeScript becomes JavaScript, other files (pages, scripts for a store) are copied. */
function buildFile(path: string, out: string, importMap: ImportMap): void {
  const source = join(repositoryRoot, path);
  const target = join(out, path.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  if (path.endsWith('.ts')) {
    writeFileSync(target, toBuiltSpecifiers(path, stripTypeScriptTypes(readFileSync(source, 'utf8')), importMap));
  } else {
    cpSync(source, target);
  }
}

function rewriteDeclaration(path: string, out: string, importMap: ImportMap): void {
  const file = join(out, path);
  writeFileSync(file, toBuiltSpecifiers(path, readFileSync(file, 'utf8'), importMap));
}

/** The program reads its version from `../../package.json`: in a checkout the repository's own, in the package this one. */
function writeNearestManifest(out: string, { name, version }: Manifest): void {
  writeFileSync(join(out, 'package.json'), `${JSON.stringify({ name, version, private: true, type: 'module' }, null, 2)}\n`);
}

const { values } = parseArgs({ options: { out: { type: 'string', default: join(repositoryRoot, 'dist') } } });
process.exitCode = await build(resolve(values.out));
