import type { Fault } from './faults.ts';
import type { FieldMemory } from './field-memory.ts';
import type { HeadSource } from './head-source.ts';
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

  get version(): '1.0' | '1.1' {
    return this.minorVersion === 0 ? '1.0' : '1.1';
  }

  get hasBody(): boolean {
    return this.isChunked || this.contentLengthBytes > 0;
  }
}

/** The first byte of whoever takes this for a port of TLS (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16;

/** Reads a whole head. */
export function readRequestHead(
  head: RequestHead,
  source: HeadSource,
  limits: HeadLimits,
  memory?: FieldMemory,
): Fault | undefined {
  const { text, bytes, base } = source;
  let at = base;
  while (isTokenOctet(bytes[at]!)) at += 1;
  if (bytes[at] !== SPACE || at === base) return bytes[at] === TLS_HANDSHAKE ? 'tls' : lineFault(bytes, at, 'method');
  head.method = text.substring(0, at - base);
  const targetStart = at + 1;
  at += 1;
  while (isTargetOctet(bytes[at]!)) at += 1;
  if (bytes[at] !== SPACE || at === targetStart) return lineFault(bytes, at, 'target');
  if (at - targetStart > limits.targetBytesMax) return 'targetTooLong';
  head.target = text.substring(targetStart - base, at - base);
  at += 1;
  const versionFault = readVersion(head, text, at - base);
  if (versionFault !== undefined) return versionFault;
  at += 8;
  if (bytes[at] !== CR) return lineFault(bytes, at, 'requestLine');
  if (bytes[at + 1] !== LF) return 'bareCarriageReturn';
  const fieldsStart = at + 2 - base;
  if (head.minorVersion === 1) head.startChars = fieldsStart;
  if (memory?.recall(head, source, fieldsStart)) return checkRequest(head);
  const fault = readFields(head, source, fieldsStart, limits.fieldCountMax) ?? checkRequest(head);
  if (fault === undefined) memory?.keep(head, source, fieldsStart);
  return fault;
}

function lineFault(bytes: Uint8Array, at: number, otherwise: Fault): Fault {
  const code = bytes[at];
  if (code === LF) return 'bareLineFeed';
  if (code === CR) return bytes[at + 1] === LF ? 'requestLine' : 'bareCarriageReturn';
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
