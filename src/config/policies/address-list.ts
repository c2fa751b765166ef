/**
 * A file with addresses: one block or one address on each line, `#` before a comment. It may come from anybody's feed, and be
 * long: reading yields, and a mistake on any line refuses the file.
 */
import type { ListedRange } from '#base/address-ranges-writer.ts';
import { assert } from '#base/assert.ts';
import { type AddressRange, parseExactCidr } from '#base/ip.ts';
import { limits } from '#base/limits.ts';
import { readExactCidr } from '#schema/cidr.ts';

export interface AddressListMistake {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  readonly problem: string;
}

export interface AddressListReading {
  readonly ranges: readonly ListedRange[];
  /** The first ones, in the order of the text. */
  readonly mistakes: readonly AddressListMistake[];
  readonly mistakeCount: number;
}

/** Lines that are read between two yields: about a millisecond of work. */
const LINES_PER_STEP = 1_000;
const BYTE_ORDER_MARK = '\ufeff';

export function* readAddressList(text: string): Generator<undefined, AddressListReading, void> {
  const ranges: ListedRange[] = [];
  const mistakes = new Mistakes();
  // A file that is being written begins empty, and so does one whose feed is down: it must not open or close the gateway.
  if (text.trim() === '') mistakes.add(1, 1, 'the file is empty; write a comment (`# none`) for a list without addresses');
  let line = 0;
  for (let at = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0; at < text.length; line += 1) {
    if (line % LINES_PER_STEP === LINES_PER_STEP - 1) yield;
    const feedAt = text.indexOf('\n', at);
    const end = feedAt < 0 ? text.length : feedAt;
    const written = text.slice(at, end);
    at = end + 1;
    const commentAt = written.indexOf('#');
    const entry = (commentAt < 0 ? written : written.slice(0, commentAt)).trim();
    if (entry === '') continue;
    const range = readEntry(entry);
    if (typeof range === 'string') mistakes.add(line + 1, written.indexOf(entry) + 1, range);
    else if (ranges.length < limits.addressListEntriesMax) ranges.push({ range, line: line + 1 });
    else {
      mistakes.add(line + 1, 1, `there are more than ${limits.addressListEntriesMax} entries; join blocks, or leave some out`);
      break;
    }
  }
  return { ranges, mistakes: mistakes.told, mistakeCount: mistakes.count };
}

/** A text says what is wrong. What is right is read at once; only for the rest are words looked for. */
function readEntry(entry: string): AddressRange | string {
  const range = parseExactCidr(entry);
  if (range !== undefined) return range;
  const reading = readExactCidr(entry);
  assert('problem' in reading, 'whatever can be explained is read the same way');
  return reading.problem;
}

class Mistakes {
  readonly told: AddressListMistake[] = [];
  count = 0;

  add(line: number, column: number, problem: string): void {
    this.count += 1;
    if (this.told.length < limits.addressListMistakesTold) this.told.push({ line, column, problem });
  }
}
