/**
 * How a route table lies in memory: one block of 32-bit words that is written once (`route-image-writer.ts`) and then read by
 * all threads (`route-table.ts`). A position is the index of a word, and 0 stands for "there is none".
 *
 * A look-up goes from key to key: first the host, then one segment of the path after the other. Keys beside each other are one
 * key alone, or a hash table with linear probing. What a key leads to lies directly behind it, and a tree is written depth
 * first, so a step costs about two cache lines: one for the slot, and one for the key with what follows from it. Conditions,
 * captures and regular expressions are texts that whoever needs them compiles; equal ones are kept once.
 *
 *     image      the words `imageAt`, and everything that they lead to
 *     keys       one word: where the key or the table is, and the size of the table (`toKeys`)
 *     table      slots: where the key is, and some bits of its hash (`toSlot`)
 *     key        its length in bytes, the bytes in words (`toKeyWords`), then the host or node that it leads to
 *     host       the words `hostAt`, then the node of its paths' first segment
 *     node       its highest rank and its parts (`toNodeHead`), then a word for each part that it has
 *     list       candidates in their order, the last one marked; all of one list have the same path
 *     candidate  the words `candidateAt`
 *     texts      for each text its first byte and its length in bytes
 */
export const imageAt = {
  seed: 0,
  /** Keys. */
  exactHosts: 1,
  /** Keys: what follows the star. */
  wildcardHosts: 2,
  wildcardBytesMax: 3,
  /** Host. */
  anyHost: 4,
  /** Texts: what is read from paths (`path-reading.ts`). */
  readings: 5,
  readingCount: 6,
  /** Texts: conditions of matches. */
  conditions: 7,
  conditionsCount: 8,
  words: 9,
} as const;

export const hostAt = {
  /** List. */
  regexes: 0,
  /** List: after the regular expressions, or one beside a route for every path could never match. */
  everyPath: 1,
  words: 2,
} as const;

export const candidateAt = {
  /** Twice the position of the route in the definitions, and one more in the last candidate of a list. */
  routeAndLast: 0,
  /** Which text, counted from 1; 0 when nothing is asked beyond host and path. */
  conditions: 1,
  /** The same for what is read from a path; 0 when nothing is. */
  reading: 2,
  words: 3,
} as const;

/** Words of one text in its directory: first byte, length. */
export const TEXT_WORDS = 2;

const POSITION_BITS = 27;
/** Half a gigabyte of words. */
export const POSITION_MAX = 2 ** POSITION_BITS - 1;

/** The parts of a node, in the order of their words. */
export const nodeParts = {
  /** List of the candidates whose pattern ends here. */
  endings: 1,
  /** List of the candidates whose pattern goes on with a star. */
  prefixes: 2,
  /** Node of whatever the next segment is. */
  capture: 4,
  /** Keys of the next segments that are literal. */
  literals: 8,
} as const;

const NODE_PARTS_BITS = 4;

/** `rankMax`: the highest path rank at or below the node. A search that has found as much does not enter. */
export function toNodeHead(rankMax: number, parts: number): number {
  return (rankMax << NODE_PARTS_BITS) | parts;
}

export function hasParts(nodeHead: number): boolean {
  return (nodeHead & (2 ** NODE_PARTS_BITS - 1)) !== 0;
}

export function toRankMax(nodeHead: number): number {
  return nodeHead >> NODE_PARTS_BITS;
}

/** How far behind the head the word of a part is, when the node has that part. */
export function toPartOffset(nodeHead: number, part: number): number {
  const before = nodeHead & (part - 1);
  return 1 + (before & 1) + ((before >> 1) & 1) + ((before >> 2) & 1);
}

/** `sizeBits`: the table has two to the power of this slots; 0 for a key alone. */
export function toKeys(at: number, sizeBits: number): number {
  return at | (sizeBits << POSITION_BITS);
}

export function toSizeBits(keys: number): number {
  return keys >>> POSITION_BITS;
}

/** For keys and slots. */
export function toPosition(word: number): number {
  return word & POSITION_MAX;
}

/** The upper bits of the hash, by which nearly all other keys are told apart without reading them. */
export function toSlot(at: number, hash: number): number {
  return at | (hash & ~POSITION_MAX);
}

export function mayBeKey(slot: number, hash: number): boolean {
  return ((slot ^ hash) & ~POSITION_MAX) === 0;
}

/** Four bytes in each word, the first one lowest, filled up with zeros. */
export function toKeyWords(bytes: number): number {
  return (bytes + 3) >>> 2;
}

/**
 * The hash of a key begins with this, goes on with each of its words, and is finished. Each image has a random seed, so nobody
 * can write routes whose keys collide; and as a table is never more than half full, a look-up needs few probes, whatever path
 * a client sends. The multipliers are the golden ratio and that at the end of MurmurHash3.
 */
export function beginHash(seed: number, bytes: number): number {
  return seed ^ bytes;
}

export function hashWord(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

export function finishHash(hash: number): number {
  const mixed = Math.imul(hash, 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}
