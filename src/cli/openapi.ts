/** `gatehouse openapi`: what the aggregates of a configuration take and answer. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultFileNames, findDefaultFile } from '#config/default-file.ts';
import { formatIssue, isError } from '#config/issue.ts';
import { loadConfiguration } from '#config/load.ts';
import { describeAggregates } from '#openapi/aggregate-contract.ts';
import { policyOrder } from '#policies/registry.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const syntax = {
  name: 'openapi',
  takesPositionals: true,
  options: { config: { type: 'string', short: 'c' } },
  help: `Usage: gatehouse openapi [ROUTE]... [--config FILE] > aggregates.json

Prints the OpenAPI document (3.1) of the routes that are aggregates, or of those that are named. What services answer is described by
their own documents, the setting \`openapi\` of a service: the printed one refers to them, relative to the working folder.

Options:
  -c, --config FILE  the configuration; otherwise the first of ${defaultFileNames.join(', ')}
  -h, --help         this text

Exit status: 0, or 2 when the configuration or the command line is refused.
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runOpenapi(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values, positionals: routes } = read;
  const file = values.config ?? findDefaultFile(io.cwd, existsSync);
  if (file === undefined)
    return refuse(io, [`there is no ${defaultFileNames.join(', ')} in ${io.cwd}; name a file with --config FILE`]);
  const loaded = await loadConfiguration(resolve(io.cwd, file), { policies: policyOrder, env: io.env, shownAs: file });
  const { configuration } = loaded;
  if (configuration === undefined) {
    for (const issue of loaded.issues.filter(isError)) io.stderr(`${formatIssue(issue)}\n`);
    return EXIT_REFUSED;
  }
  const unfit = routes.filter((name) => configuration.routes[name]?.to.kind !== 'aggregate');
  if (unfit.length > 0)
    return refuse(
      io,
      unfit.map((name) => `there is no route \`${name}\` that is an aggregate`),
    );
  const { document, problems } = await describeAggregates(configuration, { folder: io.cwd, routes });
  if (problems.length > 0) return refuse(io, problems);
  io.stdout(`${JSON.stringify(document, undefined, 2)}\n`);
  return EXIT_OK;
}

function refuse(io: CommandIo, reasons: readonly string[]): number {
  for (const reason of reasons) io.stderr(`gatehouse openapi: ${reason}\n`);
  io.stderr('Run `gatehouse openapi --help` for its options.\n');
  return EXIT_REFUSED;
}
