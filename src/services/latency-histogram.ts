/**
 * In which times attempts are answered, so that one can be called slow. Counts in steps of a fifth, of one thread; older
 * times fade as newer ones come.
 */
const FIRST_MS = 0.1;
const STEPS_PER_DOUBLING = 4;
/** Up to two minutes; what takes longer counts as that. */
const BUCKETS = 82;
/** With fewer times nothing can be said. */
const COUNT_MIN = 20;
const COUNT_MAX = 2_000;

export class LatencyHistogram {
  /** Only there once somebody has needed it. */
  #counts: Uint32Array | undefined = undefined;
  #total = 0;

  record(ms: number): void {
    this.#counts ??= new Uint32Array(BUCKETS);
    this.#counts[toBucket(ms)]! += 1;
    this.#total += 1;
    if (this.#total >= COUNT_MAX) this.#fade(this.#counts);
  }

  /** The time that this share of the attempts kept to, at most a fifth too long; `undefined` when too little is known. */
  quantileMs(share: number): number | undefined {
    const counts = this.#counts;
    if (counts === undefined || this.#total < COUNT_MIN) return undefined;
    let left = share * this.#total;
    let bucket = 0;
    while (bucket < BUCKETS - 1) {
      left -= counts[bucket]!;
      if (left <= 0) break;
      bucket += 1;
    }
    return FIRST_MS * 2 ** (bucket / STEPS_PER_DOUBLING);
  }

  #fade(counts: Uint32Array): void {
    let total = 0;
    for (let i = 0; i < BUCKETS; i++) {
      counts[i]! >>>= 1;
      total += counts[i]!;
    }
    this.#total = total;
  }
}

/** The bucket whose upper end is the first one that is not below. */
function toBucket(ms: number): number {
  if (ms <= FIRST_MS) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(STEPS_PER_DOUBLING * Math.log2(ms / FIRST_MS)));
}
