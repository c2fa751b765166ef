/** `gatehouse test`: runs the tests of routes with Node's own runner, and tells what they have covered. */
import { existsSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { compose } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { findDefaultFile } from '#config/default-file.ts';
import { COVERAGE_ARGUMENT, type CoverageSummary, readCoverage, toCoverageText } from '#testing/coverage-report.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const filePatterns = '{gatehouse,*.routes}.test.{ts,mts,js,mjs}';

const syntax = {
  name: 'test',
  takesPositionals: true,
  options: {
    config: { type: 'string', short: 'c' },
    'coverage-min': { type: 'string' },
    'test-name-pattern': { type: 'string' },
    json: { type: 'boolean' },
  },
  help: `Usage: gatehouse test [FILE...] [OPTIONS]

Runs tests of routes and policies: files of node:test that import from \`gatehouse/test\`. Nothing listens, nothing is sent, and
time stands still until a test moves it. Tells afterwards which routes, alternatives, shares, fallbacks and decisions of policies
no test has gone through. Without a FILE: ${filePatterns} beside the configuration and in the folders below it.

  import { test } from 'node:test';
  import { openRoutes } from 'gatehouse/test';

  const gateway = await openRoutes(new URL('gatehouse.yaml', import.meta.url));
  test('orders go to their service', () => gateway.expectRoute('GET', '/orders/5').toReach('orders'));

Options:
  -c, --config FILE               beside which tests are looked for; otherwise in the working folder
      --coverage-min PERCENT      fails when less is covered, of any configuration
      --test-name-pattern REGEX   runs tests whose name matches, as node --test does
      --json                      results and coverage as JSON, for programs
  -h, --help                      this text

Exit status: 0 when every test passes and enough is covered, 1 when not, 2 when the command line is refused or there is no test.
`,
} as const;

const EXIT_FAILED = 1;

interface TestResult {
  readonly name: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly passed: boolean;
  readonly durationMs: number;
  readonly error?: string;
}

/** Runs the command; the result is the exit status. */
export async function runTest(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values, positionals } = read;
  const percentMin = values['coverage-min'] === undefined ? 0 : Number(values['coverage-min']);
  if (!(percentMin >= 0 && percentMin <= 100))
    return refuse(io, `--coverage-min ${values['coverage-min']}: expected a number from 0 to 100`);
  const pattern = readPattern(values['test-name-pattern']);
  if (typeof pattern === 'string') return refuse(io, pattern);
  const files = findFiles(positionals, values.config, io.cwd);
  if (typeof files === 'string') return refuse(io, files);
  const coverageFolder = mkdtempSync(join(tmpdir(), 'gatehouse-coverage-'));
  try {
    const results = await runFiles(files, { coverageFolder, pattern, show: values.json ? undefined : io.stdout });
    if (results.length === 0) return refuse(io, `no test has run: ${files.join(', ')}`);
    const coverage = readCoverage(coverageFolder);
    return tell({ results, coverage, percentMin, isJson: values.json === true }, io);
  } finally {
    rmSync(coverageFolder, { recursive: true, force: true });
  }
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse test: ${reason}\nRun \`gatehouse test --help\` for its options.\n`);
  return EXIT_REFUSED;
}

/** A text: what is wrong with it. */
function readPattern(text: string | undefined): RegExp | string | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch (error) {
    return `--test-name-pattern ${text}: ${error instanceof Error ? error.message : error}`;
  }
}

function findFiles(given: readonly string[], config: string | undefined, cwd: string): string[] | string {
  const named = given.map((file) => resolve(cwd, file));
  const missing = named.find((file) => !existsSync(file));
  if (missing !== undefined) return `there is no file ${missing}`;
  const folders = named.filter((file) => statSync(file).isDirectory());
  const besides = dirname(resolve(cwd, config ?? findDefaultFile(cwd, existsSync) ?? 'gatehouse.yaml'));
  const searched = given.length === 0 ? [besides] : folders;
  const found = searched.flatMap((folder) =>
    globSync(`**/${filePatterns}`, { cwd: folder, exclude: (name) => name === 'node_modules' }).map((file) => join(folder, file)),
  );
  const files = [...new Set([...named.filter((file) => !folders.includes(file)), ...found])].sort();
  return files.length > 0 ? files : `there is no ${filePatterns} in ${searched.join(', ')}; name the files of your tests`;
}

interface RunOptions {
  readonly coverageFolder: string;
  readonly pattern: RegExp | undefined;
  /** Results as they come; `undefined`: nowhere. */
  readonly show: ((text: string) => void) | undefined;
}

async function runFiles(files: readonly string[], { coverageFolder, pattern, show }: RunOptions): Promise<TestResult[]> {
  const results: TestResult[] = [];
  const stream = run({
    files: [...files],
    concurrency: true,
    argv: [`${COVERAGE_ARGUMENT}${coverageFolder}`],
    ...(pattern !== undefined && { testNamePatterns: [pattern] }),
  });
  const note = (passed: boolean) => (event: TestEvent) => {
    const { name, file, line, skip, todo, details } = event;
    if (details.type === 'suite' || skip !== undefined || todo !== undefined) return;
    // What a file without a test is reported as.
    if (passed && name === file) return;
    results.push({
      name,
      file,
      line,
      passed,
      durationMs: details.duration_ms,
      ...(!passed && { error: toMessage(details.error) }),
    });
  };
  stream.on('test:pass', note(true));
  stream.on('test:fail', note(false));
  if (show === undefined) for await (const _ of stream) void _;
  else for await (const text of compose(stream, new spec())) show(String(text));
  return results;
}

interface TestEvent {
  readonly name: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly skip?: string | boolean | undefined;
  /** It may fail. */
  readonly todo?: string | boolean | undefined;
  readonly details: { readonly duration_ms: number; readonly type?: string | undefined; readonly error?: Error | undefined };
}

function toMessage(error: Error | undefined): string {
  const cause = error?.cause;
  return cause instanceof Error ? cause.message : String(cause ?? error?.message ?? '');
}

interface Outcome {
  readonly results: readonly TestResult[];
  readonly coverage: readonly CoverageSummary[];
  readonly percentMin: number;
  readonly isJson: boolean;
}

function tell({ results, coverage, percentMin, isJson }: Outcome, io: CommandIo): number {
  const failed = results.filter(({ passed }) => !passed).length;
  const below = coverage.filter(({ percent }) => percent < percentMin);
  if (isJson) {
    const passed = results.length - failed;
    io.stdout(`${JSON.stringify({ passed, failed, tests: results, coverage, coverageMin: percentMin }, undefined, 2)}\n`);
  } else {
    for (const summary of coverage) io.stdout(`\n${toCoverageText(summary)}`);
    for (const { configuration, percent } of below)
      io.stderr(`gatehouse test: ${percent} % of ${configuration} is covered; --coverage-min asks for ${percentMin} %\n`);
  }
  // Where nothing was opened, nothing is covered.
  const isCoverageMissing = percentMin > 0 && coverage.length === 0;
  if (isCoverageMissing) io.stderr('gatehouse test: no test has opened a configuration, so nothing is covered\n');
  return failed > 0 || below.length > 0 || isCoverageMissing ? EXIT_FAILED : EXIT_OK;
}
