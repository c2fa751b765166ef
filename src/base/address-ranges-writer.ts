/** Writes the images that `AddressRanges` reads. */
import { type BlockCounts, compareGroupsAt, countImageBytes, toColumns } from './address-ranges.ts';
import { type AddressRange, IPV6_GROUPS } from './ip.ts';
import { sortInSteps } from './sort-in-steps.ts';

export interface ListedRange {
  readonly range: AddressRange;
  /** From 1; 0 where there are no lines. */
  readonly line: number;
}

interface Block<Address> {
  readonly first: Address;
  readonly last: Address;
  readonly line: number;
}

/** Blocks that are taken over between two yields: less than a millisecond of work. */
const BLOCKS_PER_STEP = 4_096;

/** `createBuffer` says where the image lies. Of blocks within each other, the widest stays. Yields between steps. */
export function* writeAddressRanges<Memory extends ArrayBufferLike>(
  listed: readonly ListedRange[],
  createBuffer: (bytes: number) => Memory,
): Generator<undefined, Memory, void> {
  const ipv4: Block<number>[] = [];
  const ipv6: Block<readonly number[]>[] = [];
  for (const [i, { range, line }] of listed.entries()) {
    if (range.version === 4) ipv4.push({ first: range.first, last: range.last, line });
    else ipv6.push({ first: range.first, last: range.last, line });
    if (i % BLOCKS_PER_STEP === BLOCKS_PER_STEP - 1) yield;
  }
  const widest4 = yield* keepWidest(ipv4, (left, right) => left - right);
  const widest6 = yield* keepWidest(ipv6, compareGroups);
  const counts = { ipv4: widest4.length, ipv6: widest6.length };
  const image = createBuffer(countImageBytes(counts));
  yield* fillImage(image, counts, { widest4, widest6 });
  return image;
}

/** Sorts, and drops what lies inside an earlier block. Two blocks of addresses never overlap only in part. */
function* keepWidest<Address>(
  blocks: readonly Block<Address>[],
  compare: (left: Address, right: Address) => number,
): Generator<undefined, Block<Address>[], void> {
  const sorted = yield* sortInSteps(
    blocks,
    (left, right) => compare(left.first, right.first) || compare(right.last, left.last) || left.line - right.line,
  );
  const widest: Block<Address>[] = [];
  for (const [i, block] of sorted.entries()) {
    const before = widest.at(-1);
    if (before === undefined || compare(before.last, block.first) < 0) widest.push(block);
    if (i % BLOCKS_PER_STEP === BLOCKS_PER_STEP - 1) yield;
  }
  return widest;
}

interface WidestBlocks {
  readonly widest4: readonly Block<number>[];
  readonly widest6: readonly Block<readonly number[]>[];
}

function* fillImage(
  image: ArrayBufferLike,
  counts: BlockCounts,
  { widest4, widest6 }: WidestBlocks,
): Generator<undefined, void, void> {
  const columns = toColumns(image, counts);
  columns.counts.set([counts.ipv4, counts.ipv6]);
  for (const [i, { first, last, line }] of widest4.entries()) {
    columns.ipv4First[i] = first;
    columns.ipv4Last[i] = last;
    columns.ipv4Line[i] = line;
    if (i % BLOCKS_PER_STEP === BLOCKS_PER_STEP - 1) yield;
  }
  for (const [i, { first, last, line }] of widest6.entries()) {
    columns.ipv6First.set(first, i * IPV6_GROUPS);
    columns.ipv6Last.set(last, i * IPV6_GROUPS);
    columns.ipv6Line[i] = line;
    if (i % BLOCKS_PER_STEP === BLOCKS_PER_STEP - 1) yield;
  }
}

function compareGroups(left: readonly number[], right: readonly number[]): number {
  return compareGroupsAt(left, 0, right);
}
