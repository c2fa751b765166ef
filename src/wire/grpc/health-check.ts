/**
 * The messages of `grpc.health.v1.Health/Check` (the health checking protocol of gRPC) with their frames. An answer comes from
 * a service, and may be anything.
 */
const FRAME_HEAD_BYTES = 5;
const LENGTH_AT = 1;
/** Field 1 of the request: a text. Field 1 of the answer: a number. */
const SERVICE_TAG = 0x0a;
const STATUS_FIELD = 1;
const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
const VARINT_BYTES_MAX = 10;

export const healthCheckPath = '/grpc.health.v1.Health/Check';

const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
export type ServingStatus = (typeof statusNames)[number];

/** Asks about a service; an empty name stands for the server as a whole. The name has at most 16,000 bytes. */
export function encodeHealthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const length = name.length < 0x80 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7];
  const field = name.length === 0 ? Buffer.alloc(0) : Buffer.from([SERVICE_TAG, ...length, ...name]);
  const message = Buffer.alloc(FRAME_HEAD_BYTES + field.length);
  message.writeUInt32BE(field.length, LENGTH_AT);
  field.copy(message, FRAME_HEAD_BYTES);
  return message;
}

/** `undefined` for anything that is no answer, or none that is whole. */
export function readServingStatus(frame: Buffer): ServingStatus | undefined {
  if (frame.length < FRAME_HEAD_BYTES || frame[0] !== 0) return undefined;
  const end = FRAME_HEAD_BYTES + frame.readUInt32BE(LENGTH_AT);
  return frame.length < end ? undefined : new MessageReader(frame, FRAME_HEAD_BYTES, end).readStatus();
}

/** Reads the fields of a protobuf message and skips those that it does not know. */
class MessageReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #position: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  readStatus(): ServingStatus | undefined {
    // A field that is not there has the value 0.
    let status = 0;
    while (this.#position < this.#end) {
      const tag = this.#readVarint();
      const value = tag === undefined ? undefined : this.#readValue(tag % 8);
      if (tag === undefined || value === undefined) return undefined;
      if (tag === STATUS_FIELD * 8 + WireType.varint) status = value;
    }
    return statusNames[status];
  }

  /** The value of a number; of anything else 0, which is then skipped. `undefined`: the message is cut off or unheard of. */
  #readValue(type: number): number | undefined {
    switch (type) {
      case WireType.varint:
        return this.#readVarint();
      case WireType.fixed64:
        return this.#skip(8);
      case WireType.fixed32:
        return this.#skip(4);
      case WireType.bytes:
        return this.#skip(this.#readVarint());
      default:
        return undefined;
    }
  }

  #skip(bytes: number | undefined): 0 | undefined {
    if (bytes === undefined || bytes > this.#end - this.#position) return undefined;
    this.#position += bytes;
    return 0;
  }

  #readVarint(): number | undefined {
    let value = 0;
    for (let i = 0; i < VARINT_BYTES_MAX && this.#position < this.#end; i++) {
      const byte = this.#bytes[this.#position++]!;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    return undefined;
  }
}
