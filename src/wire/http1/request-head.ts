import type { Fault } from './faults.ts';
import { checkFraming, dropConnectionNamed, MessageHead, readFields } from './message-head.ts';
import { CR, isTargetOctet, isTokenOctet, LF, SPACE } from './octets.ts';

export interface HeadLimits {
  readonly headBytesMax: number;
  readonly fieldCountMax: number;
  readonly targetBytesMax: number;
}

/** The head of a request, checked. The body's framing follows from `isChunked` and `contentLengthBytes` alone (RFC 9112 §6.3). */
export class RequestHead extends MessageHead {
  method = '';
  /** As it came: origin, absolute, authority or asterisk form. */
  target = '';

  get hasBody(): boolean {
    return this.isChunked || this.contentLengthBytes > 0;
  }
}

/** Reads a whole head from `start`; its empty line's CRLF starts at `end`. */
export function readRequestHead(
  head: RequestHead,
  text: string,
  start: number,
  end: number,
  limits: HeadLimits,
): Fault | undefined {
  let position = start;
  let code = text.charCodeAt(position);
  while (isTokenOctet(code)) code = text.charCodeAt(++position);
  if (code !== SPACE || position === start) return lineFault(text, position, 'method');
  head.method = text.substring(start, position);
  const targetStart = position + 1;
  code = text.charCodeAt(++position);
  while (isTargetOctet(code)) code = text.charCodeAt(++position);
  if (code !== SPACE || position === targetStart) return lineFault(text, position, 'target');
  if (position - targetStart > limits.targetBytesMax) return 'targetTooLong';
  head.target = text.substring(targetStart, position);
  position += 1;
  const fault = readVersion(head, text, position);
  if (fault !== undefined) return fault;
  position += 8;
  if (text.charCodeAt(position) !== CR) return lineFault(text, position, 'requestLine');
  if (text.charCodeAt(position + 1) !== LF) return 'bareCarriageReturn';
  return readFields(head, text, position + 2, end, limits.fieldCountMax) ?? checkRequest(head);
}

function lineFault(text: string, position: number, otherwise: Fault): Fault {
  const code = text.charCodeAt(position);
  if (code === LF) return 'bareLineFeed';
  if (code === CR) return text.charCodeAt(position + 1) === LF ? 'requestLine' : 'bareCarriageReturn';
  return otherwise;
}

function readVersion(head: MessageHead, text: string, position: number): Fault | undefined {
  if (text.startsWith('HTTP/1.1', position)) return undefined;
  if (text.startsWith('HTTP/1.0', position)) {
    head.minorVersion = 0;
    return undefined;
  }
  return /^HTTP\/[0-9]\.[0-9]/.test(text.substring(position, position + 8)) ? 'version' : 'requestLine';
}

function checkRequest(head: RequestHead): Fault | undefined {
  // RFC 9112 §3.2: exactly one Host in HTTP/1.1.
  if (head.host === undefined && head.minorVersion === 1) return 'missingHost';
  const fault = checkFraming(head);
  if (fault !== undefined) return fault;
  // RFC 9110 §9.3.6: its target is host and port, and what follows it is no body; parsers differ in what they take it for.
  if (head.method === 'CONNECT' && (head.hasBody || head.target.includes('/'))) return 'connect';
  dropConnectionNamed(head);
  return undefined;
}
