/** The admin API of a running gateway, for commands that send it something or only look. */
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { request as requestSecure } from 'node:https';
import { text } from 'node:stream/consumers';
import type { CommandIo } from './command-io.ts';

const ADMIN_DEFAULT = 'http://127.0.0.1:9080';

/** Options of these commands, and what stands of them in their help. */
export const askedGatewayOptions = { admin: { type: 'string' }, token: { type: 'string' } } as const;
export const askedGatewayHelp = `      --admin URL      the gateway's admin address (http://HOST:PORT, or unix:/PATH); otherwise ${ADMIN_DEFAULT}
      --token TOKEN    its token; otherwise GATEHOUSE_ADMIN_TOKEN of the environment`;

interface AskedGateway {
  readonly place: RequestOptions;
  readonly isSecure: boolean;
  readonly token: string | undefined;
}

/** A text: what is wrong with the options. */
export function findGateway(
  { admin = ADMIN_DEFAULT, token }: { readonly admin?: string | undefined; readonly token?: string | undefined },
  io: CommandIo,
): AskedGateway | string {
  const shown = token ?? io.env['GATEHOUSE_ADMIN_TOKEN'];
  if (admin.startsWith('unix:/')) return { place: { socketPath: admin.slice('unix:'.length) }, isSecure: false, token: shown };
  const url = URL.parse(admin);
  if (url === null || !/^https?:$/.test(url.protocol))
    return `--admin ${admin}: expected http://HOST:PORT, https://HOST:PORT or unix:/PATH`;
  const place = { host: url.hostname.replace(/^\[|\]$/g, ''), ...(url.port !== '' && { port: url.port }) };
  return { place, isSecure: url.protocol === 'https:', token: shown };
}

/** Resolves with the head of the answer; its body is still to be read. Rejects where nobody answers. */
export function askGateway({ place, isSecure, token }: AskedGateway, path: string, body?: object): Promise<IncomingMessage> {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(sent !== undefined && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(sent)) }),
  };
  const send = isSecure ? requestSecure : request;
  return new Promise((resolve, reject) => {
    send({ ...place, path, method: sent === undefined ? 'GET' : 'POST', headers, agent: false }, resolve)
      .on('error', reject)
      .end(sent);
  });
}

const SHOWN_LENGTH_MAX = 200;

/** Why it refuses. */
export async function readRefusal(response: IncomingMessage): Promise<string> {
  const answer = await text(response);
  const detail = /"detail":"((?:[^"\\]|\\.)*)"/.exec(answer)?.[1] ?? answer.slice(0, SHOWN_LENGTH_MAX);
  return `the gateway refuses (${response.statusCode}): ${detail}`;
}
