/** Servers that logs are sent to: by HTTP, as OTLP, and as syslog over a stream. They show what they were sent. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createStreamServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { listenFor } from './listening-server.ts';
import { findText, listMessages, type ProtobufMessage, readProtobuf } from './protobuf-fields.ts';

export interface Posted {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Not compressed. */
  readonly body: Buffer;
}

export interface PostCollector {
  readonly url: string;
  /** Those that were answered with 200. */
  readonly taken: Posted[];
  readonly posts: Posted[];
  /** What is done with each; `undefined`: 200. */
  answer: ((posted: Posted, response: ServerResponse) => void) | undefined;
}

export async function startPostCollector(t: TestContext): Promise<PostCollector> {
  const collector: { -readonly [Key in keyof PostCollector]: PostCollector[Key] } = {
    url: '',
    taken: [],
    posts: [],
    answer: undefined,
  };
  const server = createServer(async (request, response) => {
    const sent = await buffer(request);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    const posted = { path: request.url ?? '', headers: request.headers, body };
    collector.posts.push(posted);
    if (collector.answer !== undefined) return collector.answer(posted, response);
    collector.taken.push(posted);
    response.end();
  });
  collector.url = `http://127.0.0.1:${await listenFor(t, server)}`;
  return collector;
}

/** The lines of all batches that were taken. */
export function listPostedLines({ taken }: PostCollector): Record<string, unknown>[] {
  const text = taken.map(({ body }) => body.toString()).join('');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

export interface CollectedRecord {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly severity: string;
  /** Empty: of none. */
  readonly traceId: string;
  readonly spanId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** `ExportLogsServiceRequest` of OTLP. */
export function listRecords({ taken }: PostCollector): CollectedRecord[] {
  return taken.flatMap(({ body }) =>
    listMessages(readProtobuf(body), 1).flatMap((resourceLogs) => {
      const resource = readAttributes(listMessages(resourceLogs, 1)[0]!, 1);
      return listMessages(resourceLogs, 2).flatMap((scopeLogs) =>
        listMessages(scopeLogs, 2).map((record) => ({
          time: record.get(1)![0] as bigint,
          severity: findText(record, 3) ?? '',
          traceId: findHex(record, 9),
          spanId: findHex(record, 10),
          body: String(readAnyValue(listMessages(record, 5)[0]!)),
          attributes: readAttributes(record, 6),
          resource,
        })),
      );
    }),
  );
}

function findHex(message: ProtobufMessage, field: number): string {
  return ((message.get(field)?.[0] as Buffer | undefined) ?? Buffer.alloc(0)).toString('hex');
}

function readAttributes(message: ProtobufMessage, field: number): Record<string, unknown> {
  return Object.fromEntries(
    listMessages(message, field).map((pair) => [findText(pair, 1), readAnyValue(listMessages(pair, 2)[0]!)]),
  );
}

/** Text, a whole number, one with a fraction, a map or a list. */
function readAnyValue(value: ProtobufMessage): unknown {
  if (value.has(1)) return findText(value, 1);
  if (value.has(2)) return value.get(2)![0] === 1n;
  if (value.has(3)) return Number(BigInt.asIntN(64, value.get(3)![0] as bigint));
  if (value.has(4)) {
    const bits = Buffer.alloc(8);
    bits.writeBigUInt64LE(value.get(4)![0] as bigint);
    return bits.readDoubleLE();
  }
  if (value.has(6)) return readAttributes(listMessages(value, 6)[0]!, 1);
  return value.has(5) ? listMessages(listMessages(value, 5)[0]!, 1).map(readAnyValue) : undefined;
}

export interface SyslogServer {
  readonly port: number;
  readonly server: Server;
  /** Without the lengths before them. */
  readonly messages: string[];
  /** It reads nothing while it is set. */
  isPaused: boolean;
  readonly sockets: Set<Socket>;
}

export interface SyslogServerOptions {
  /** A Unix socket in the place of a port. */
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
  /** It speaks TLS. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
}

export async function startSyslogServer(
  t: TestContext,
  { path, host = '127.0.0.1', port = 0, tls }: SyslogServerOptions = {},
): Promise<SyslogServer> {
  const sockets = new Set<Socket>();
  const onSocket = (socket: Socket) => {
    sockets.add(socket);
    let text = '';
    if (started.isPaused) socket.pause();
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.setEncoding('latin1').on('data', (more) => {
      text = takeMessages(text + more, started.messages);
    });
  };
  const server = tls === undefined ? createStreamServer(onSocket) : createTlsServer(tls, onSocket);
  const started = { port: 0, server, messages: [] as string[], isPaused: false, sockets };
  const listening = new Promise<void>((resolve) => server.once('listening', resolve));
  if (path === undefined) server.listen(port, host);
  else server.listen(path);
  await listening;
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  started.port = typeof address === 'object' && address !== null ? address.port : 0;
  return started;
}

/** Returns what is not yet a whole message. */
function takeMessages(text: string, messages: string[]): string {
  let rest = text;
  for (;;) {
    const length = /^(\d+) /.exec(rest);
    if (length === null || rest.length < length[0].length + Number(length[1])) return rest;
    const end = length[0].length + Number(length[1]);
    messages.push(rest.slice(length[0].length, end));
    rest = rest.slice(end);
  }
}
