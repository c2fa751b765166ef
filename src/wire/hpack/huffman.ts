/**
 * The Huffman code of RFC 7541 appendix B. It is canonical (shorter codes first, those of one length in the order of their
 * bytes), so that the lengths say everything. What is decoded is attacker-controlled.
 */

const EOS = 256;
/** The code's length in bits for each byte, and for EOS at the end. */
// biome-ignore format: sixteen a line can be compared with the RFC
const codeBits = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
);

const codes = new Uint32Array(EOS + 1);
const CODE_BITS_MAX = 30;
for (let bits = 1, code = 0; bits <= CODE_BITS_MAX; bits++, code *= 2) {
  for (let symbol = 0; symbol <= EOS; symbol++) if (codeBits[symbol] === bits) codes[symbol] = code++;
}

/**
 * The decoder is a machine that takes half a byte a step: `steps[state + half]` is the next state, whether a byte is complete
 * with this step, and which. Half a byte completes at most one, as the shortest code has five bits. States are the inner nodes
 * of the code's tree, multiplied by 16; the root is 0.
 */
const HALVES = 16;
const STATE_SHIFT = 9;
const COMPLETE = 0x100;
/** No code leads here except EOS, which is never sent (RFC 7541 §5.2), and nothing leads away. */
const FAILED_NODE = EOS;
const steps = new Int32Array((FAILED_NODE + 1) * HALVES);
/** RFC 7541 §5.2: what a text may end with are the first bits of EOS, all ones, and at most seven. */
const PADDING_BITS_MAX = 7;
const mayEnd = new Uint8Array(FAILED_NODE + 1);
/** Made for the first text: it takes milliseconds, which a start has no use for. */
let hasSteps = false;

function buildSteps(): void {
  hasSteps = true;
  const children = buildTree();
  for (let node = 0; node < FAILED_NODE; node++) {
    for (let half = 0; half < HALVES; half++) steps[node * HALVES + half] = toStep(children, node, half);
  }
  for (let half = 0; half < HALVES; half++) steps[FAILED_NODE * HALVES + half] = (FAILED_NODE * HALVES) << STATE_SHIFT;
  for (let bits = 0, node = 0; bits <= PADDING_BITS_MAX; bits++, node = children[node * 2 + 1]!) mayEnd[node] = 1;
}

/** For each inner node what follows a zero and a one: another inner node, or the complement of a symbol. */
function buildTree(): Int16Array {
  const children = new Int16Array(2 * EOS);
  let nodeCount = 1;
  for (let symbol = 0; symbol <= EOS; symbol++) {
    let node = 0;
    for (let bit = codeBits[symbol]! - 1; bit > 0; bit--) {
      const child = node * 2 + ((codes[symbol]! >>> bit) & 1);
      if (children[child] === 0) children[child] = nodeCount++;
      node = children[child]!;
    }
    children[node * 2 + (codes[symbol]! & 1)] = ~symbol;
  }
  return children;
}

function toStep(children: Int16Array, from: number, half: number): number {
  let node = from;
  let completed = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node * 2 + ((half >> bit) & 1)]!;
    if (~child === EOS) return (FAILED_NODE * HALVES) << STATE_SHIFT;
    if (child < 0) completed = COMPLETE | ~child;
    node = Math.max(child, 0);
  }
  return ((node * HALVES) << STATE_SHIFT) | completed;
}

/** Bytes that decoding writes at most: five bits for each, and one that is written before it is known to be complete. */
export function decodedBytesMax(encodedBytes: number): number {
  return Math.floor((encodedBytes * 8) / 5) + 1;
}

/** Decodes bytes[start..end) to the beginning of `into`, which has room for `decodedBytesMax`. Returns the length, or -1 for a fault. */
export function decodeHuffman(bytes: Buffer, start: number, end: number, into: Buffer): number {
  if (!hasSteps) buildSteps();
  let state = 0;
  let length = 0;
  for (let position = start; position < end; position++) {
    const byte = bytes[position]!;
    // What is not complete is written as well, and written over by what comes next: that is cheaper than a branch.
    const first = steps[state + (byte >> 4)]!;
    into[length] = first;
    length += (first >> 8) & 1;
    const second = steps[(first >> STATE_SHIFT) + (byte & 15)]!;
    into[length] = second;
    length += (second >> 8) & 1;
    state = second >> STATE_SHIFT;
  }
  return mayEnd[state >> 4] === 1 ? length : -1;
}

/** Bytes that the first `length` of these take in this code. */
export function huffmanBytesOf(bytes: Buffer, length: number): number {
  let bits = 0;
  for (let i = 0; i < length; i++) bits += codeBits[bytes[i]!]!;
  return Math.ceil(bits / 8);
}

/** Encodes the first `length` bytes. Returns where it ended. */
export function encodeHuffman(bytes: Buffer, length: number, into: Buffer, at: number): number {
  let position = at;
  let pending = 0;
  /** Fewer than 16, so that with a code of 16 bits they fit into 32. */
  let pendingBits = 0;
  for (let i = 0; i < length; i++) {
    let bits = codeBits[bytes[i]!]!;
    let code = codes[bytes[i]!]!;
    if (bits > 16) {
      // The first bits of a long code go out by themselves.
      bits -= 16;
      const two = (pending << 16) | (code >>> bits);
      into[position++] = (two >>> pendingBits) >>> 8;
      into[position++] = two >>> pendingBits;
      pending = two;
      code &= (1 << bits) - 1;
    }
    pending = (pending << bits) | code;
    pendingBits += bits;
    if (pendingBits >= 16) {
      pendingBits -= 16;
      into[position++] = (pending >>> pendingBits) >>> 8;
      into[position++] = pending >>> pendingBits;
    }
  }
  if (pendingBits >= 8) {
    pendingBits -= 8;
    into[position++] = pending >>> pendingBits;
  }
  // RFC 7541 §5.2: the last byte is filled with the first bits of EOS.
  if (pendingBits > 0) into[position++] = (pending << (8 - pendingBits)) | (0xff >> pendingBits);
  return position;
}
