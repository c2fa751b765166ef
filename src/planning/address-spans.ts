/** Blocks of addresses in a setting, by the addresses that they hold together: two halves are the same as the whole. */
import { parseCidr } from '#base/ip.ts';

/** As numbers on one line. */
interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

const GROUP_BITS = 16n;
/** Behind all addresses of IPv6, and next to none of them. */
const IPV4_FROM = 1n << 129n;

/** Whether each item is in a list: as it is, or as addresses that its blocks hold. */
export function covers(list: readonly unknown[], items: readonly unknown[]): boolean {
  const known = new Set(list);
  const spans = mergeSpans(list);
  return items.every((item) => {
    const span = toSpan(item);
    return known.has(item) || spans.some(({ first, last }) => span !== undefined && first <= span.first && span.last <= last);
  });
}

export function isAddressList(list: readonly unknown[]): boolean {
  return list.every((item) => toSpan(item) !== undefined);
}

/** Without gaps between two that follow each other. */
function mergeSpans(list: readonly unknown[]): Span[] {
  const sorted = list
    .map(toSpan)
    .filter((span) => span !== undefined)
    .sort((one, other) => (one.first < other.first ? -1 : 1));
  const merged: Span[] = [];
  for (const { first, last } of sorted) {
    const before = merged.at(-1);
    if (before === undefined || before.last + 1n < first) merged.push({ first, last });
    else if (before.last < last) merged[merged.length - 1] = { first: before.first, last };
  }
  return merged;
}

function toSpan(item: unknown): Span | undefined {
  const range = typeof item === 'string' ? parseCidr(item) : undefined;
  if (range === undefined) return undefined;
  if (range.version === 6) return { first: toNumber(range.first), last: toNumber(range.last) };
  return { first: IPV4_FROM + BigInt(range.first), last: IPV4_FROM + BigInt(range.last) };
}

function toNumber(groups: readonly number[]): bigint {
  return groups.reduce((number, group) => (number << GROUP_BITS) + BigInt(group), 0n);
}
