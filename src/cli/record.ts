/** `gatehouse record`: exchanges of a running gateway, one line each, as `gatehouse replay` reads them. */
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseDuration } from '#schema/duration-text.ts';
import { readProblem } from './admin-answers.ts';
import { adminOptions, findAdminPlace, openAdmin } from './admin-place.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';
import { readEvents } from './event-stream.ts';
import { adminHelp } from './history.ts';

const EXIT_LOST = 1;
const TIME_DEFAULT = '1m';
const MS_PER_SECOND = 1_000;
const SECONDS_MAX = 3_600;

const syntax = {
  name: 'record',
  options: {
    for: { type: 'string' },
    sample: { type: 'string' },
    route: { type: 'string', multiple: true },
    method: { type: 'string', multiple: true },
    host: { type: 'string', multiple: true },
    path: { type: 'string', multiple: true },
    status: { type: 'string', multiple: true },
    bodies: { type: 'string' },
    'redact-header': { type: 'string', multiple: true },
    'redact-query': { type: 'string', multiple: true },
    'redact-json': { type: 'string', multiple: true },
    client: { type: 'string' },
    ...adminOptions,
  },
  help: `Usage: gatehouse record [OPTIONS] > FILE

Records exchanges of a running gateway, for \`gatehouse replay\`: one line of JSON each. Credentials are replaced by digests before
anything leaves the gateway. Ends when the time is over, or with Ctrl-C.

  gatehouse record --for 1m --sample 10% --route orders > traffic.jsonl

Options:
      --for TIME             how long, up to 1h; otherwise ${TIME_DEFAULT}
      --sample SHARE         how many of the requests, such as 10%; otherwise 1%
      --route NAME           of this route; may be repeated
      --method METHOD        with this method; may be repeated
      --host HOST            for this host, or *.example.com; may be repeated
      --path PATH            with this path, or /orders/* for all below it; may be repeated
      --status STATUS        that were answered with 404, or 5xx; may be repeated
      --bodies SIZE          how much is kept of each body, or \`none\`; otherwise 16KiB
      --redact-header NAME   a further field whose value is replaced; may be repeated
      --redact-query NAME    a further parameter whose value is replaced; may be repeated
      --redact-json POINTER  a place in bodies of JSON that is replaced, such as /items/*/iban; may be repeated
      --client SHOWN         how much is told of addresses: full (the default), network or hidden
${adminHelp}
  -h, --help                 this text

Exit status: 0 when the time is over, 1 when the gateway is not there or has ended the connection, 2 when it refuses or the
command line is wrong.
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runRecord(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values } = read;
  const ms = parseDuration(values.for ?? TIME_DEFAULT);
  const seconds = Math.ceil((ms ?? 0) / MS_PER_SECOND);
  if (seconds < 1 || seconds > SECONDS_MAX) return refuse(io, `--for ${values.for}: expected a time of up to 1h, such as 30s`);
  const place = await findAdminPlace(values, io);
  if (typeof place === 'string') return refuse(io, place);
  const order = {
    seconds,
    sample: values.sample,
    routes: values.route,
    match: { methods: values.method, hosts: values.host, paths: values.path, statuses: values.status },
    bodies: toBodies(values.bodies),
    redact: { headers: values['redact-header'], query: values['redact-query'], json: values['redact-json'] },
    client: values.client,
  };
  try {
    const response = await openAdmin(place, 'POST', '/api/recordings', order);
    if (response.statusCode === 200) return await write(response, io);
    const refusal = { status: response.statusCode ?? 0, text: await text(response) };
    io.stderr(`gatehouse record: the gateway refuses (${refusal.status}): ${readProblem(refusal)}\n`);
    return EXIT_REFUSED;
  } catch (error) {
    io.stderr(`gatehouse record: no gateway answers at ${place.origin}: ${error instanceof Error ? error.message : error}\n`);
    return EXIT_LOST;
  }
}

async function write(response: IncomingMessage, io: CommandIo): Promise<number> {
  for await (const { name, data } of readEvents(response)) {
    if (name === 'exchange') io.stdout(`${data}\n`);
    if (name !== 'end') continue;
    io.stderr(`gatehouse record: ${/\d+/.exec(data)?.[0] ?? 0} exchanges recorded\n`);
    return EXIT_OK;
  }
  io.stderr('gatehouse record: the gateway has ended the connection\n');
  return EXIT_LOST;
}

function toBodies(size: string | undefined): object | false | undefined {
  if (size === undefined) return undefined;
  return size === 'none' ? false : { request: size, response: size };
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse record: ${reason}\nRun \`gatehouse record --help\` for its options.\n`);
  return EXIT_REFUSED;
}
