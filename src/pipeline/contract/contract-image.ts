/**
 * A contract in memory that all threads share: lines of JSON, of which a thread reads those that a request needs. A word with
 * the number of lines, for each line the byte where it ends, then the lines.
 */
import type { ContractIndex } from './contract.ts';

const WORD_BYTES = 4;

/** The first value is the index. */
export function writeContractImage(values: readonly unknown[]): SharedArrayBuffer {
  const lines = values.map((value) => Buffer.from(JSON.stringify(value)));
  const headBytes = (1 + lines.length) * WORD_BYTES;
  const image = new SharedArrayBuffer(headBytes + lines.reduce((sum, line) => sum + line.length, 0));
  const head = new DataView(image, 0, headBytes);
  const bytes = Buffer.from(image);
  head.setUint32(0, lines.length);
  let end = headBytes;
  for (const [i, line] of lines.entries()) {
    bytes.set(line, end);
    end += line.length;
    head.setUint32((1 + i) * WORD_BYTES, end);
  }
  return image;
}

export class ContractImage {
  readonly index: ContractIndex;
  readonly #bytes: Buffer;
  readonly #head: DataView;

  constructor(image: ArrayBufferLike) {
    this.#bytes = Buffer.from(image);
    this.#head = new DataView(image);
    this.index = this.read<ContractIndex>(0);
  }

  /** The caller knows what stands in which line. */
  read<Line>(line: number): Line {
    const start = line === 0 ? (1 + this.#head.getUint32(0)) * WORD_BYTES : this.#head.getUint32(line * WORD_BYTES);
    return JSON.parse(this.#bytes.toString('utf8', start, this.#head.getUint32((1 + line) * WORD_BYTES))) as Line;
  }
}
