import { createHash } from 'node:crypto';
import { getField, removeField } from '#wire/fields/field-list.ts';
import type { ClientRequest, Exchange } from './exchange.ts';
import type { AttemptHead } from './upstream-call.ts';

/** RFC 9113 §8.2.2: what belongs to a connection of HTTP/1 is an error over HTTP/2. */
const connectionSpecific: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

export function isConnectionSpecific(name: string): boolean {
  return connectionSpecific.has(name);
}

/** RFC 8441 §5: what the key proves, a stream of its own proves too. */
const WEBSOCKET_KEY = 'sec-websocket-key';

/** Only WebSockets can be carried over HTTP/2; another protocol that a client offers may be passed over (RFC 9110 §7.8). */
export function asksForWebSocket({ upgrade }: ClientRequest): boolean {
  return upgrade !== undefined && upgrade.toLowerCase() === 'websocket';
}

/** The fields of an attempt's head, pseudo fields first. They come in the order of the request, the gateway's own behind them. */
export function toHttp2RequestFields(exchange: Exchange, attempt: AttemptHead, scheme: 'http' | 'https'): string[] {
  const { request } = exchange;
  const { target, authority } = attempt;
  const isWebSocket = asksForWebSocket(request);
  const list = [':method', isWebSocket ? 'CONNECT' : attempt.method];
  if (isWebSocket) list.push(':protocol', 'websocket');
  list.push(':scheme', scheme, ':authority', authority, ':path', target);
  const fields = attempt.fields ?? request.fields;
  appendFields(list, isWebSocket ? withoutField(fields, WEBSOCKET_KEY) : fields);
  appendFields(list, request.forwardingFields.fields);
  list.push('x-request-id', exchange.requestId);
  if (request.hasBody && request.contentLengthBytes >= 0 && !attempt.changesBody)
    list.push('content-length', String(request.contentLengthBytes));
  if (request.expectsContinue) list.push('expect', '100-continue');
  if (request.acceptsTrailers) list.push('te', 'trailers');
  return list;
}

/** What a client over HTTP/1 expects as the answer to its WebSocket handshake (RFC 6455 §4.2.2), if it has sent a key. */
export function toWebSocketAccept({ fields }: ClientRequest): string | undefined {
  const key = getField(fields, WEBSOCKET_KEY);
  return key === undefined ? undefined : createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

function withoutField(fields: readonly string[], name: string): string[] {
  const kept = [...fields];
  removeField(kept, name);
  return kept;
}

function appendFields(list: string[], fields: readonly string[]): void {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (!isConnectionSpecific(name)) list.push(name, fields[i + 1]!);
  }
}
