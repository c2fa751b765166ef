/**
 * Builds the console, the pages that the admin address serves: shortened, with names that change with what is in a file, and
 * compressed ahead, so that nothing is compressed while the gateway runs.
 *
 * Usage: npm run build:console                        into console/dist
 *        npm run build:console -- --if-older          only where it is missing, or older than its sources
 *        npm run build:console -- --out DIR
 */
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { repositoryRoot } from './run-tool.ts';

const consoleFolder = join(repositoryRoot, 'console');
const builtFolder = join(consoleFolder, 'dist');

/** Returns the paths of the modules that are in it. */
export async function buildConsole(out: string): Promise<string[]> {
  // Loading it takes longer than looking whether there is something to build.
  const { build } = await import('vite');
  // Whoever reads the old one meanwhile gets all of it. On the same file system, where it can be moved from.
  const made = mkdtempSync(join(dirname(out), '.dist-'));
  chmodSync(made, 0o755);
  try {
    const built = await build({
      configFile: join(consoleFolder, 'vite.config.ts'),
      logLevel: 'error',
      build: { outDir: made, emptyOutDir: true },
    });
    for (const path of globSync('**/*.{html,js,css,svg}', { cwd: made })) compress(join(made, path));
    rmSync(out, { recursive: true, force: true });
    renameSync(made, out);
    const outputs = (Array.isArray(built) ? built : [built]).flatMap((one) => ('output' in one ? one.output : []));
    return outputs.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/** Builds where somebody would see an old console, or none. */
export async function ensureConsole(): Promise<void> {
  if (isOlder()) await buildConsole(builtFolder);
}

function isOlder(): boolean {
  const index = join(builtFolder, 'index.html');
  if (!existsSync(index)) return true;
  const builtMs = statSync(index).mtimeMs;
  const sources = globSync(['index.html', 'vite.config.ts', 'src/**/*.*'], { cwd: consoleFolder });
  return sources.some((path) => statSync(join(consoleFolder, path)).mtimeMs > builtMs);
}

function compress(file: string): void {
  const bytes = readFileSync(file);
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { 'if-older': { type: 'boolean' }, out: { type: 'string', default: builtFolder } } });
  if (values['if-older']) await ensureConsole();
  else await buildConsole(resolve(values.out));
}
