import { connect, constants, type IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { limits } from '#base/limits.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { ProbeAnswer, ProbeRequest } from './probe-answer.ts';

/** Only defaults follow from it: what is asked for is in the fields. */
const anywhere = new URL('http://upstream');

/** Asks once over a connection of its own. Whoever made the socket destroys it afterwards. */
export function askHttp2(socket: Socket, request: ProbeRequest): Promise<ProbeAnswer> {
  return new Promise((resolve, reject) => {
    const scheme = socket instanceof TLSSocket ? 'https' : 'http';
    if (socket instanceof TLSSocket) {
      socket.once('secureConnect', () => {
        if (socket.alpnProtocol !== 'h2') reject(upstreamErrors.noHttp2({ reason: 'ALPN' }));
      });
    }
    // A session notices neither an alert of TLS nor the end of a socket that never was connected.
    socket.on('error', reject);
    socket.once('close', () => reject(upstreamErrors.lostBeforeAnswer()));
    const session = connect(anywhere, { createConnection: () => socket, settings: { enablePush: false } });
    session.on('error', reject);
    const stream = session.request(toFields(request, scheme), { endStream: request.body === undefined });
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    let text = '';
    const toAnswer = (): ProbeAnswer => ({
      status: Number(head[':status']),
      text: text.slice(0, limits.healthAnswerBytesMax),
      grpcStatus: toText(trailers['grpc-status'] ?? head['grpc-status']),
    });
    stream.on('error', reject);
    stream.on('response', (fields) => {
      head = fields;
    });
    stream.on('trailers', (fields) => {
      trailers = fields;
    });
    stream.setEncoding('latin1');
    stream.on('data', (chunk: string) => {
      text += chunk;
      if (text.length >= limits.healthAnswerBytesMax) resolve(toAnswer());
    });
    stream.on('close', () => {
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR && ':status' in head) resolve(toAnswer());
      else reject(upstreamErrors.lostBeforeAnswer());
    });
    if (request.body !== undefined) stream.end(request.body);
  });
}

function toFields({ method, path, authority, headers }: ProbeRequest, scheme: string): Record<string, string> {
  return { ...headers, ':method': method, ':path': path, ':authority': authority, ':scheme': scheme };
}

function toText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
