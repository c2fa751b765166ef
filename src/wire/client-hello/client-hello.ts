/**
 * Finds out of the first bytes of a TLS connection whom the client wants to reach and what it would like to speak, without
 * taking part in the handshake (RFC 8446 §4.1.2, RFC 6066 §3, RFC 7301 §3.1). Every byte is attacker-controlled. A hello
 * that is read here may still be one that no TLS library accepts; what is refused here breaks the framing itself.
 */
import { limits } from '#base/limits.ts';
import type { HelloFault } from './faults.ts';

export interface ClientHello {
  /** Lower-case; `undefined` where the client names no server. */
  readonly serverName: string | undefined;
  /** As the client offers them, one byte one character; empty where it offers none. */
  readonly alpnProtocols: readonly string[];
}

export type ClientHelloReading =
  /** The ClientHello goes on behind these bytes. */
  | { readonly kind: 'more' }
  | { readonly kind: 'hello'; readonly hello: ClientHello }
  | { readonly kind: 'fault'; readonly fault: HelloFault };

const more: ClientHelloReading = { kind: 'more' };
const RECORD_START_BYTES = 5;
const RECORD_BYTES_MAX = 1 << 14;
const HANDSHAKE_RECORD = 22;
const HANDSHAKE_START_BYTES = 4;
const CLIENT_HELLO = 1;
const VERSION_AND_RANDOM_BYTES = 2 + 32;
const SERVER_NAME = 0;
const ALPN = 16;
const HOST_NAME = 0;

/** Puts the ClientHello of one connection together out of its records. A fault is final. */
export class ClientHelloReader {
  #recordAt = 0;
  /** What the present record still has to say from `#position` on. */
  #position = 0;
  #recordEnd = 0;
  #message: Buffer = Buffer.alloc(0);
  #messageBytes = 0;
  /** Of the message with its start; known once the start is there. */
  #messageBytesWanted = HANDSHAKE_START_BYTES;

  /** Reads on. The first `end` bytes are all that came so far; those of earlier calls are not looked at again. */
  read(bytes: Buffer, end: number): ClientHelloReading {
    for (;;) {
      if (this.#position === this.#recordEnd) {
        const fault = this.#startRecord(bytes, end);
        if (fault !== undefined) return { kind: 'fault', fault };
        if (this.#position === this.#recordEnd) return more;
      }
      const fault = this.#takeMessage(bytes, Math.min(end, this.#recordEnd));
      if (fault !== undefined) return { kind: 'fault', fault };
      if (this.#messageBytes === this.#messageBytesWanted) return readMessage(this.#message);
      if (this.#position < this.#recordEnd) return more;
    }
  }

  /** Enters the next record if its start is there. */
  #startRecord(bytes: Buffer, end: number): HelloFault | undefined {
    const at = this.#recordAt;
    if (at >= end) return undefined;
    if (bytes[at] !== HANDSHAKE_RECORD) return 'notTls';
    // RFC 8446 §5.1: the minor version means nothing, but every version of the record layer had this major one.
    if (at + 1 < end && bytes[at + 1] !== 3) return 'notTls';
    if (at + RECORD_START_BYTES > end) return undefined;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > RECORD_BYTES_MAX) return 'recordLength';
    this.#position = at + RECORD_START_BYTES;
    this.#recordEnd = this.#position + length;
    this.#recordAt = this.#recordEnd;
    return this.#recordEnd > limits.clientHelloRecordsBytesMax ? 'tooLong' : undefined;
  }

  /** Takes what the present record has of the message, up to `end`. */
  #takeMessage(bytes: Buffer, end: number): HelloFault | undefined {
    while (this.#position < end && this.#messageBytes < this.#messageBytesWanted) {
      if (this.#message.length < this.#messageBytesWanted) this.#growMessage();
      const count = Math.min(end - this.#position, this.#messageBytesWanted - this.#messageBytes);
      bytes.copy(this.#message, this.#messageBytes, this.#position, this.#position + count);
      this.#position += count;
      this.#messageBytes += count;
      if (this.#messageBytes !== HANDSHAKE_START_BYTES) continue;
      if (this.#message[0] !== CLIENT_HELLO) return 'notHello';
      this.#messageBytesWanted += this.#message.readUIntBE(1, 3);
      if (this.#messageBytesWanted > limits.clientHelloBytesMax) return 'tooLong';
    }
    return undefined;
  }

  #growMessage(): void {
    const message = Buffer.alloc(this.#messageBytesWanted);
    this.#message.copy(message);
    this.#message = message;
  }
}

/** A view that is read from front to back. Reading beyond its end gives `undefined` once and for all. */
class Cursor {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  skip(count: number): boolean {
    if (this.#bytes.length - this.#at < count) return false;
    this.#at += count;
    return true;
  }

  number(byteCount: 1 | 2): number | undefined {
    const at = this.#at;
    return this.skip(byteCount) ? this.#bytes.readUIntBE(at, byteCount) : undefined;
  }

  /** Something whose length stands before it. */
  vector(lengthBytes: 1 | 2): Buffer | undefined {
    const length = this.number(lengthBytes);
    const at = this.#at;
    return length !== undefined && this.skip(length) ? this.#bytes.subarray(at, at + length) : undefined;
  }
}

function readMessage(message: Buffer): ClientHelloReading {
  const cursor = new Cursor(message, HANDSHAKE_START_BYTES);
  const hasStart = cursor.skip(VERSION_AND_RANDOM_BYTES);
  const sessionId = hasStart ? cursor.vector(1) : undefined;
  const cipherSuites = sessionId === undefined ? undefined : cursor.vector(2);
  const compressions = cipherSuites === undefined ? undefined : cursor.vector(1);
  if (compressions === undefined) return toFault('malformed');
  // RFC 5246 §7.4.1.2: old clients end here.
  if (cursor.isAtEnd) return { kind: 'hello', hello: { serverName: undefined, alpnProtocols: [] } };
  const extensions = cursor.vector(2);
  return extensions === undefined || !cursor.isAtEnd ? toFault('malformed') : readExtensions(new Cursor(extensions, 0));
}

function readExtensions(cursor: Cursor): ClientHelloReading {
  const seen = new Set<number>();
  let serverName: string | undefined;
  let alpnProtocols: readonly string[] = [];
  while (!cursor.isAtEnd) {
    const type = cursor.number(2);
    const value = type === undefined ? undefined : cursor.vector(2);
    if (type === undefined || value === undefined) return toFault('malformed');
    // RFC 8446 §4.2: one of a type, or it could be read in two ways.
    if (seen.has(type)) return toFault('repeatedExtension');
    seen.add(type);
    if (type === SERVER_NAME) {
      serverName = readServerName(value);
      if (serverName === undefined) return toFault('serverName');
    } else if (type === ALPN) {
      const protocols = readAlpn(value);
      if (protocols === undefined) return toFault('malformed');
      alpnProtocols = protocols;
    }
  }
  return { kind: 'hello', hello: { serverName, alpnProtocols } };
}

/** RFC 6066 §3: a list of names of different types, of which only one was ever defined. */
function readServerName(value: Buffer): string | undefined {
  const outer = new Cursor(value, 0);
  const list = outer.vector(2);
  if (list === undefined || !outer.isAtEnd) return undefined;
  const cursor = new Cursor(list, 0);
  const type = cursor.number(1);
  const name = cursor.vector(2);
  if (type !== HOST_NAME || name === undefined || name.length === 0 || !cursor.isAtEnd) return undefined;
  // A NUL would end the name for some readers and not for others.
  return name.includes(0) ? undefined : name.latin1Slice().toLowerCase();
}

function readAlpn(value: Buffer): string[] | undefined {
  const outer = new Cursor(value, 0);
  const list = outer.vector(2);
  if (list === undefined || !outer.isAtEnd) return undefined;
  const cursor = new Cursor(list, 0);
  const protocols: string[] = [];
  while (!cursor.isAtEnd) {
    const protocol = cursor.vector(1);
    if (protocol === undefined || protocol.length === 0) return undefined;
    protocols.push(protocol.latin1Slice());
  }
  return protocols;
}

function toFault(fault: HelloFault): ClientHelloReading {
  return { kind: 'fault', fault };
}
