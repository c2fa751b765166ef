/**
 * Lists in which a client weighs what it would take: `Accept`, `Accept-Encoding`, `Accept-Language` (RFC 9110 §12.4.2). What
 * stands in them is the client's choice. They only express wishes, so nothing in them is an error: an element that cannot be
 * read is passed over, one whose weight cannot be read counts as not wanted.
 */
import { getFieldValues } from './field-list.ts';

/** What a client says about one thing, or about all that a `*` stands for. */
export interface WeightedItem {
  /** In lower case, without parameters: `gzip`, `text/html`, `en-gb`, `*`. */
  readonly name: string;
  /** Thousandths. 0: not wanted at all. */
  readonly weight: number;
}

const WEIGHT_MAX = 1_000;
/** What stands behind so many elements is not read. */
const ITEMS_MAX = 64;

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const ONE = 0x31;
const DOT = 0x2e;

/** All lines of a field; `undefined` where there is none, which says something else than an empty one. */
export function readQualityList(fields: readonly string[], name: string): readonly WeightedItem[] | undefined {
  const lines = getFieldValues(fields, name);
  return lines.length === 0 ? undefined : parseQualityList(lines.length === 1 ? lines[0]! : lines.join(','));
}

export function parseQualityList(text: string): readonly WeightedItem[] {
  const items: WeightedItem[] = [];
  for (let at = 0; at < text.length && items.length < ITEMS_MAX; ) {
    const end = findEnd(text, at, COMMA);
    const item = parseItem(text, at, end);
    if (item !== undefined) items.push(item);
    at = end + 1;
  }
  return items;
}

/** The weight of a coding or a language: its own, else that of `*`. `undefined`: nothing is said about it. */
export function findWeight(items: readonly WeightedItem[], name: string): number | undefined {
  return weightOf(items, name) ?? weightOf(items, '*');
}

/** The weight of a media type such as `text/html`: that of the narrowest range it falls in (RFC 9110 §12.5.1). 0: it is in none. */
export function findMediaWeight(items: readonly WeightedItem[], mediaType: string): number {
  const slash = mediaType.indexOf('/');
  return weightOf(items, mediaType) ?? weightOf(items, `${mediaType.slice(0, slash)}/*`) ?? weightOf(items, '*/*') ?? 0;
}

/** The highest, where a name stands there several times: ranges that differ in parameters alone are one to us. */
function weightOf(items: readonly WeightedItem[], name: string): number | undefined {
  let found: number | undefined;
  for (const item of items) if (item.name === name && (found === undefined || item.weight > found)) found = item.weight;
  return found;
}

function parseItem(text: string, from: number, to: number): WeightedItem | undefined {
  const nameEnd = findEnd(text, from, SEMICOLON, to);
  const name = text.slice(from, nameEnd).trim().toLowerCase();
  return name === '' ? undefined : { name, weight: parseWeight(text, nameEnd + 1, to) };
}

/** The parameter `q` among the others. */
function parseWeight(text: string, from: number, to: number): number {
  for (let at = from; at < to; ) {
    const end = findEnd(text, at, SEMICOLON, to);
    const equals = findEnd(text, at, EQUALS, end);
    const name = text.slice(at, equals).trim();
    if (name === 'q' || name === 'Q') return toThousandths(text.slice(equals + 1, end).trim());
    at = end + 1;
  }
  return WEIGHT_MAX;
}

/** `0`, `0.5` or `1.000`. Further digits than three say nothing more, though the grammar has none. */
function toThousandths(text: string): number {
  const first = text.charCodeAt(0);
  if (first !== ZERO && first !== ONE) return 0;
  let thousandths = first === ONE ? WEIGHT_MAX : 0;
  if (text.length > 1 && text.charCodeAt(1) !== DOT) return 0;
  for (let i = 2, worth = WEIGHT_MAX / 10; i < text.length; i++, worth = Math.floor(worth / 10)) {
    const digit = text.charCodeAt(i) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return 0;
    thousandths += digit * worth;
  }
  return thousandths > WEIGHT_MAX ? 0 : thousandths;
}

/** Where the next such sign stands outside of quotes (RFC 9110 §5.6.4), or the end. */
function findEnd(text: string, from: number, sign: number, to: number = text.length): number {
  let isQuoted = false;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) isQuoted = !isQuoted;
    else if (isQuoted) i += code === BACKSLASH ? 1 : 0;
    else if (code === sign) return i;
  }
  return to;
}
