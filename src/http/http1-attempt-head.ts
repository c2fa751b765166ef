import { encodeFields } from '#wire/http1/encode.ts';
import type { Exchange } from './exchange.ts';
import type { AttemptHead } from './upstream-call.ts';

/** The HTTP/1.1 text of an attempt's head. Fields come in the order of the request, the gateway's own behind them. */
export function encodeHttp1AttemptHead(exchange: Exchange, attempt: AttemptHead, sendsChunked: boolean): string {
  const { request } = exchange;
  const { method, target, authority, fields } = attempt;
  const fieldText = fields === undefined ? (request.fieldText ?? encodeFields(request.fields)) : encodeFields(fields);
  const forwarding = request.forwardingFields;
  forwarding.http1Text ??= encodeFields(forwarding.fields);
  let text = `${method} ${target} HTTP/1.1\r\nhost: ${authority}\r\n${fieldText}${forwarding.http1Text}x-request-id: ${exchange.requestId}\r\n`;
  if (sendsChunked) text += 'transfer-encoding: chunked\r\n';
  else if (request.contentLengthBytes >= 0) text += `content-length: ${request.contentLengthBytes}\r\n`;
  if (request.expectsContinue) text += 'expect: 100-continue\r\n';
  // RFC 9110 §7.8 and §10.1.4: what is said to the next hop only is named in Connection.
  if (request.upgrade !== undefined) text += `upgrade: ${request.upgrade}\r\nconnection: upgrade\r\n`;
  else if (request.acceptsTrailers) text += 'te: trailers\r\nconnection: te\r\n';
  return `${text}\r\n`;
}
