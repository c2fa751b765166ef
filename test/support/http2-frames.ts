/** Frames of HTTP/2 (RFC 9113 §4.1), written and read as bytes, for peers that keep to no rules. */

export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const HEAD_BYTES = 9;

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export function encodeFrame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Identifiers: RFC 9113 §6.5.2. */
export function encodeSettings(settings: Readonly<Record<number, number>> = {}): Buffer {
  const entries = Object.entries(settings);
  const payload = Buffer.alloc(entries.length * 6);
  for (const [index, [id, value]] of entries.entries()) {
    payload.writeUInt16BE(Number(id), index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return encodeFrame(FrameType.settings, 0, 0, payload);
}

export function encodeSettingsAck(): Buffer {
  return encodeFrame(FrameType.settings, Flag.ack, 0);
}

export function encodeData(stream: number, bytes: string | Buffer, flags = 0): Buffer {
  return encodeFrame(FrameType.data, flags, stream, Buffer.from(bytes as string, 'latin1'));
}

export function encodeHeaders(stream: number, fields: readonly string[], flags: number = Flag.endHeaders): Buffer {
  return encodeFrame(FrameType.headers, flags, stream, encodeFieldBlock(fields));
}

export function encodeReset(stream: number, code: number): Buffer {
  return encodeFrame(FrameType.rstStream, 0, stream, toUint32(code));
}

export function encodeGoaway(lastStream: number, code: number, debug = ''): Buffer {
  return encodeFrame(FrameType.goaway, 0, 0, Buffer.concat([toUint32(lastStream), toUint32(code), Buffer.from(debug)]));
}

export function encodeWindowUpdate(stream: number, increment: number): Buffer {
  return encodeFrame(FrameType.windowUpdate, 0, stream, toUint32(increment));
}

export function encodePing(flags = 0, payload: Buffer = Buffer.alloc(8)): Buffer {
  return encodeFrame(FrameType.ping, flags, 0, payload);
}

/** Names and values, alternating, each as a literal that is not indexed and not compressed (RFC 7541 §6.2.2). */
function encodeFieldBlock(fields: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i < fields.length; i += 2) parts.push(Buffer.from([0]), toText(fields[i]!), toText(fields[i + 1]!));
  return Buffer.concat(parts);
}

/** RFC 7541 §5.2, without Huffman coding. */
function toText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([toPrefixedInteger(bytes.length), bytes]);
}

/** RFC 7541 §5.1, with a prefix of seven bits. */
function toPrefixedInteger(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function toUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Cuts what arrives into frames. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  read(bytes: Buffer): Frame[] {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    const frames: Frame[] = [];
    for (;;) {
      const length = this.#pending.length < HEAD_BYTES ? 0 : this.#pending.readUIntBE(0, 3);
      const end = HEAD_BYTES + length;
      if (this.#pending.length < end) return frames;
      frames.push({
        type: this.#pending[3]!,
        flags: this.#pending[4]!,
        stream: this.#pending.readUInt32BE(5) & 0x7fff_ffff,
        payload: Buffer.from(this.#pending.subarray(HEAD_BYTES, end)),
      });
      this.#pending = this.#pending.subarray(end);
    }
  }
}
