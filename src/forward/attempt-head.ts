import type { Exchange } from '#http/exchange.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import { encodeFields } from '#wire/http1/encode.ts';

/** The HTTP/1.1 text of an attempt's head. Fields come in the order of the request, the gateway's own behind them. */
export function encodeAttemptHead(exchange: Exchange, upstream: UpstreamRequest, sendsChunked: boolean): string {
  const { request } = exchange;
  const forwarding = request.forwardingFields;
  forwarding.http1Text ??= encodeFields(forwarding.fields);
  let text = `${upstream.method} ${upstream.target} HTTP/1.1\r\nhost: ${upstream.authority}\r\n`;
  text += encodeFields(upstream.fields);
  text += `${forwarding.http1Text}x-request-id: ${exchange.requestId}\r\n`;
  if (sendsChunked) text += 'transfer-encoding: chunked\r\n';
  else if (request.contentLengthBytes >= 0) text += `content-length: ${request.contentLengthBytes}\r\n`;
  if (request.expectsContinue) text += 'expect: 100-continue\r\n';
  // RFC 9110 §7.8 and §10.1.4: what is said to the next hop only is named in Connection.
  if (request.upgrade !== undefined) text += `upgrade: ${request.upgrade}\r\nconnection: upgrade\r\n`;
  else if (request.acceptsTrailers) text += 'te: trailers\r\nconnection: te\r\n';
  return `${text}\r\n`;
}
