import { createHash } from 'node:crypto';
import { getField } from '#wire/fields/field-list.ts';
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

/** Takes one field of a head after the other. */
export interface FieldSender {
  field(name: string, value: string): void;
}

/** RFC 8441 §5: what the key proves, a stream of its own proves too. */
const WEBSOCKET_KEY = 'sec-websocket-key';

/** Only WebSockets can be carried over HTTP/2; another protocol that a client offers may be passed over (RFC 9110 §7.8). */
export function asksForWebSocket({ upgrade }: ClientRequest): boolean {
  return upgrade !== undefined && upgrade.toLowerCase() === 'websocket';
}

/**
 * Writes the fields of an attempt's head, pseudo fields first, into a head that the sender has begun. They come in the order of
 * the request, the gateway's own behind them.
 */
export function writeHttp2AttemptHead(
  sender: FieldSender,
  exchange: Exchange,
  attempt: AttemptHead,
  scheme: 'http' | 'https',
): void {
  const { request } = exchange;
  const isWebSocket = asksForWebSocket(request);
  sender.field(':method', isWebSocket ? 'CONNECT' : attempt.method);
  if (isWebSocket) sender.field(':protocol', 'websocket');
  sender.field(':scheme', scheme);
  sender.field(':authority', attempt.authority);
  sender.field(':path', attempt.target);
  const fields = attempt.fields ?? request.fields;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (!isConnectionSpecific(name) && !(isWebSocket && name === WEBSOCKET_KEY)) sender.field(name, fields[i + 1]!);
  }
  const forwarding = request.forwardingFields.fields;
  for (let i = 0; i < forwarding.length; i += 2) sender.field(forwarding[i]!, forwarding[i + 1]!);
  sender.field('x-request-id', exchange.requestId);
  const traceFields = attempt.trace?.toFields();
  if (traceFields !== undefined)
    for (let i = 0; i < traceFields.length; i += 2) sender.field(traceFields[i]!, traceFields[i + 1]!);
  if (request.hasBody && request.contentLengthBytes >= 0) sender.field('content-length', String(request.contentLengthBytes));
  if (request.expectsContinue) sender.field('expect', '100-continue');
  if (request.acceptsTrailers) sender.field('te', 'trailers');
}

/** What a client over HTTP/1 expects as the answer to its WebSocket handshake (RFC 6455 §4.2.2), if it has sent a key. */
export function toWebSocketAccept({ fields }: ClientRequest): string | undefined {
  const key = getField(fields, WEBSOCKET_KEY);
  return key === undefined ? undefined : createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}
