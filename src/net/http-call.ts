/**
 * A single call to a server that is no service of the configuration, such as that of an issuer of tokens: bounded in time and
 * size, for what is rare. What it needs of Node.js is loaded by the first call, unless somebody has done so before.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { Library } from '#base/library.ts';

const plainLibrary = new Library('node:http', () => import('node:http'));
/** The certificates that are trusted everywhere are read when somebody first needs them. */
const secureLibrary = new Library(
  'node:https',
  () => import('node:https'),
  () => process.getBuiltinModule('node:tls').createSecureContext(),
);

export interface HttpCall {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the start to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly bytesMax: number;
  /** Certificates in PEM form that are trusted in the place of the machine's own. */
  readonly ca?: string | undefined;
  readonly signal?: AbortSignal;
}

/** Redirects are not followed: they are answers like others. */
export interface HttpCallAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export type CallHttp = (call: HttpCall) => Promise<HttpCallAnswer>;

/** For what is no text. */
export interface HttpBytesCall extends Omit<HttpCall, 'body'> {
  readonly body?: string | Uint8Array;
  /** For who calls the same server again and again: the connection is kept for the next call. */
  readonly keepsConnection?: boolean;
}

export interface HttpBytesAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

export type CallHttpForBytes = (call: HttpBytesCall) => Promise<HttpBytesAnswer>;

/** There is no answer, or none that could be used; the message says why and holds nothing of the request. */
export class HttpCallFailed extends Error {
  override readonly name = 'HttpCallFailed';
}

/** Rejects with `HttpCallFailed`. */
export async function callHttp(call: HttpCall): Promise<HttpCallAnswer> {
  const { status, headers, bytes } = await callHttpForBytes(call);
  return { status, headers, text: bytes.toString() };
}

/** Rejects with `HttpCallFailed`. */
export async function callHttpForBytes(call: HttpBytesCall): Promise<HttpBytesAnswer> {
  const { url, method = 'GET', headers = {}, body, timeoutMs, bytesMax, ca, signal, keepsConnection = false } = call;
  const { request } = await (isSecure(url) ? secureLibrary : plainLibrary).load();
  const times = AbortSignal.timeout(timeoutMs);
  const options: RequestOptions = {
    method,
    headers: { 'user-agent': 'gatehouse', ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
    // What is rare finds its old connection lost as often as not.
    ...(!keepsConnection && { agent: false }),
    signal: signal === undefined ? times : AbortSignal.any([times, signal]),
    ...(ca !== undefined && { ca }),
  };
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(toFailure(error, times.aborted ? timeoutMs : undefined));
    const sent = request(url, options, (response) => collect(response, bytesMax).then(resolve, fail));
    sent.on('error', fail);
    // A program that embeds the gateway may end while it waits.
    sent.on('socket', (socket) => socket.unref());
    sent.end(body);
  });
}

/** What calls to the addresses in some settings need. */
export function callLibraries<Config>(listUrls: (config: Config) => readonly string[]) {
  return [
    { library: plainLibrary, isNeeded: (config: Config) => listUrls(config).some((url) => !isSecure(url)) },
    { library: secureLibrary, isNeeded: (config: Config) => listUrls(config).some(isSecure) },
  ];
}

function isSecure(url: string): boolean {
  return url.startsWith('https:');
}

async function collect(response: IncomingMessage, bytesMax: number): Promise<HttpBytesAnswer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bytesMax) throw new HttpCallFailed(`the answer is longer than ${bytesMax} bytes`);
    parts.push(part);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(parts) };
}

function toFailure(error: Error, timeoutMs: number | undefined): HttpCallFailed {
  if (error instanceof HttpCallFailed) return error;
  const { code } = error as NodeJS.ErrnoException;
  const reason = timeoutMs === undefined ? (code ?? error.message) : `no whole answer within ${timeoutMs} ms`;
  return new HttpCallFailed(reason, { cause: error });
}
