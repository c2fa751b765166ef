import { encodeFields } from '#wire/http1/encode.ts';
import type { ClientRequest, Exchange } from './exchange.ts';
import type { AttemptHead } from './upstream-call.ts';

/** The HTTP/1.1 text of an attempt's head. Fields come in the order of the request, the gateway's own behind them. */
export function encodeHttp1AttemptHead(exchange: Exchange, attempt: AttemptHead, sendsChunked: boolean): string {
  const { request } = exchange;
  const forwarding = request.forwardingFields;
  forwarding.http1Text ??= `${encodeFields(forwarding.fields)}x-request-id: `;
  const whole = attempt.fields === undefined ? toMessageText(request, attempt) : undefined;
  // Few pieces: putting them together, and taking the result apart again to write it, is a good part of what a request costs.
  let text = (whole ?? toHeadText(request, attempt, sendsChunked)) + forwarding.http1Text + exchange.requestId;
  if (attempt.trace !== undefined) text += attempt.trace.toHttp1Text();
  if (sendsChunked) text += '\r\ntransfer-encoding: chunked';
  if (request.expectsContinue) text += '\r\nexpect: 100-continue';
  // RFC 9110 §7.8 and §10.1.4: what is said to the next hop only is named in Connection.
  if (request.upgrade !== undefined) text += `\r\nupgrade: ${request.upgrade}\r\nconnection: upgrade`;
  else if (request.acceptsTrailers) text += '\r\nte: trailers\r\nconnection: te';
  return `${text}\r\n\r\n`;
}

/** What the client wrote, if the attempt says the same. */
function toMessageText(request: ClientRequest, { method, target, authority }: AttemptHead): string | undefined {
  const isSame = method === request.method && target === request.target && authority === request.authority;
  return isSame ? request.messageText : undefined;
}

function toHeadText(request: ClientRequest, { method, target, authority, fields }: AttemptHead, sendsChunked: boolean): string {
  const fieldText = fields === undefined ? (request.fieldText ?? encodeFields(request.fields)) : encodeFields(fields);
  const length = sendsChunked || request.contentLengthBytes < 0 ? '' : `content-length: ${request.contentLengthBytes}\r\n`;
  return `${method} ${target} HTTP/1.1\r\nhost: ${authority}\r\n${fieldText}${length}`;
}
