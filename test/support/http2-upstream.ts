/** An upstream that speaks HTTP/2 as Node does: over TLS, or with prior knowledge. */
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface Http2Upstream {
  readonly port: number;
  readonly url: string;
  /** In the order in which they were opened. */
  readonly sessions: readonly ServerHttp2Session[];
  readonly sockets: readonly Socket[];
  close(): Promise<void>;
}

export type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, session: number) => void;

export interface Http2UpstreamOptions {
  readonly settings?: ServerOptions['settings'];
  /** With it, over TLS on the name `localhost`. */
  readonly tls?: SecureServerOptions;
}

/** `onStream` answers each request; `session` says over which connection it came, from 0. */
export async function startHttp2Upstream(
  t: TestContext,
  onStream: OnStream,
  { settings, tls }: Http2UpstreamOptions = {},
): Promise<Http2Upstream> {
  const sessions: ServerHttp2Session[] = [];
  const sockets: Socket[] = [];
  const options = { ...(settings !== undefined && { settings }) };
  const server: Http2Server = tls === undefined ? createServer(options) : createSecureServer({ ...options, ...tls });
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', ignore);
  });
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', ignore);
  });
  server.on('sessionError', ignore);
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', ignore);
    onStream(stream, headers, sessions.indexOf(stream.session as ServerHttp2Session));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const upstream: Http2Upstream = {
    port,
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    sessions,
    sockets,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  t.after(() => upstream.close());
  return upstream;
}

/** Everything that a request brings. */
export async function readAll(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function ignore(): void {
  // Resets and broken connections are part of what is tested.
}
