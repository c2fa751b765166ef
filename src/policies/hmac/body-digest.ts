/**
 * Compares a body with its `Content-Digest` (RFC 9530) while it streams. The last piece is let pass only when the whole is
 * right: a service may have seen the beginning of another body, and never a whole one.
 */
import type { Hash } from 'node:crypto';
import { isInnerList, parseDictionary } from '#wire/fields/structured-fields.ts';

/** RFC 9530 §5: the others are not safe against people. */
const ALGORITHMS = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
]);
const TEXT_LENGTH_MAX = 1_024;

interface ExpectedDigest {
  readonly hash: Hash;
  readonly bytes: Buffer;
}

export class BodyDigest {
  readonly #digests: readonly ExpectedDigest[];
  #leftBytes: number;

  private constructor(digests: readonly ExpectedDigest[], bodyBytes: number) {
    this.#digests = digests;
    this.#leftBytes = bodyBytes;
  }

  /** `undefined`: the field names no digest that can be looked at. */
  static parse(text: string, bodyBytes: number): BodyDigest | undefined {
    const members = text.length > TEXT_LENGTH_MAX ? undefined : parseDictionary(text);
    if (members === undefined) return undefined;
    const digests: ExpectedDigest[] = [];
    for (const [name, member] of members) {
      const algorithm = ALGORITHMS.get(name);
      if (algorithm === undefined) continue;
      if (isInnerList(member) || member.value.kind !== 'bytes') return undefined;
      digests.push({ hash: process.getBuiltinModule('node:crypto').createHash(algorithm), bytes: member.value.value });
    }
    return digests.length === 0 ? undefined : new BodyDigest(digests, bodyBytes);
  }

  /** Whether all is well so far. */
  add(piece: Buffer): boolean {
    for (const { hash } of this.#digests) hash.update(piece);
    this.#leftBytes -= piece.length;
    return this.#leftBytes > 0 || this.isRight();
  }

  /** Whether the body is whole and the one that was meant. */
  isRight(): boolean {
    if (this.#leftBytes !== 0) return false;
    const { timingSafeEqual } = process.getBuiltinModule('node:crypto');
    return this.#digests.every(({ hash, bytes }) => {
      const digest = hash.digest();
      return digest.length === bytes.length && timingSafeEqual(digest, bytes);
    });
  }
}
