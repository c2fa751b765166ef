/**
 * Builds what is published: JavaScript and type declarations of `src/`, without tests, and the console.
 *
 * JavaScript is bundled into a few files, because looking up some 400 modules takes longer than everything else at a start
 * (docs/decisions/0017-bundled-package.md). It stays readable: nothing is shortened, comments stay, and source maps lead back
 * to the lines of `src/` for whoever asks Node for them. The compiler writes the declarations.
 *
 * Usage: npm run build [-- --out DIR]     DIR is `dist` if not given
 */
import { globSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import type { ImportMap } from '../test/tidy/imports.ts';
import { buildConsole } from './build-console.ts';
import { toBuiltSpecifiers } from './built-specifiers.ts';
import { repositoryRoot, runTool, toolPath } from './run-tool.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly imports: ImportMap;
}

/** What is started or imported by its path; the rest goes into files that these share. */
const entries = ['src/cli/main', 'src/gatehouse', 'src/gatehouse-test', 'src/runtime/data-thread', 'src/runtime/kafka-thread'];
/** Not bundled: large, and loaded only by who orders or signs certificates. */
const packagesApart = ['@peculiar/x509', 'acme-client'];
/** Holds what the other way in would read from a file that lies beside it in its package. */
const aliases = { '@platformatic/wasm-utils': '@platformatic/wasm-utils/bundled' };

async function build(out: string): Promise<number> {
  const manifest: Manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
  rmSync(out, { recursive: true, force: true });
  const compiler = await runTool(toolPath('tsc'), ['--project', 'tsconfig.build.json', '--outDir', out, '--pretty', 'false']);
  if (compiler.exitCode !== 0) {
    console.error(compiler.output);
    return 1;
  }
  for (const path of globSync('src/**/*.d.ts', { cwd: out })) rewriteDeclaration(path, out, manifest.imports);
  const bundled = await bundle(out);
  const shown = packagesOf(await buildConsole(join(out, 'console')));
  writeNearestManifest(out, manifest);
  writeLicences(out, new Set([...bundled, ...shown]));
  return 0;
}

function rewriteDeclaration(path: string, out: string, importMap: ImportMap): void {
  const file = join(out, path);
  writeFileSync(file, toBuiltSpecifiers(path, readFileSync(file, 'utf8'), importMap));
}

/** Returns the names of the packages that are in it. */
async function bundle(out: string): Promise<Set<string>> {
  await using bundler = await rolldown({
    cwd: repositoryRoot,
    input: Object.fromEntries(entries.map((entry) => [entry, `${entry}.ts`])),
    platform: 'node',
    external: packagesApart,
    resolve: { alias: aliases },
    // What could not be resolved would be missed only by users.
    onLog: (_, { message }) => {
      throw new Error(message);
    },
  });
  const { output } = await bundler.write({
    dir: out,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'src/chunks/[name].js',
    minify: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
    sourcemapPathTransform: (source, map) => toSourcePath(resolve(dirname(map), source), relative(out, map)),
  });
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  return new Set(packagesOf(modules));
}

/** The names of the packages that modules come from. */
function packagesOf(modules: readonly string[]): string[] {
  return modules.flatMap((path) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
}

/** As seen from a `dist/` in the repository, wherever the package is built. `map` is the path of the map within it. */
function toSourcePath(source: string, map: string): string {
  return relative(dirname(join(repositoryRoot, 'dist', map)), source);
}

/** Names the files of workers, which are asked for as they are in the sources. */
function writeNearestManifest(out: string, { name, version }: Manifest): void {
  const threads = ['data-thread', 'kafka-thread'];
  const imports = Object.fromEntries(threads.map((name) => [`#runtime/${name}.ts`, `./src/runtime/${name}.js`]));
  const manifest = { name, version, private: true, type: 'module', imports };
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Packages that come without the text of their licence, and one of the same authors and under the same licence that has it. */
const licencesElsewhere: Readonly<Record<string, string>> = {
  '@hono/zod-openapi': 'hono',
  '@hono/zod-validator': 'hono',
  '@nodable/entities': 'fast-xml-parser',
};

/** The licences of what is bundled ask that they come along. */
function writeLicences(out: string, packages: ReadonlySet<string>): void {
  const texts = [...packages].sort().map((name) => {
    const folder = join(repositoryRoot, 'node_modules', name);
    const { version }: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const withText = join(repositoryRoot, 'node_modules', licencesElsewhere[name] ?? name);
    const file = readdirSync(withText).find((entry) => /^licen[cs]e(?:\.(?:md|txt))?$/i.test(entry)) ?? 'LICENSE';
    return `${name} ${version}\n\n${readFileSync(join(withText, file), 'utf8').trim()}\n`;
  });
  writeFileSync(join(out, 'LICENSES-OF-BUNDLED-PACKAGES'), texts.join('\n----\n\n'));
}

const { values } = parseArgs({ options: { out: { type: 'string', default: join(repositoryRoot, 'dist') } } });
process.exitCode = await build(resolve(values.out));
