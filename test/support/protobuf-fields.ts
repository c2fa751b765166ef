/** Messages of protobuf read without their definition: what is in each field, by its number. As dumb as a test needs it. */

export type ProtobufValue = bigint | Buffer;
export type ProtobufMessage = ReadonlyMap<number, readonly ProtobufValue[]>;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

export function readProtobuf(bytes: Buffer): ProtobufMessage {
  const fields = new Map<number, ProtobufValue[]>();
  let at = 0;
  const readVarint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const readValue = (wireType: number): ProtobufValue => {
    if (wireType === VARINT) return readVarint();
    const length = wireType === BYTES ? Number(readVarint()) : wireType === FIXED64 ? 8 : wireType === FIXED32 ? 4 : Number.NaN;
    const value = bytes.subarray(at, at + length);
    at += length;
    if (wireType === BYTES) return value;
    return wireType === FIXED64 ? value.readBigUInt64LE() : BigInt(value.readUInt32LE());
  };
  while (at < bytes.length) {
    const tag = Number(readVarint());
    const field = tag >> 3;
    fields.set(field, [...(fields.get(field) ?? []), readValue(tag & 7)]);
  }
  return fields;
}

/** All messages in a field. */
export function listMessages(message: ProtobufMessage, field: number): ProtobufMessage[] {
  return (message.get(field) ?? []).map((value) => readProtobuf(value as Buffer));
}

export function findText(message: ProtobufMessage, field: number): string | undefined {
  return (message.get(field)?.[0] as Buffer | undefined)?.toString();
}
