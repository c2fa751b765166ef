/** `gatehouse debug-token`: a token with which single requests are explained while they happen. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemClock } from '#base/clock.ts';
import type { Configuration } from '#config/configuration.ts';
import { defaultFileNames, findDefaultFile } from '#config/default-file.ts';
import { formatIssue } from '#config/issue.ts';
import { loadConfiguration } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { DEBUG_TOKEN_VALID_MS_MAX, makeDebugToken } from '#runtime/debug-token.ts';
import { formatDuration, parseDuration } from '#schema/duration-text.ts';
import { suggestWord } from '#schema/suggest.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const VALID_DEFAULT = '10m';

const syntax = {
  name: 'debug-token',
  options: {
    config: { type: 'string', short: 'c' },
    valid: { type: 'string' },
    route: { type: 'string' },
    path: { type: 'string' },
    summary: { type: 'boolean' },
  },
  help: `Usage: gatehouse debug-token [OPTIONS]

Prints a token, signed with \`debug.key\` of the configuration. Whoever sends it in the field \`gatehouse-debug\` of a request is told
how the gateway has handled that request:

  curl -i -H "gatehouse-debug: $(gatehouse debug-token --route orders)" https://shop.example.com/orders/5

Options:
      --valid DURATION  how long it can be used; otherwise ${VALID_DEFAULT}, at most ${formatDuration(DEBUG_TOKEN_VALID_MS_MAX)}
      --route NAME      only for requests that get this route
      --path PATH       only for requests to this path or below it
      --summary         only for the line in the answer, and not for the whole document
  -c, --config FILE     the configuration; otherwise the first of ${defaultFileNames.join(', ')}
  -h, --help            this text

Exit status: 0 with the token on the standard output, 2 when there is none.
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runDebugToken(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { config, valid = VALID_DEFAULT, route, path, summary } = read.values;
  const validMs = parseDuration(valid);
  if (validMs === undefined || validMs < 1_000 || validMs > DEBUG_TOKEN_VALID_MS_MAX)
    return refuse(
      io,
      `--valid ${valid}: expected a duration such as 10m, of at most ${formatDuration(DEBUG_TOKEN_VALID_MS_MAX)}`,
    );
  if (path?.startsWith('/') === false) return refuse(io, `--path ${path}: expected a path such as /orders`);
  const file = config ?? findDefaultFile(io.cwd, existsSync);
  if (file === undefined)
    return refuse(io, `there is no ${defaultFileNames.join(', ')} in ${io.cwd}; name a file with --config FILE`);
  const loaded = await loadConfiguration(resolve(io.cwd, file), { policies: policyOrder, env: io.env, shownAs: file });
  if (loaded.configuration === undefined) {
    for (const issue of loaded.issues) io.stderr(`${formatIssue(issue)}\n`);
    return EXIT_REFUSED;
  }
  const { debug, routes } = loaded.configuration;
  if (debug === undefined)
    return refuse(
      io,
      `${file} has no \`debug: { key: … }\`; \`openssl rand -hex 32\` makes a key, such as for \`\${env:DEBUG_KEY}\``,
    );
  if (route !== undefined && !Object.hasOwn(routes, route)) return refuse(io, explainRoute(route, routes));
  const expiresMs = systemClock.wallMs() + validMs;
  io.stdout(`${makeDebugToken({ expiresMs, route, path, sees: summary ? 'summary' : 'document' }, debug.key)}\n`);
  if (io.isTerminal) io.stderr(`It can be used until ${new Date(expiresMs).toISOString()}.\n`);
  return EXIT_OK;
}

function explainRoute(route: string, routes: Configuration['routes']): string {
  const suggestion = suggestWord(route, Object.keys(routes));
  return `--route ${route}: there is no such route${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`;
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse debug-token: ${reason}\nRun \`gatehouse debug-token --help\` for its options.\n`);
  return EXIT_REFUSED;
}
