/** Server-sent events of the admin API, read one by one. */
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { SocketAddress } from '#net/address.ts';

/** An event of the gateway is far shorter. */
const EVENT_LENGTH_MAX = 16 * 1024 * 1024;

export interface AdminPlace {
  /** A socket on this machine, or a URL. */
  readonly address: SocketAddress | URL;
  readonly token: string | undefined;
}

export interface ReceivedEvent {
  readonly name: string;
  readonly data: string;
}

/** Rejects where nobody answers. */
export function openEvents({ address, token }: AdminPlace, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const headers = { accept: 'text/event-stream', ...authorization };
    const isSecure = address instanceof URL && address.protocol === 'https:';
    const send = isSecure ? requestSecure : request;
    send({ ...toPlace(address), path, headers, agent: false }, resolve)
      .on('error', reject)
      .end();
  });
}

function toPlace(address: SocketAddress | URL): RequestOptions {
  if (address instanceof URL) return { host: address.hostname.replace(/^\[|\]$/g, ''), port: address.port, headers: {} };
  return 'path' in address ? { socketPath: address.path } : { host: toReachable(address.host), port: address.port };
}

/** A gateway that listens everywhere is here too. */
function toReachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** Ends when the connection does. */
export async function* readEvents(response: IncomingMessage): AsyncGenerator<ReceivedEvent, void, void> {
  let text = '';
  response.setEncoding('utf8');
  for await (const piece of response as AsyncIterable<string>) {
    text += piece;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const name = /^event: (.*)$/m.exec(event)?.[1];
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (name !== undefined && data !== undefined) yield { name, data };
    }
    if (text.length > EVENT_LENGTH_MAX) return;
  }
}
