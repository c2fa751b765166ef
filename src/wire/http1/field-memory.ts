import type { HeadSource } from './head-source.ts';
import type { MessageHead } from './message-head.ts';

/** A longer block is not worth the memory that it takes on a connection that does nothing. */
const BLOCK_CHARS_MAX = 1024;

/**
 * The field lines of the last head on a connection, and what they meant. Most peers say the same again with each message,
 * and comparing is cheaper than reading: 0.4 µs of a request together with its answer.
 */
export class FieldMemory {
  #block = '';
  #head: MessageHead | undefined = undefined;
  #source = '';
  /** What was kept is the beginning of what came, so that it can be cut out in one piece; unknown until it is asked for. */
  #isBeginning: boolean | undefined = undefined;

  /** Fills `head` if the lines from `position` of the source on are the ones remembered. */
  recall(head: MessageHead, source: HeadSource, position: number): boolean {
    const last = this.#head;
    if (last === undefined || source.end - position !== this.#block.length || head.startChars === 0) return false;
    const { text } = source;
    if (text.substring(position, source.end) !== this.#block) return false;
    this.#isBeginning ??= last.text === this.#source.substring(0, last.text.length);
    head.text = this.#isBeginning
      ? text.substring(0, head.startChars - last.startChars + last.text.length)
      : text.substring(0, head.startChars) + last.text.substring(last.startChars);
    head.takeFields(last);
    return true;
  }

  /** Remembers lines that have been read without a fault. */
  keep(head: MessageHead, source: HeadSource, position: number): void {
    const isLasting = head.startChars > 0 && head.connectionNames === undefined && source.end - position <= BLOCK_CHARS_MAX;
    this.#head = isLasting ? head : undefined;
    if (!isLasting) return;
    this.#source = source.text;
    this.#block = source.text.substring(position, source.end);
    this.#isBeginning = undefined;
  }
}
