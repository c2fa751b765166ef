/** `gatehouse tap`: exchanges of a running gateway, one line each, while they happen. */
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { defaultFileNames } from '#config/default-file.ts';
import type { ExchangeRecord } from '#http/exchange-record.ts';
import { findTapMistake, type TapFilter } from '#http/tap-filter.ts';
import type { RequestExplanation } from '#runtime/explain-request.ts';
import { ADMIN_DEFAULT, adminOptions, findAdminPlace, openAdmin, TOKEN_VARIABLE } from './admin-place.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';
import { readEvents } from './event-stream.ts';
import { toExchangeLine, toPlainText } from './exchange-line.ts';
import { toExplanationText, toLiveText } from './explain-text.ts';

const EXIT_LOST = 1;

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
    ...adminOptions,
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
      --token TOKEN     its token; otherwise ${TOKEN_VARIABLE} of the environment, or that of the configuration
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
  const place = await findAdminPlace(values, io);
  if (typeof place === 'string') return refuse(io, place);
  const query = toQuery({ ...filter, max, explain: values.explain === true ? 'true' : undefined });
  try {
    const response = await openAdmin(place, 'GET', `/api/tap${query}`);
    if (response.statusCode !== 200) return await showRefusal(response, io);
    return await show(response, values, io);
  } catch (error) {
    io.stderr(`gatehouse tap: no gateway answers at ${place.origin}: ${error instanceof Error ? error.message : error}\n`);
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

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse tap: ${reason}\nRun \`gatehouse tap --help\` for its options.\n`);
  return EXIT_REFUSED;
}
