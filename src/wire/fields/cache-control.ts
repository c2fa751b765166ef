/**
 * `Cache-Control` (RFC 9111 §5.2) of requests and of answers, and the fields that say the same to one kind of cache alone (RFC 9213).
 * Whoever wrote them chooses each byte. What cannot be understood means what keeps an answer least.
 */
import { getFieldValues } from './field-list.ts';
import { type BareItem, isInnerList, parseDictionary } from './structured-fields.ts';

/** RFC 9111 §1.2.2: what a longer time counts as. */
export const SECONDS_MAX = 2 ** 31;

/** Fields to which a directive is limited; `all`: it stands for the whole answer. */
export type FieldsOf = 'none' | 'all' | readonly string[];

export interface AnswerDirectives {
  /** `undefined`: not said. What is said and cannot be read is 0. */
  readonly maxAgeS: number | undefined;
  readonly sharedMaxAgeS: number | undefined;
  readonly staleWhileRevalidateS: number | undefined;
  readonly staleIfErrorS: number | undefined;
  readonly noStore: boolean;
  readonly noCache: FieldsOf;
  readonly private: FieldsOf;
  readonly isPublic: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly isImmutable: boolean;
  /** They come from a field that is meant for us alone, so that `Expires` does not count. */
  readonly isTargeted: boolean;
}

export interface RequestDirectives {
  readonly maxAgeS: number | undefined;
  /** Infinite: however stale it is. */
  readonly maxStaleS: number | undefined;
  readonly minFreshS: number | undefined;
  readonly staleIfErrorS: number | undefined;
  readonly noCache: boolean;
  readonly noStore: boolean;
  readonly onlyIfCached: boolean;
}

/** `targets`: fields that count before `Cache-Control`, the first that is there and can be read. */
export function readAnswerDirectives(fields: readonly string[], targets: readonly string[]): AnswerDirectives {
  for (const target of targets) {
    const values = getFieldValues(fields, target);
    const directives = values.length === 0 ? undefined : readTargeted(values.join(', '));
    if (directives !== undefined) return toAnswerDirectives(directives, true);
  }
  return toAnswerDirectives(readDirectives(fields), false);
}

export const noRequestDirectives: RequestDirectives = {
  maxAgeS: undefined,
  maxStaleS: undefined,
  minFreshS: undefined,
  staleIfErrorS: undefined,
  noCache: false,
  noStore: false,
  onlyIfCached: false,
};

export function readRequestDirectives(fields: readonly string[]): RequestDirectives {
  const directives = readDirectives(fields);
  // RFC 9111 §5.4: what is older than Cache-Control counts only without it.
  if (directives.size === 0) return hasOldNoCache(fields) ? { ...noRequestDirectives, noCache: true } : noRequestDirectives;
  const maxStale = directives.get('max-stale');
  return {
    maxAgeS: toSeconds(directives.get('max-age')),
    maxStaleS: maxStale !== undefined && maxStale[0] === '' ? Number.POSITIVE_INFINITY : toSeconds(maxStale),
    minFreshS: toSeconds(directives.get('min-fresh')),
    staleIfErrorS: toSeconds(directives.get('stale-if-error')),
    noCache: directives.has('no-cache'),
    noStore: directives.has('no-store'),
    onlyIfCached: directives.has('only-if-cached'),
  };
}

function hasOldNoCache(fields: readonly string[]): boolean {
  return getFieldValues(fields, 'pragma').some((value) => splitMembers(value).some((one) => one.toLowerCase() === 'no-cache'));
}

/** All values of each directive; a directive without a value has the empty one. */
type Directives = ReadonlyMap<string, readonly string[]>;

function toAnswerDirectives(directives: Directives, isTargeted: boolean): AnswerDirectives {
  const seconds = (name: string) => {
    const values = directives.get(name);
    // RFC 9111 §4.2.1: an answer whose freshness cannot be read is stale, and of several the first one counts.
    return values === undefined ? undefined : (toSeconds(values) ?? 0);
  };
  return {
    maxAgeS: seconds('max-age'),
    sharedMaxAgeS: seconds('s-maxage'),
    staleWhileRevalidateS: toSeconds(directives.get('stale-while-revalidate')),
    staleIfErrorS: toSeconds(directives.get('stale-if-error')),
    noStore: directives.has('no-store'),
    noCache: toFieldsOf(directives.get('no-cache')),
    private: toFieldsOf(directives.get('private')),
    isPublic: directives.has('public'),
    mustRevalidate: directives.has('must-revalidate'),
    proxyRevalidate: directives.has('proxy-revalidate'),
    mustUnderstand: directives.has('must-understand'),
    isImmutable: directives.has('immutable'),
    isTargeted,
  };
}

/** `undefined`: it is not there, or no number. */
function toSeconds(values: readonly string[] | undefined): number | undefined {
  const text = values?.[0];
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  return Math.min(Number(text), SECONDS_MAX);
}

/** Said once without fields, it stands for the whole answer, whatever else is said. */
function toFieldsOf(values: readonly string[] | undefined): FieldsOf {
  if (values === undefined) return 'none';
  const names = values.map((value) => value.split(',').map((name) => name.trim().toLowerCase()));
  if (names.some((each) => each.some((name) => !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)))) return 'all';
  return names.flat();
}

function readDirectives(fields: readonly string[]): Directives {
  const directives = new Map<string, string[]>();
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== 'cache-control') continue;
    for (const member of splitMembers(fields[i + 1]!)) {
      const equals = member.indexOf('=');
      const written = equals < 0 ? member : member.substring(0, equals);
      // Spaces beside the sign are no part of the grammar. Taken for another directive, it would be passed over, so it is one without a value.
      const name = written.trim().toLowerCase();
      const value = equals < 0 ? '' : written.length > name.length ? '?' : toValue(member.substring(equals + 1));
      const before = directives.get(name);
      if (before === undefined) directives.set(name, [value]);
      else before.push(value);
    }
  }
  return directives;
}

/** RFC 9111 §5.2: both forms are read, whichever one a directive would be written in. A token that is empty is no value. */
function toValue(text: string): string {
  if (!text.startsWith('"')) return text === '' ? '?' : text;
  return text.endsWith('"') && text.length > 1 ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;
}

/** At commas outside of quotes. A quote that nobody closes hides nothing. */
function splitMembers(text: string): string[] {
  const members: string[] = [];
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const char = text[i];
    if (char === '"') i = findClosing(text, i);
    else if (i === text.length || char === ',') {
      const member = text.substring(start, i).trim();
      if (member !== '') members.push(member);
      start = i + 1;
    }
  }
  return members;
}

/** Where the quote that begins at `from` is closed, or `from` itself. */
function findClosing(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '"') return i;
  }
  return from;
}

/** RFC 9213 §2.1: a field that is empty, or no dictionary, is not there. */
function readTargeted(text: string): Directives | undefined {
  const members = parseDictionary(text, 'last');
  if (members === undefined || members.size === 0) return undefined;
  const directives = new Map<string, string[]>();
  for (const [name, member] of members) {
    const value = isInnerList(member) ? undefined : toDirectiveValue(name, member.value);
    if (value !== undefined) directives.set(name, [value]);
  }
  return directives;
}

const secondsNames: ReadonlySet<string> = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error']);

/** RFC 9213 §2.1: what has the wrong type is not taken for another one. `undefined`: the directive is not there. */
function toDirectiveValue(name: string, item: BareItem): string | undefined {
  if (secondsNames.has(name)) return item.kind === 'integer' ? String(item.value) : undefined;
  if (item.kind === 'boolean') return item.value ? '' : undefined;
  return item.kind === 'string' || item.kind === 'token' ? item.value : '';
}
