/** How an integer begins: the bits before its prefix, and the prefix with all its bits set (RFC 7541 §5.1). */
export interface Representation {
  readonly pattern: number;
  readonly prefixMax: number;
}

/** RFC 7541 §6 for fields, §5.2 for texts. */
export const indexed: Representation = { pattern: 0x80, prefixMax: 0x7f };
export const withIndexing: Representation = { pattern: 0x40, prefixMax: 0x3f };
export const sizeUpdate: Representation = { pattern: 0x20, prefixMax: 0x1f };
export const neverIndexed: Representation = { pattern: 0x10, prefixMax: 0x0f };
export const withoutIndexing: Representation = { pattern: 0x00, prefixMax: 0x0f };
export const huffmanText: Representation = { pattern: 0x80, prefixMax: 0x7f };
export const plainText: Representation = { pattern: 0x00, prefixMax: 0x7f };

/** Returns where it ended. */
export function encodeInteger(value: number, { pattern, prefixMax }: Representation, into: Buffer, at: number): number {
  if (value < prefixMax) {
    into[at] = pattern | value;
    return at + 1;
  }
  into[at] = pattern | prefixMax;
  let position = at + 1;
  let rest = value - prefixMax;
  for (; rest >= 0x80; rest >>>= 7) into[position++] = rest | 0x80;
  into[position] = rest;
  return position + 1;
}
