/**
 * A hash of texts that is the same in every thread, at every start and on every machine: what is decided by it stays as it
 * was. Not for tables that an attacker fills, and not for secrets.
 */

/** 32 bits, not negative: FNV-1a, with the end of MurmurHash3 behind it, so that texts which differ little differ everywhere. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mixHash(hash);
}

/** Spreads every bit of a hash over all of its bits. Different numbers stay different. */
export function mixHash(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
