/**
 * Reads what a Redis server answers (RESP2). The server is ours, and yet nothing is taken on trust: whatever is longer,
 * deeper or other than an answer can be ends the reading, because what comes behind it could be anybody's answer.
 */

/** A command that the server has refused. */
export class ReplyError {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Reply = string | number | Buffer | null | ReplyError | readonly Reply[];

const LINE_BYTES_MAX = 4_096;
const ARRAY_ITEMS_MAX = 1_024;
const DEPTH_MAX = 4;
const HELD_BYTES_MIN = 4_096;
const CR = 13;
const LF = 10;
const INTEGER = /^-?\d{1,16}$/;

const simpleString = 0x2b;
const error = 0x2d;
const integer = 0x3a;
const bulk = 0x24;
const array = 0x2a;

/** There is more to come. */
const incomplete = Symbol('incomplete');

export class ReplyReader {
  readonly #bulkBytesMax: number;
  readonly #onReply: (reply: Reply) => void;
  /** The beginning of an answer that is not whole. */
  #held: Buffer = Buffer.alloc(0);
  #heldLength = 0;
  #view: Buffer = this.#held;
  #at = 0;
  #problem: string | undefined;

  constructor(bulkBytesMax: number, onReply: (reply: Reply) => void) {
    this.#bulkBytesMax = bulkBytesMax;
    this.#onReply = onReply;
  }

  /** Hands over every whole answer. A problem: nothing of this connection can be read any more. */
  read(view: Buffer): string | undefined {
    this.#view = this.#heldLength === 0 ? view : this.#hold(view);
    this.#at = 0;
    let end = 0;
    while (end < this.#view.length) {
      const reply = this.#readReply(0);
      if (this.#problem !== undefined) return this.#problem;
      if (reply === incomplete) break;
      end = this.#at;
      this.#onReply(reply);
    }
    const rest = this.#view.subarray(end);
    this.#view = rest;
    this.#heldLength = 0;
    if (rest.length > 0) this.#hold(rest);
    return undefined;
  }

  /** All that is held, with this behind it. Room is doubled, so that a long answer in many pieces is not copied for each. */
  #hold(view: Buffer): Buffer {
    const length = this.#heldLength + view.length;
    if (length > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(HELD_BYTES_MIN, length * 2));
      this.#held.copy(larger, 0, 0, this.#heldLength);
      this.#held = larger;
    }
    // What is kept may stand in the same memory, further behind.
    view.copy(this.#held, this.#heldLength);
    this.#heldLength = length;
    return this.#held.subarray(0, length);
  }

  #readReply(depth: number): Reply | typeof incomplete {
    const kind = this.#view[this.#at];
    const line = this.#readLine();
    if (line === incomplete) return incomplete;
    switch (kind) {
      case simpleString:
        return line;
      case error:
        return new ReplyError(line);
      case integer:
        return INTEGER.test(line) ? Number(line) : this.#fail('an integer that is none');
      case bulk:
        return this.#readBulk(line);
      case array:
        return this.#readArray(line, depth);
      default:
        return this.#fail('an answer of no known kind');
    }
  }

  /** What stands behind the first byte. */
  #readLine(): string | typeof incomplete {
    const view = this.#view;
    const start = this.#at + 1;
    const end = view.indexOf(CR, start);
    if (end < 0 || end + 1 >= view.length) {
      return view.length - start > LINE_BYTES_MAX ? this.#fail('a line that does not end') : incomplete;
    }
    if (end - start > LINE_BYTES_MAX || view[end + 1] !== LF) return this.#fail('a line that does not end');
    this.#at = end + 2;
    return view.latin1Slice(start, end);
  }

  #readBulk(line: string): Buffer | null | typeof incomplete {
    if (line === '-1') return null;
    const length = INTEGER.test(line) ? Number(line) : -1;
    if (length < 0) return this.#fail('a length that is none');
    if (length > this.#bulkBytesMax) return this.#fail(`an answer of ${length} bytes`);
    const view = this.#view;
    const start = this.#at;
    const end = start + length;
    if (end + 2 > view.length) return incomplete;
    if (view[end] !== CR || view[end + 1] !== LF) return this.#fail('an answer that is longer than it says');
    this.#at = end + 2;
    return Buffer.from(view.subarray(start, end));
  }

  #readArray(line: string, depth: number): Reply[] | null | typeof incomplete {
    if (line === '-1') return null;
    const count = INTEGER.test(line) ? Number(line) : -1;
    if (count < 0 || count > ARRAY_ITEMS_MAX) return this.#fail('a list of no possible length');
    if (depth === DEPTH_MAX) return this.#fail('lists within lists');
    const items: Reply[] = [];
    for (let i = 0; i < count; i++) {
      if (this.#at >= this.#view.length) return incomplete;
      const item = this.#readReply(depth + 1);
      if (item === incomplete) return incomplete;
      items.push(item);
    }
    return items;
  }

  #fail(problem: string): typeof incomplete {
    this.#problem = problem;
    return incomplete;
  }
}
