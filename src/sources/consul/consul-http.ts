/** One question to the HTTP API of Consul, with a limit for time and size. */
import { type ClientRequest, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { limits } from '#base/limits.ts';
import type { EndpointUrl } from '#schema/endpoint-url.ts';

export interface ConsulQuestion {
  readonly address: EndpointUrl;
  readonly path: string;
  readonly token: string | undefined;
}

export interface ConsulReply {
  readonly status: number;
  /** Of `x-consul-index`; `undefined` when there is none. */
  readonly index: number | undefined;
  readonly text: string;
}

/** Consul could not be asked, or did not answer. */
class ConsulUnreachable extends Error {
  override readonly name = 'ConsulUnreachable';
}

export function askConsul({ address, path, token }: ConsulQuestion, signal: AbortSignal): Promise<ConsulReply> {
  const { scheme, host, port, path: socketPath } = address;
  const send = scheme === 'https' ? requestSecure : requestPlain;
  const where = socketPath === undefined ? { host, port } : { socketPath };
  const headers = token === undefined ? {} : { 'x-consul-token': token };
  return new Promise((resolve, reject) => {
    // A connection for each question: there is one a minute, and one that was lost would be noticed only by asking.
    const sent: ClientRequest = send({ ...where, path, headers, signal, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > limits.discoveryBytesMax) response.destroy(new ConsulUnreachable('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, index: readIndex(response.headers), text }));
    });
    sent.on('error', reject);
    // A program that embeds the gateway may end while the question is held back.
    sent.on('socket', (socket) => socket.unref());
    sent.end();
  });
}

function readIndex({ 'x-consul-index': written }: Readonly<Record<string, string | string[] | undefined>>): number | undefined {
  return typeof written === 'string' && /^\d{1,15}$/.test(written) ? Number(written) : undefined;
}
