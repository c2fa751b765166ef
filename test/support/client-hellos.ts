/** ClientHellos as tests write them: by hand, so that they can be wrong in any way. */

export interface HandWrittenHello {
  readonly extensions?: readonly Buffer[];
  readonly sessionId?: Buffer;
  /** What stands in place of the extensions and their length. */
  readonly end?: Buffer;
}

/** A number in network order, in `byteCount` bytes. */
export function number(value: number, byteCount: number): Buffer {
  const bytes = Buffer.alloc(byteCount);
  bytes.writeUIntBE(value, 0, byteCount);
  return bytes;
}

/** Bytes with their length before them, which may be something else than the truth. */
export function vector(bytes: Buffer | string, lengthBytes: 1 | 2 | 3, length = bytes.length): Buffer {
  return Buffer.concat([number(length, lengthBytes), Buffer.from(bytes)]);
}

export function extension(type: number, value: Buffer): Buffer {
  return Buffer.concat([number(type, 2), vector(value, 2)]);
}

export function serverName(name: string): Buffer {
  return extension(0, vector(Buffer.concat([Buffer.of(0), vector(name, 2)]), 2));
}

export function alpn(...protocols: readonly string[]): Buffer {
  return extension(16, vector(Buffer.concat(protocols.map((protocol) => vector(protocol, 1))), 2));
}

/** The handshake message, without records. */
export function writeHello({ extensions = [], sessionId = Buffer.alloc(32), end }: HandWrittenHello = {}): Buffer {
  const body = Buffer.concat([
    Buffer.from('0303', 'hex'),
    Buffer.alloc(32, 7),
    vector(sessionId, 1),
    vector(Buffer.from('130113021303', 'hex'), 2),
    vector(Buffer.of(0), 1),
    end ?? vector(Buffer.concat(extensions), 2),
  ]);
  return Buffer.concat([Buffer.of(1), vector(body, 3)]);
}

/** A message in handshake records of at most so many bytes each. */
export function toRecords(message: Buffer, fragmentBytesMax = 1 << 14): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += fragmentBytesMax) {
    records.push(Buffer.from('160301', 'hex'), vector(message.subarray(at, at + fragmentBytesMax), 2));
  }
  return Buffer.concat(records);
}
