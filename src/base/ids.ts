import { randomFillSync } from 'node:crypto';

const ID_BYTES = 16;
const BATCH_IDS = 256;

/** Makes 128-bit random ids as 32 hexadecimal digits. Random bytes are drawn in batches: one system call for 256 ids. */
export function createIdSource(): () => string {
  const bytes = Buffer.allocUnsafeSlow(ID_BYTES * BATCH_IDS);
  let offset = bytes.length;
  return () => {
    if (offset === bytes.length) {
      randomFillSync(bytes);
      offset = 0;
    }
    const id = bytes.hexSlice(offset, offset + ID_BYTES);
    offset += ID_BYTES;
    return id;
  };
}
