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
import type { EndpointChoice, ExplainedCandidate } from '#runtime/explain-balancing.ts';
import type { ExplainedFallback } from '#runtime/explain-fallback.ts';
import { explainRequest, type RequestExplanation } from '#runtime/explain-request.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

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
const CANDIDATES_SHOWN_MAX = 10;

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
  io.stdout(values.json ? `${JSON.stringify(explanation, undefined, 2)}\n` : toText(explanation));
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

function toText({ request, route, ownPath, outranked, nearMisses }: RequestExplanation): string {
  const lines = [
    `${request.method} ${request.target}   host ${request.host || '(none)'}, listener ${request.listener}, client ${request.clientAddress}`,
    '',
  ];
  if (route === undefined && ownPath !== undefined) {
    lines.push('No route takes this request. Its path belongs to a policy, which answers it.');
    lines.push(`  policies ${ownPath.policies.join(' → ')}`);
  } else if (route === undefined) lines.push('No route takes this request: the answer is 404.');
  else {
    lines.push(`Route ${route.name}   ${describeMatch(route)}`);
    for (const reason of route.because) lines.push(`  because ${reason}`);
    for (const [name, value] of Object.entries(route.captures)) lines.push(`  captures ${name} = ${value}`);
    lines.push(`  policies ${route.policies.length === 0 ? '(none)' : route.policies.join(' → ')}`);
    lines.push(`  goes to ${route.destination}`);
    lines.push(...route.endpoints.flatMap(describeChoice));
    for (const line of route.forwarding) lines.push(`  sent to ${line}`);
    if (route.protection.length > 0) lines.push(`  importance ${route.importance}`);
    for (const line of route.protection) lines.push(`  protected by ${line}`);
    for (const detail of route.details) lines.push(`  ${detail}`);
    if (route.fallback !== undefined) lines.push(...describeFallback(route.fallback));
  }
  if (outranked.length > 0) lines.push('', 'Routes that match too, but rank lower:');
  for (const other of outranked) lines.push(`  ${other.route}   ${describeMatch(other)}: ${other.because}`);
  if (nearMisses.length > 0) lines.push('', 'Near misses:');
  for (const miss of nearMisses) lines.push(`  ${miss.route}   ${describeMatch(miss)}: ${miss.because}`);
  return `${lines.join('\n')}\n`;
}

function describeFallback({ to, instead, endpoints, forwarding, protection }: ExplainedFallback): string[] {
  return [
    `  falls back to ${to}`,
    ...instead.map((line) => `    instead of ${line}`),
    ...endpoints.flatMap(describeChoice),
    ...forwarding.map((line) => `    sent to ${line}`),
    ...protection.map((line) => `    protected by ${line}`),
  ];
}

/** Nothing about a service with one endpoint: there is no choice. */
function describeChoice({ service, balance, endpoint, because, candidates }: EndpointChoice): string[] {
  if (candidates.length < 2) return [];
  const chosen = endpoint === undefined ? 'an endpoint' : endpoint;
  const shown = candidates.slice(0, CANDIDATES_SHOWN_MAX).map((candidate) => `      ${describeCandidate(candidate)}`);
  const more = candidates.length - shown.length;
  return [
    `    ${service} chooses ${chosen} by ${balance}, because ${because}`,
    ...shown,
    ...(more > 0 ? [`      and ${more} more (all of them with --json)`] : []),
  ];
}

function describeCandidate({ url, weight, priority, zone, percent }: ExplainedCandidate): string {
  const place = [
    `weight ${weight}`,
    ...(priority > 0 ? [`priority ${priority}`] : []),
    ...(zone === undefined ? [] : [`zone ${zone}`]),
  ];
  return `${url}   ${place.join(', ')}: ${percent === 0 ? 'waits' : `${percent} %`}`;
}

function describeMatch({ host, path }: { host: string | undefined; path: string }): string {
  return host === undefined ? path : `${host}${path}`;
}
