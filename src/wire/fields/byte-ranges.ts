/** Parts of a representation that a client asks for: `Range` (RFC 9110 §14). Whoever sends it chooses each byte. */
import { limits } from '#base/limits.ts';

export interface ByteRange {
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/** `whole`: the field is to be ignored. `unsatisfiable`: 416. */
export type RangeReading = readonly [ByteRange, ...ByteRange[]] | 'whole' | 'unsatisfiable';

const UNIT = /^bytes[ \t]*=/i;
const RANGE = /^([0-9]*)-([0-9]*)$/;
/** What the head of a part takes, about: parts that are nearer to each other than this are shorter as one. */
const PART_HEAD_BYTES = 100;

/**
 * The ranges of a representation of so many bytes, in the order in which they were asked for. Those that overlap or nearly touch become one
 * (RFC 9110 §15.3.7.2), so an answer is never longer than the whole by more than the heads of its parts.
 */
export function readByteRanges(field: string, sizeBytes: number): RangeReading {
  const unit = UNIT.exec(field);
  // RFC 9110 §14.2: an unknown unit, or what is no list of ranges, is ignored.
  if (unit === null) return 'whole';
  const specifiers = field.slice(unit[0].length).split(',', limits.byteRangesMax + 1);
  // RFC 9110 §14.2: many small ranges may be a broken client or an attack.
  if (specifiers.length > limits.byteRangesMax) return 'whole';
  const ranges: ByteRange[] = [];
  for (const specifier of specifiers) {
    const range = readRange(specifier.trim(), sizeBytes);
    if (range === undefined) return 'whole';
    if (range !== 'unsatisfiable') addRange(ranges, range);
  }
  const [first, ...others] = ranges;
  return first === undefined ? 'unsatisfiable' : [first, ...others];
}

/** `undefined`: it is no range. */
function readRange(text: string, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = RANGE.exec(text);
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') {
    if (last === '') return undefined;
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= sizeBytes) return 'unsatisfiable';
  return { start, end: last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes) };
}

/** Joins a range with all that it overlaps or nearly touches, in the place of the first of them. */
function addRange(ranges: ByteRange[], range: ByteRange): void {
  let { start, end } = range;
  let place = -1;
  // What has grown may touch one that it did not touch before.
  for (let i = 0; i < ranges.length; i++) {
    const other = ranges[i]!;
    if (i === place || other.start > end + PART_HEAD_BYTES || start > other.end + PART_HEAD_BYTES) continue;
    start = Math.min(start, other.start);
    end = Math.max(end, other.end);
    if (place >= 0) {
      const [kept, dropped] = i < place ? [i, place] : [place, i];
      ranges.splice(dropped, 1);
      place = kept;
    } else place = i;
    ranges[place] = { start, end };
    i = -1;
  }
  if (place < 0) ranges.push(range);
}
