/** `gatehouse import openapi FILE`: a configuration made of a document. */
import { writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { formatIssue, type Issue, isError } from '#config/issue.ts';
import { loadConfigurationText } from '#config/load.ts';
import type { ApiDocument } from '#openapi/api-document.ts';
import { type ContractReading, readContract } from '#openapi/contract-reader.ts';
import { formatFaults } from '#openapi/document-files.ts';
import { toWrittenConfiguration, type WritingOptions, writeConfiguration } from '#openapi/written-configuration.ts';
import { policyOrder } from '#policies/registry.ts';
import { readEndpointUrl } from '#schema/endpoint-url.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const syntax = {
  name: 'import',
  takesPositionals: true,
  options: {
    service: { type: 'string' },
    url: { type: 'string' },
    out: { type: 'string', short: 'o' },
    force: { type: 'boolean' },
  },
  help: `Usage: gatehouse import openapi FILE [--service NAME] [--url URL] [--out FILE]

Makes a configuration of a document of OpenAPI 3.0 or 3.1: a route for each operation, and a policy that compares each
request with the document. Says what it cannot express.

  gatehouse import openapi shop-api.yaml --url http://shop:3000 --out gatehouse.yaml

Options:
      --service NAME  the name of the service; otherwise it is made of the title
      --url URL       where the service is; otherwise the first server of the document
  -o, --out FILE      where the configuration is written; otherwise it is shown
      --force         writes over a file that is there
  -h, --help          this text

Exit status: 0 when the configuration is made, 2 when the document or the command line is refused.
`,
} as const;

/** Routes that tie are told apart one after the other. */
const TIES_MAX = 100;

/** Runs the command; the result is the exit status. */
export async function runImport(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values, positionals } = read;
  const [format, file, ...more] = positionals;
  if (format !== 'openapi' || file === undefined || more.length > 0) return refuse('write `gatehouse import openapi FILE`', io);
  const urlProblem = values.url === undefined ? undefined : findUrlProblem(values.url);
  if (urlProblem !== undefined) return refuse(`--url: ${urlProblem}`, io);
  const path = resolve(io.cwd, file);
  const reading = await readContract({ form: 'openapi', file: path, patterns: 'skip' });
  const { document } = reading;
  if (document === undefined || reading.image === undefined) return showFaults(file, reading, io);
  const target = resolve(io.cwd, values.out ?? 'gatehouse.yaml');
  const options: WritingOptions = {
    service: values.service,
    url: values.url,
    shownPath: toShownPath(path, dirname(target)),
    skipsPatterns: reading.patternFaults.length > 0,
  };
  const { text, warnings, issues } = await write(document, options, target, io);
  for (const warning of warnings) io.stderr(`warning: ${warning}\n`);
  for (const issue of issues) io.stderr(`${formatIssue(issue)}\n`);
  if (issues.some(isError)) return EXIT_REFUSED;
  if (values.out === undefined) {
    io.stdout(text);
    return EXIT_OK;
  }
  try {
    await writeFile(target, text, { flag: values.force === true ? 'w' : 'wx' });
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (isThere) return refuse(`${values.out} is there already; nothing was written (--force)`, io);
    return refuse(`${values.out} cannot be written: ${error instanceof Error ? error.message : String(error)}`, io);
  }
  io.stdout(`wrote ${values.out}; check it with \`gatehouse check --config ${values.out}\`\n`);
  return EXIT_OK;
}

interface Written {
  readonly text: string;
  readonly warnings: readonly string[];
  /** What `check` would say. */
  readonly issues: readonly Issue[];
}

/** Routes that nobody could choose between get priorities, those of the document's later operations higher ones. */
async function write(document: ApiDocument, options: WritingOptions, target: string, io: CommandIo): Promise<Written> {
  const written = toWrittenConfiguration(document, options);
  const priorities = new Map<string, number>();
  for (let attempt = 0; ; attempt++) {
    const text = writeConfiguration(written, document, options, priorities);
    const { issues } = await loadConfigurationText(text, target, { policies: policyOrder, env: io.env });
    const ties = issues.filter(({ code, path }) => code === 'conflict' && path[0] === 'routes' && path[2] === 'match');
    if (ties.length === 0 || attempt === TIES_MAX) return { text, warnings: written.warnings, issues };
    for (const { path } of ties) priorities.set(String(path[1]), attempt + 1);
  }
}

function showFaults(file: string, { files, faults }: ContractReading, io: CommandIo): number {
  for (const problem of [...files.problems, ...formatFaults(faults, files)]) io.stdout(`${problem}\n`);
  io.stderr(`${file} cannot be used\n`);
  return EXIT_REFUSED;
}

function findUrlProblem(url: string): string | undefined {
  const reading = readEndpointUrl(url);
  return 'problem' in reading ? reading.problem : undefined;
}

/** As seen from a folder. */
function toShownPath(file: string, folder: string): string {
  const shown = relative(folder, file);
  return shown.startsWith('.') ? shown : `./${shown}`;
}

function refuse(reason: string, io: CommandIo): number {
  io.stderr(`gatehouse import: ${reason}\n`);
  return EXIT_REFUSED;
}
