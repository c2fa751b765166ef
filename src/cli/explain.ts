/** `gatehouse explain METHOD URL`: which route a request gets and why, without sending anything. */
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/logger.ts';
import { defaultFileNames, findDefaultFile } from '#config/default-file.ts';
import { formatIssue } from '#config/issue.ts';
import { loadConfiguration } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { explainRequest } from '#runtime/explain-request.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';
import { toExplanationText } from './explain-text.ts';

const syntax = {
  name: 'explain',
  takesPositionals: true,
  options: {
    header: { type: 'string', short: 'H', multiple: true },
    config: { type: 'string', short: 'c' },
    listener: { type: 'string' },
    client: { type: 'string' },
    json: { type: 'boolean' },
  },
  help: `Usage: gatehouse explain METHOD URL [-H 'name: value']... [OPTIONS]

Shows which route a request would get and why, which routes came close and the condition that failed, which policies would
run in which order, where the request would go, and how an endpoint is chosen there. Sends nothing.

  gatehouse explain GET https://shop.example.com/orders/5 -H 'x-canary: yes'

Options:
  -H, --header 'NAME: VALUE'  a field of the request; may be repeated
  -c, --config FILE           the configuration; otherwise the first of ${defaultFileNames.join(', ')}
      --listener NAME         the listener that the request comes through; otherwise the first one
      --client ADDRESS        the client's address; otherwise 127.0.0.1
      --json                  the same as JSON, for programs
  -h, --help                  this text

Exit status: 0 when a route takes the request, 1 when none does, 2 when the configuration or the command line is refused.
`,
} as const;

const EXIT_NO_ROUTE = 1;

/** Runs the command; the result is the exit status. */
export async function runExplain(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values, positionals } = read;
  const [method, url, ...tooMany] = positionals;
  if (method === undefined || url === undefined || tooMany.length > 0) {
    return refuse(io, 'expected a method and a URL, such as `gatehouse explain GET /orders/5`');
  }
  if (values.client !== undefined && isIP(values.client) === 0)
    return refuse(io, `--client ${values.client}: expected an IP address`);
  const headers = readHeaders(values.header ?? []);
  if (typeof headers === 'string') return refuse(io, headers);
  const file = values.config ?? findDefaultFile(io.cwd, existsSync);
  if (file === undefined)
    return refuse(io, `there is no ${defaultFileNames.join(', ')} in ${io.cwd}; name a file with --config FILE`);
  const loaded = await loadConfiguration(resolve(io.cwd, file), { policies: policyOrder, env: io.env, shownAs: file });
  if (loaded.configuration === undefined) {
    for (const issue of loaded.issues) io.stderr(`${formatIssue(issue)}\n`);
    return EXIT_REFUSED;
  }
  const request = { method: method.toUpperCase(), url, headers, listener: values.listener, clientAddress: values.client };
  const explanation = await explainRequest(loaded.configuration, request, { clock: systemClock, logger: silentLogger });
  if (typeof explanation === 'string') return refuse(io, explanation);
  io.stdout(values.json ? `${JSON.stringify(explanation, undefined, 2)}\n` : toExplanationText(explanation));
  return explanation.route === undefined && explanation.ownPath === undefined ? EXIT_NO_ROUTE : EXIT_OK;
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse explain: ${reason}\nRun \`gatehouse explain --help\` for its options.\n`);
  return EXIT_REFUSED;
}

function readHeaders(lines: readonly string[]): [string, string][] | string {
  const headers: [string, string][] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) return `-H ${JSON.stringify(line)}: expected 'name: value'`;
    headers.push([line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]);
  }
  return headers;
}
