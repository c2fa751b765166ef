/** The admin API of a running gateway, as commands ask it. */
import { existsSync } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { request as requestSecure } from 'node:https';
import { resolve } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import type { AdminConfiguration } from '#config/configuration.ts';
import { findDefaultFile } from '#config/default-file.ts';
import { loadConfiguration } from '#config/load.ts';
import { formatAddress } from '#net/address.ts';
import { policyOrder } from '#policies/registry.ts';
import type { CommandIo } from './command-io.ts';

export const ADMIN_DEFAULT = 'http://127.0.0.1:9080';
export const TOKEN_VARIABLE = 'GATEHOUSE_ADMIN_TOKEN';

/** Options of every command that asks a gateway. */
export const adminOptions = {
  admin: { type: 'string' },
  token: { type: 'string' },
  config: { type: 'string', short: 'c' },
} as const;

export interface AdminPlace {
  /** `http://127.0.0.1:9080`, or the path of a socket. */
  readonly origin: string;
  readonly token: string | undefined;
}

interface AdminValues {
  readonly admin?: string | undefined;
  readonly token?: string | undefined;
  readonly config?: string | undefined;
}

export interface AdminAnswer {
  readonly status: number;
  readonly text: string;
}

/** Where the gateway is; a text says why it is not known. */
export async function findAdminPlace({ admin, token, config }: AdminValues, io: CommandIo): Promise<AdminPlace | string> {
  const shown = token ?? io.env[TOKEN_VARIABLE];
  if (admin !== undefined) {
    const isPlace = admin.startsWith('unix:/') || /^https?:$/.test(URL.parse(admin)?.protocol ?? '');
    return isPlace
      ? { origin: admin, token: shown }
      : `--admin ${admin}: expected http://HOST:PORT, https://HOST:PORT or unix:/PATH`;
  }
  const file = config ?? findDefaultFile(io.cwd, existsSync);
  if (file === undefined) return { origin: ADMIN_DEFAULT, token: shown };
  const { configuration } = await loadConfiguration(resolve(io.cwd, file), { policies: policyOrder, env: io.env, shownAs: file });
  if (configuration === undefined) return `${file} is not valid, so the admin address is not known; say it with --admin URL`;
  if (configuration.admin === undefined) return `${file} has no \`admin: { address: … }\`; without it no gateway can be asked`;
  return { origin: toOrigin(configuration.admin), token: shown ?? findToken(configuration.admin) };
}

/** Rejects where nobody answers. */
export async function askAdmin(place: AdminPlace, method: 'GET' | 'POST', path: string): Promise<AdminAnswer> {
  const response = await openAdmin(place, method, path);
  return { status: response.statusCode ?? 0, text: await readText(response) };
}

/** The same with the body of the answer still to be read. `body`: is sent as JSON. */
export function openAdmin(
  { origin, token }: AdminPlace,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<IncomingMessage> {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const { headers, ...place } = toPlace(origin);
  const shown = {
    ...headers,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(sent !== undefined && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(sent)) }),
  };
  const send = origin.startsWith('https:') ? requestSecure : request;
  return new Promise((settle, reject) => {
    send({ ...place, method, path, headers: shown, agent: false }, settle)
      .on('error', reject)
      .end(sent);
  });
}

function toPlace(origin: string): RequestOptions & { readonly headers?: Readonly<Record<string, string>> } {
  if (origin.startsWith('unix:')) return { socketPath: origin.slice('unix:'.length), headers: { host: 'localhost' } };
  const { hostname, port } = new URL(origin);
  return { host: hostname.replace(/^\[|\]$/g, ''), ...(port !== '' && { port }) };
}

/** An address that means every one is asked on this machine. */
function toOrigin({ address, tls }: AdminConfiguration): string {
  if ('path' in address) return `unix:${address.path}`;
  const host = address.host === '0.0.0.0' ? '127.0.0.1' : address.host === '::' ? '::1' : address.host;
  return `${tls === undefined ? 'http' : 'https'}://${formatAddress({ host, port: address.port })}`;
}

/** Of who may do everything: who reads the configuration has it anyway. */
function findToken({ token, tokens }: AdminConfiguration): string | undefined {
  const named = Object.values(tokens).find((each) => each.role === 'admin' && each.token !== undefined);
  return (token ?? named?.token)?.reveal();
}
