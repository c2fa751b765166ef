/** `gatehouse types`: the operations of services as TypeScript, for aggregates in `gatehouse.config.ts`. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { defaultFileNames, findDefaultFile } from '#config/default-file.ts';
import { formatIssue, isError } from '#config/issue.ts';
import { loadConfiguration } from '#config/load.ts';
import { explainReadError } from '#config/references.ts';
import { readServiceDocuments } from '#openapi/described-answers.ts';
import { writeServiceTypes } from '#openapi/service-types.ts';
import { policyOrder } from '#policies/registry.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const syntax = {
  name: 'types',
  takesPositionals: true,
  options: {
    config: { type: 'string', short: 'c' },
    out: { type: 'string', short: 'o' },
    check: { type: 'boolean' },
    library: { type: 'string' },
  },
  help: `Usage: gatehouse types [SERVICE=DOCUMENT]... [--config FILE] [--out FILE] [--check]

Makes a file of TypeScript of the OpenAPI documents of services: their operations, with which gatehouse.config.ts writes aggregates whose
calls and references the compiler checks. Services and documents are those that are named, or those of the configuration.

  gatehouse types users=users.yaml orders=orders.yaml --out gatehouse-services.ts

A configuration that imports the file cannot be run before it is there: name the documents.

Options:
  -c, --config FILE   the configuration; otherwise the first of ${defaultFileNames.join(', ')}
  -o, --out FILE      where the types are written; otherwise they are shown
      --check         writes nothing; says whether the file is as it would be written
      --library NAME  what the file imports from, instead of gatehouse
  -h, --help          this text

Exit status: 0, or 2 when a document, the configuration or the command line is refused, or the file that is checked is stale.
`,
} as const;

const SERVICE = /^([^=]+)=(.+)$/;

type Documents = Readonly<Record<string, { readonly openapi: string }>>;

/** Runs the command; the result is the exit status. */
export async function runTypes(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values, positionals } = read;
  if (values.check === true && values.out === undefined) return refuse(['name the file to check with --out FILE'], io);
  const services = positionals.length > 0 ? readNamed(positionals, io) : await readConfigured(values.config, io);
  if (services === undefined) return EXIT_REFUSED;
  const { documents, problems } = await readServiceDocuments(services);
  if (problems.length > 0)
    return refuse(
      problems.map(({ service, message }) => `${service}: ${message}`),
      io,
    );
  const out = values.out === undefined ? undefined : resolve(io.cwd, values.out);
  const folder = out === undefined ? io.cwd : dirname(out);
  const files = Object.values(services).map(({ openapi }) => relative(folder, openapi));
  const source = [...new Set(files)].join(', ');
  const text = writeServiceTypes(documents, { source, library: values.library ?? 'gatehouse' });
  if (out === undefined) {
    io.stdout(text);
    return EXIT_OK;
  }
  return values.check === true ? check(out, text, values.out!, io) : write(out, text, values.out!, io);
}

function readNamed(positionals: readonly string[], io: CommandIo): Documents | undefined {
  const services: Record<string, { openapi: string }> = {};
  for (const positional of positionals) {
    const [, service, file] = SERVICE.exec(positional) ?? [];
    if (service === undefined || file === undefined) {
      refuse([`${positional}: write SERVICE=DOCUMENT`], io);
      return undefined;
    }
    services[service] = { openapi: resolve(io.cwd, file) };
  }
  return services;
}

async function readConfigured(named: string | undefined, io: CommandIo): Promise<Documents | undefined> {
  const file = named ?? findDefaultFile(io.cwd, existsSync);
  if (file === undefined) {
    refuse([`there is no ${defaultFileNames.join(', ')} in ${io.cwd}; name a file with --config FILE, or SERVICE=DOCUMENT`], io);
    return undefined;
  }
  const { configuration, issues } = await loadConfiguration(resolve(io.cwd, file), {
    policies: policyOrder,
    env: io.env,
    shownAs: file,
  });
  if (configuration === undefined) {
    for (const issue of issues.filter(isError)) io.stderr(`${formatIssue(issue)}\n`);
    refuse(['where the configuration needs the file that is to be made, name the documents: SERVICE=DOCUMENT'], io);
    return undefined;
  }
  const described = Object.entries(configuration.services).flatMap(([service, { openapi }]) =>
    openapi === undefined ? [] : [[service, { openapi }] as const],
  );
  if (described.length > 0) return Object.fromEntries(described);
  refuse([`no service of ${file} names its document (\`openapi\`)`], io);
  return undefined;
}

async function check(out: string, text: string, shown: string, io: CommandIo): Promise<number> {
  let present: string;
  try {
    present = await readFile(out, 'utf8');
  } catch (error) {
    return refuse([`${shown} cannot be read: ${explainReadError(error)}`], io);
  }
  if (present === text) {
    io.stdout(`${shown} is up to date\n`);
    return EXIT_OK;
  }
  return refuse([`${shown} is stale; write it again with \`gatehouse types\``], io);
}

async function write(out: string, text: string, shown: string, io: CommandIo): Promise<number> {
  try {
    await writeFile(out, text);
  } catch (error) {
    return refuse([`${shown} cannot be written: ${error instanceof Error ? error.message : String(error)}`], io);
  }
  io.stdout(`wrote ${shown}\n`);
  return EXIT_OK;
}

function refuse(reasons: readonly string[], io: CommandIo): number {
  for (const reason of reasons) io.stderr(`gatehouse types: ${reason}\n`);
  io.stderr('Run `gatehouse types --help` for its options.\n');
  return EXIT_REFUSED;
}
