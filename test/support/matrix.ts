/** Clients and upstreams of every version of HTTP behind one interface each, so that one suite can run through all pairs. */
import { createServer as createHttp1Server, type IncomingMessage, request as request1, type ServerResponse } from 'node:http';
import {
  type ClientHttp2Session,
  connect as connect2,
  createServer as createHttp2Server,
  createSecureServer,
  type IncomingHttpHeaders,
} from 'node:http2';
import { request as requestSecure } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { certificates } from './certificates.ts';

export const clientKinds = ['h1', 'h1+TLS', 'h2', 'h2c'] as const;
export type ClientKind = (typeof clientKinds)[number];
export const upstreamKinds = ['h1', 'h2', 'h2c'] as const;
export type UpstreamKind = (typeof upstreamKinds)[number];

export interface MatrixRequest {
  readonly method?: string;
  readonly path: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Without it, the length is told. */
  readonly trailers?: Readonly<Record<string, string>>;
}

export interface MatrixAnswer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string | string[] | undefined>>;
  readonly informational: readonly number[];
  /** The answer ended as it should. */
  readonly isWhole: boolean;
}

export interface MatrixClient {
  ask(request: MatrixRequest): Promise<MatrixAnswer>;
}

/** A client of a listener; `port` is that of one that fits its kind. */
export function openMatrixClient(t: TestContext, kind: ClientKind, port: number): MatrixClient {
  const isSecure = kind === 'h1+TLS' || kind === 'h2';
  if (kind === 'h1' || kind === 'h1+TLS') return { ask: (request) => askHttp1(request, port, isSecure) };
  const session = connect2(`${isSecure ? 'https' : 'http'}://localhost:${port}`, { ca: certificates.authority });
  session.on('error', ignore);
  t.after(() => session.destroy());
  return { ask: (request) => askHttp2(session, request) };
}

function askHttp1({ method = 'GET', path, fields = {}, body, trailers }: MatrixRequest, port: number, isSecure: boolean) {
  return new Promise<MatrixAnswer>((resolve, reject) => {
    const length = body === undefined || trailers !== undefined ? {} : { 'content-length': body.length };
    const announced = trailers === undefined ? {} : { trailer: Object.keys(trailers).join(', ') };
    const headers = { te: 'trailers', connection: 'te', ...length, ...announced, ...fields };
    const options = { host: '127.0.0.1', servername: 'localhost', port, method, path, headers, agent: false as const };
    const informational: number[] = [];
    const sent = isSecure ? requestSecure({ ...options, ca: certificates.authority }) : request1(options);
    sent.on('information', ({ statusCode }) => informational.push(statusCode));
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', ignore);
      response.on('close', () => {
        const { statusCode = 0, headers: received, trailers: behind, complete } = response;
        const end = { trailers: behind, informational, isWhole: complete };
        resolve({ status: statusCode, fields: received, body: Buffer.concat(chunks), ...end });
      });
    });
    if (trailers !== undefined) sent.addTrailers(trailers);
    sent.end(body);
  });
}

function askHttp2(session: ClientHttp2Session, { method = 'GET', path, fields = {}, body, trailers }: MatrixRequest) {
  return new Promise<MatrixAnswer>((resolve) => {
    const length = body === undefined || trailers !== undefined ? {} : { 'content-length': body.length };
    const head = { ':method': method, ':path': path, te: 'trailers', ...length, ...fields };
    const stream = session.request(head, { endStream: body === undefined, waitForTrailers: trailers !== undefined });
    const informational: number[] = [];
    const chunks: Buffer[] = [];
    let received: IncomingHttpHeaders = {};
    let behind: IncomingHttpHeaders = {};
    let hasEnded = false;
    stream.on('headers', (informed) => informational.push(Number(informed[':status'])));
    stream.on('response', (answered) => {
      received = answered;
    });
    stream.on('trailers', (fieldsBehind) => {
      behind = fieldsBehind;
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      hasEnded = true;
    });
    stream.on('error', ignore);
    stream.on('close', () => {
      const end = { trailers: behind, informational, isWhole: hasEnded && stream.rstCode === 0 };
      resolve({ status: Number(received[':status'] ?? 0), fields: received, body: Buffer.concat(chunks), ...end });
    });
    if (body !== undefined) stream.end(body);
  });
}

/** The parts of a request and an answer that all versions have in common. */
export type MatrixHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts an upstream and returns the settings of a service for it, but for the authority that is trusted. */
export async function startMatrixUpstream(t: TestContext, kind: UpstreamKind, handler: MatrixHandler) {
  const server =
    kind === 'h1'
      ? createHttp1Server()
      : kind === 'h2c'
        ? createHttp2Server()
        : createSecureServer({ ...certificates.localhost, allowHTTP1: false });
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', ignore);
  });
  server.on('sessionError', ignore);
  // The compatibility layer of HTTP/2 has the same methods.
  server.on('request', handler as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const protocol: 'http1' | 'http2' = kind === 'h1' ? 'http1' : 'http2';
  return { endpoints: [`${kind === 'h2' ? 'https' : 'http'}://localhost:${port}`], protocol };
}

function ignore(): void {
  // What breaks off is part of what is tested.
}
