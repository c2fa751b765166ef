import { randomFillSync } from 'node:crypto';

const ID_BYTES = 16;
const ID_DIGITS = 2 * ID_BYTES;
const BATCH_IDS = 256;

/** Makes 128-bit random ids as 32 hexadecimal digits. Random bytes are drawn and written out for 256 ids at a time. */
export function createIdSource(): () => string {
  const bytes = Buffer.allocUnsafeSlow(ID_BYTES * BATCH_IDS);
  let digits = '';
  let offset = 0;
  return () => {
    if (offset === digits.length) {
      digits = randomFillSync(bytes).hexSlice();
      offset = 0;
    }
    offset += ID_DIGITS;
    return digits.substring(offset - ID_DIGITS, offset);
  };
}
