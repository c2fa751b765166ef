/** Sorting as a generator, for lists so long that sorting them at once would keep a thread from its requests. */

/** Items that are sorted or merged between two yields: less than a millisecond of work. */
const ITEMS_PER_STEP = 1_024;

/** Sorts into a new list; what compares as equal stays in its order. */
export function* sortInSteps<Item>(
  items: readonly Item[],
  compare: (left: Item, right: Item) => number,
): Generator<undefined, Item[], void> {
  let from: Item[] = [];
  for (let at = 0; at < items.length; at += ITEMS_PER_STEP) {
    from.push(...items.slice(at, at + ITEMS_PER_STEP).sort(compare));
    yield;
  }
  // Each round merges sorted runs in pairs, into runs twice as long.
  for (let run = ITEMS_PER_STEP; run < items.length; run *= 2) {
    const to: Item[] = [];
    for (let at = 0; at < items.length; at += 2 * run) yield* mergeRuns({ from, to, at, run }, compare);
    from = to;
  }
  return from;
}

interface Runs<Item> {
  readonly from: readonly Item[];
  readonly to: Item[];
  /** Where the two runs begin, and how long each is. */
  readonly at: number;
  readonly run: number;
}

function* mergeRuns<Item>(
  { from, to, at, run }: Runs<Item>,
  compare: (left: Item, right: Item) => number,
): Generator<undefined, void, void> {
  const middle = Math.min(at + run, from.length);
  const end = Math.min(at + 2 * run, from.length);
  let left = at;
  let right = middle;
  while (left < middle || right < end) {
    const takesLeft = left < middle && (right === end || compare(from[left]!, from[right]!) <= 0);
    to.push(from[takesLeft ? left++ : right++]!);
    if (to.length % ITEMS_PER_STEP === 0) yield;
  }
}
