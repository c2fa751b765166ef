/** The command line: finds the command and runs it. Each command's code is loaded only when it is called. */

import { suggestWord } from '#schema/suggest.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

type Command = (args: string[], io: CommandIo) => Promise<number>;

const commands: Readonly<Record<string, { readonly summary: string; load(): Promise<Command> }>> = {
  start: { summary: 'run the gateway until a signal ends it', load: async () => (await import('./start.ts')).runStart },
  check: {
    summary: 'validate a configuration and show everything that is wrong with it',
    load: async () => (await import('./check.ts')).runCheck,
  },
  audit: {
    summary: 'say what is weak in a configuration, and how to mend it',
    load: async () => (await import('./audit.ts')).runAudit,
  },
  certs: {
    summary: 'list every certificate, or make some for development',
    load: async () => (await import('./certs.ts')).runCerts,
  },
  comparisons: {
    summary: 'show how answers of mirrors differ from those of services',
    load: async () => (await import('./comparisons.ts')).runComparisons,
  },
  'debug-token': {
    summary: 'make a token with which single requests are explained while they happen',
    load: async () => (await import('./debug-token.ts')).runDebugToken,
  },
  explain: { summary: 'show where a request would go, and why', load: async () => (await import('./explain.ts')).runExplain },
  'hash-password': {
    summary: 'hash a password for a configuration',
    load: async () => (await import('./hash-password.ts')).runHashPassword,
  },
  history: {
    summary: 'list the configurations that a running gateway has had',
    load: async () => (await import('./history.ts')).runHistory,
  },
  import: {
    summary: 'make a configuration of a document of OpenAPI',
    load: async () => (await import('./import.ts')).runImport,
  },
  init: { summary: 'write a configuration to begin with', load: async () => (await import('./init.ts')).runInit },
  openapi: {
    summary: 'print the OpenAPI document of the aggregates of a configuration',
    load: async () => (await import('./openapi.ts')).runOpenapi,
  },
  plan: {
    summary: 'say what a change of a configuration means, before it is applied',
    load: async () => (await import('./plan.ts')).runPlan,
  },
  record: {
    summary: 'record exchanges of a running gateway, without their secrets',
    load: async () => (await import('./record.ts')).runRecord,
  },
  replay: {
    summary: 'show what a configuration, or a service, makes of recorded requests',
    load: async () => (await import('./replay.ts')).runReplay,
  },
  rollback: {
    summary: 'have a running gateway go back to a configuration that it has had',
    load: async () => (await import('./rollback.ts')).runRollback,
  },
  schema: {
    summary: 'print the JSON Schema of the configuration, for editors',
    load: async () => (await import('./schema.ts')).runSchema,
  },
  tap: { summary: 'show exchanges of a running gateway while they happen', load: async () => (await import('./tap.ts')).runTap },
  test: {
    summary: 'run the tests of routes and policies, and tell what they cover',
    load: async () => (await import('./test.ts')).runTest,
  },
  types: {
    summary: 'make TypeScript of the OpenAPI documents of services, for gatehouse.config.ts',
    load: async () => (await import('./service-types.ts')).runTypes,
  },
};

const help = `Usage: gatehouse COMMAND [OPTIONS]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(15)}${summary}`)
  .join('\n')}

gatehouse COMMAND --help tells more; gatehouse --version prints the version.
`;

/** Runs one command line; the result is the exit status. */
export async function main(args: string[], io: CommandIo = processIo()): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.stdout(help);
    return name === undefined ? EXIT_REFUSED : EXIT_OK;
  }
  if (name === '--version' || name === '-v') {
    io.stdout(`${packageJson.version}\n`);
    return EXIT_OK;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return (await command.load())(rest, io);
  const suggestion = suggestWord(name, Object.keys(commands));
  io.stderr(`gatehouse: unknown command ${name}${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}\n`);
  io.stderr('Run `gatehouse --help` for the list.\n');
  return EXIT_REFUSED;
}

function processIo(): CommandIo {
  // Whoever read the output, such as `head`, has seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    env: process.env,
    cwd: process.cwd(),
    isTerminal: process.stdout.isTTY === true,
  };
}
