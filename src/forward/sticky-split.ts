/**
 * Gives requests that belong together to the same service of a split: by a cookie, a field, a claim of the token, the address
 * of the client or who asks. The
 * choice follows from the configuration and the request alone, so it is the same in every thread, after a reload, and in other
 * gateways with the same split.
 */
import { hashText, mixHash } from '#base/text-hash.ts';
import { readClaimText } from '#http/claims.ts';
import type { Consumer } from '#http/consumer.ts';
import { readCookie } from '#routing/value-test.ts';
import type { Weighted } from '#services/balancing/weighted-rotation.ts';
import { getField } from '#wire/fields/field-list.ts';

/** What requests have in common that belong together. */
export type StickyKey =
  | { readonly kind: 'cookie' | 'header'; readonly name: string }
  /** A claim of the token, once a policy has looked at it. */
  | { readonly kind: 'claim'; readonly name: string }
  /** The address of the client, as far back as trusted proxies tell. */
  | { readonly kind: 'ip' }
  /** Who asks, once a policy has found it out. */
  | { readonly kind: 'consumer' };

/** As much of a request as a choice looks at. */
export interface SplitSubject {
  readonly fields: readonly string[];
  readonly clientAddress: string;
}

/** A share of a split; its name decides together with the key, so the order of the list does not matter. */
export interface NamedShare extends Weighted {
  readonly name: string;
}

interface Seat<Share> {
  readonly share: Share;
  readonly weight: number;
  readonly nameHash: number;
}

/** How many different hashes there are. */
const HASHES = 2 ** 32;

/**
 * Rendezvous by weights: every share draws a number for the key, larger ones the more weight they have, and the largest wins.
 * When a weight grows, keys move to its share and to no other; when it shrinks, they leave it alone. Ranges of one hash would
 * need no draw for each share, but there a change of one weight moves the borders of all that come behind it.
 */
export class StickySplit<Share extends NamedShare> {
  readonly #key: StickyKey;
  readonly #seats: readonly Seat<Share>[];

  /** Needs at least one share with a weight above 0. */
  constructor(key: StickyKey, shares: readonly Share[]) {
    this.#key = key;
    const seats = new Map<string, Seat<Share>>();
    for (const share of shares) {
      const { name, weight } = share;
      // A name that is there twice draws once, for both.
      if (weight > 0) seats.set(name, { share, weight: weight + (seats.get(name)?.weight ?? 0), nameHash: hashText(name) });
    }
    this.#seats = [...seats.values()];
  }

  /** What the request is told by; `undefined` where it does not say it. */
  keyOf({ fields, clientAddress }: SplitSubject, consumer: Consumer | undefined): string | undefined {
    const key = this.#key;
    if (key.kind === 'ip') return clientAddress;
    if (key.kind === 'consumer') return consumer?.name;
    if (key.kind === 'claim') return readClaimText(consumer?.claims, key.name) || undefined;
    const value = key.kind === 'header' ? getField(fields, key.name) : readCookie(fields, key.name);
    return value === '' ? undefined : value;
  }

  shareFor(key: string): Share {
    const keyHash = hashText(key);
    const seats = this.#seats;
    let best = seats[0]!;
    let bestDraw = Number.NEGATIVE_INFINITY;
    for (const seat of seats) {
      // The logarithm of an even draw, by the weight, is largest for a share as often as its weight says.
      const draw = Math.log((mixHash(keyHash ^ seat.nameHash) + 0.5) / HASHES) / seat.weight;
      if (draw <= bestDraw) continue;
      best = seat;
      bestDraw = draw;
    }
    return best.share;
  }
}
