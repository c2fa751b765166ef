/** `gatehouse tap`: exchanges of a running gateway, one line each, while they happen. */
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Configuration } from '#config/configuration.ts';
import { defaultFileNames, findDefaultFile } from '#config/default-file.ts';
import { loadConfiguration } from '#config/load.ts';
import type { ExchangeRecord } from '#http/exchange-record.ts';
import { findTapMistake, type TapFilter } from '#http/tap-filter.ts';
import { policyOrder } from '#policies/registry.ts';
import type { RequestExplanation } from '#runtime/explain-request.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';
import { type AdminPlace, openEvents, readEvents } from './event-stream.ts';
import { toExchangeLine, toPlainText } from './exchange-line.ts';
import { toExplanationText, toLiveText } from './explain-text.ts';

const EXIT_LOST = 1;
const ADMIN_DEFAULT = 'http://127.0.0.1:9080';

const syntax = {
  name: 'tap',
  options: {
    route: { type: 'string' },
    service: { type: 'string' },
    status: { type: 'string' },
    method: { type: 'string' },
    path: { type: 'string' },
    client: { type: 'string' },
    sample: { type: 'string' },
    max: { type: 'string' },
    explain: { type: 'boolean' },
    json: { type: 'boolean' },
    admin: { type: 'string' },
    token: { type: 'string' },
    config: { type: 'string', short: 'c' },
  },
  help: `Usage: gatehouse tap [FILTERS] [OPTIONS]

Shows exchanges of a running gateway as soon as each is over, one line each: when, method, status, duration, target, route and
endpoint, and what was special. Secrets are not shown. Ends with Ctrl-C, and leaves nothing behind.

  gatehouse tap --status 5xx
  gatehouse tap --route orders --explain --max 1

Filters, which must all match:
      --route NAME      of this route
      --service NAME    of this service
      --status STATUS   404, 5xx, 500-504, or several with commas
      --method METHOD   GET, or several with commas
      --path PATH       /orders/* for everything below, /orders/:id for one segment
      --client ADDRESS  an address, or a block such as 10.0.0.0/8
      --sample SHARE    only a share of those that match, such as 0.01

Options:
      --max N           end after so many
      --explain         each with its whole explanation, step by step
      --json            one JSON document for each, for programs
      --admin URL       the gateway's admin address (http://HOST:PORT, or unix:/PATH); otherwise that of the configuration, or ${ADMIN_DEFAULT}
      --token TOKEN     its token; otherwise GATEHOUSE_ADMIN_TOKEN of the environment, or that of the configuration
  -c, --config FILE     where the admin address is looked up; otherwise the first of ${defaultFileNames.join(', ')}
  -h, --help            this text

Exit status: 0 after --max, 1 when the gateway has ended the connection, 2 when it refuses or the command line is wrong.
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runTap(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values } = read;
  const { route, service, status, method, path, client, max } = values;
  const sample = values.sample === undefined ? undefined : Number(values.sample);
  const filter: TapFilter = { route, service, status, method: method?.toUpperCase(), path, client, sample };
  const mistake = findTapMistake(filter);
  if (mistake !== undefined) return refuse(io, `--${mistake.field}: ${mistake.problem}`);
  if (max !== undefined && !/^[1-9][0-9]{0,6}$/.test(max)) return refuse(io, `--max ${max}: expected a number from 1`);
  const place = await findPlace(values, io);
  if (typeof place === 'string') return refuse(io, place);
  const query = toQuery({ ...filter, max, explain: values.explain === true ? 'true' : undefined });
  try {
    const response = await openEvents(place, `/api/tap${query}`);
    if (response.statusCode !== 200) return await showRefusal(response, io);
    return await show(response, values, io);
  } catch (error) {
    io.stderr(
      `gatehouse tap: no gateway answers at ${describePlace(place)}: ${error instanceof Error ? error.message : error}\n`,
    );
    return EXIT_LOST;
  }
}

function toQuery(parts: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}

async function show(
  response: IncomingMessage,
  {
    max,
    json,
    explain,
  }: { readonly max?: string | undefined; readonly json?: boolean | undefined; readonly explain?: boolean | undefined },
  io: CommandIo,
): Promise<number> {
  let leftCount = max === undefined ? Number.POSITIVE_INFINITY : Number(max);
  for await (const { name, data } of readEvents(response)) {
    if (name === 'dropped') io.stderr(`gatehouse tap: ${(JSON.parse(data) as { count: number }).count} more are not shown\n`);
    if (name !== 'exchange') continue;
    if (json === true) io.stdout(`${data}\n`);
    else io.stdout(explain === true ? toDocumentText(data, io) : toExchangeLine(JSON.parse(data) as ExchangeRecord, io));
    leftCount -= 1;
    if (leftCount > 0) continue;
    response.destroy();
    return EXIT_OK;
  }
  io.stderr('gatehouse tap: the gateway has ended the connection\n');
  return EXIT_LOST;
}

function toDocumentText(data: string, io: CommandIo): string {
  const document = JSON.parse(data) as Partial<RequestExplanation> & { live: ExchangeRecord; unexplained?: string };
  const { live, unexplained } = document;
  const explanation =
    unexplained ?? (document.request === undefined ? '' : toExplanationText(document as unknown as RequestExplanation));
  return `${toExchangeLine(live, io)}${toPlainText(toLiveText(live))}\n${toPlainText(explanation)}\n`;
}

async function showRefusal(response: IncomingMessage, io: CommandIo): Promise<number> {
  const answer = await text(response);
  io.stderr(`gatehouse tap: the gateway refuses (${response.statusCode}): ${toDetail(answer)}\n`);
  return EXIT_REFUSED;
}

function toDetail(answer: string): string {
  try {
    return String((JSON.parse(answer) as { detail?: unknown }).detail);
  } catch {
    // Whoever has answered is no gateway.
    return answer.slice(0, 200);
  }
}

/** A text says why there is none. */
async function findPlace(
  values: { readonly admin?: string | undefined; readonly token?: string | undefined; readonly config?: string | undefined },
  io: CommandIo,
): Promise<AdminPlace | string> {
  const given = values.token ?? io.env['GATEHOUSE_ADMIN_TOKEN'];
  if (values.admin !== undefined) {
    const address = readAdmin(values.admin);
    return address === undefined
      ? `--admin ${values.admin}: expected http://HOST:PORT, https://HOST:PORT or unix:/PATH`
      : { address, token: given };
  }
  const configured = await findConfigured(values.config, io);
  if (typeof configured === 'string') return configured;
  if (configured === undefined) return { address: new URL(ADMIN_DEFAULT), token: given };
  return { address: configured.address, token: given ?? configured.token?.reveal() };
}

function readAdmin(text: string): AdminPlace['address'] | undefined {
  if (text.startsWith('unix:/')) return { path: text.slice('unix:'.length) };
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) ? url : undefined;
}

async function findConfigured(config: string | undefined, io: CommandIo): Promise<Configuration['admin'] | string> {
  const file = config ?? findDefaultFile(io.cwd, existsSync);
  if (file === undefined) return undefined;
  const { configuration } = await loadConfiguration(resolve(io.cwd, file), { policies: policyOrder, env: io.env, shownAs: file });
  if (configuration === undefined) return `${file} is not valid, so the admin address is not known; say it with --admin URL`;
  return configuration.admin ?? `${file} has no \`admin: { address: … }\`; without it a gateway cannot be tapped`;
}

function describePlace({ address }: AdminPlace): string {
  if (address instanceof URL) return address.origin;
  return 'path' in address ? address.path : `${address.host}:${address.port}`;
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse tap: ${reason}\nRun \`gatehouse tap --help\` for its options.\n`);
  return EXIT_REFUSED;
}
