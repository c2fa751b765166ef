import type { Exchange } from './exchange.ts';
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

/** The fields of an attempt's head, pseudo fields first. They come in the order of the request, the gateway's own behind them. */
export function toHttp2RequestFields(exchange: Exchange, attempt: AttemptHead, scheme: 'http' | 'https'): string[] {
  const { request } = exchange;
  const { method, target, authority } = attempt;
  const list = [':method', method, ':scheme', scheme, ':authority', authority, ':path', target];
  appendFields(list, attempt.fields ?? request.fields);
  appendFields(list, request.forwardingFields.fields);
  list.push('x-request-id', exchange.requestId);
  if (request.hasBody && request.contentLengthBytes >= 0 && !attempt.changesBody)
    list.push('content-length', String(request.contentLengthBytes));
  if (request.expectsContinue) list.push('expect', '100-continue');
  if (request.acceptsTrailers) list.push('te', 'trailers');
  return list;
}

function appendFields(list: string[], fields: readonly string[]): void {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (!connectionSpecific.has(name)) list.push(name, fields[i + 1]!);
  }
}
