import type { Socket } from 'node:net';
import { Accepted } from '#net/accept.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import { PREFACE } from '#wire/http2/frame-types.ts';

const preface = Buffer.from(PREFACE, 'latin1');

/** RFC 9113 §3.4: what a client says first that knows HTTP/2 to be spoken here, looked for in the first bytes of a connection. */
export class Http2Preface {
  readonly #accepted: AcceptedConnection;
  /** How much of it has come before. */
  #earlierBytes = 0;

  constructor(accepted: AcceptedConnection) {
    this.#accepted = accepted;
  }

  /** What has come before, which is its beginning. */
  get earlier(): Buffer {
    return preface.subarray(0, this.#earlierBytes);
  }

  /** `begun`: so far it is the preface, but not all of it. */
  read(bytes: Buffer, end: number): 'begun' | 'whole' | 'other' {
    const from = this.#earlierBytes;
    const to = Math.min(preface.length, from + end);
    if (preface.compare(bytes, 0, to - from, from, to) !== 0) return 'other';
    if (to === preface.length) return 'whole';
    this.#earlierBytes = to;
    return 'begun';
  }

  /** The connection as it is to be taken over, from its first byte on. The bytes are those of the last read. */
  toHttp2(socket: Socket, bytes: Buffer, end: number): AcceptedConnection {
    const first = Buffer.allocUnsafe(this.#earlierBytes + end);
    this.earlier.copy(first);
    bytes.copy(first, this.#earlierBytes, 0, end);
    return { ...this.#accepted, protocol: 'http2', makeSocket: Accepted.fromSocket(socket).toSocketMaker(first) };
  }
}
