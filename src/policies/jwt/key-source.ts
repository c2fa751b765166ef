import { fits, type VerificationKey } from './key-set.ts';

/** Where the keys of an issuer come from. */
export interface KeySource {
  /** Called whenever somebody comes by: keys that are no longer young are fetched anew, while they go on counting. */
  refreshIfOld(monotonicMs: number): void;
  /** The keys that may have signed something. */
  find(algorithm: string, kid: string | undefined): readonly VerificationKey[];
  /** Looks for further keys. `undefined`: not now, since there was a look a moment ago. Never rejects. */
  lookAgain(): Promise<void> | undefined;
  /** Nobody knows which keys there are: the last look has failed. */
  readonly isFailing: boolean;
  /** When it makes sense to come again. */
  readonly retryInMs: number;
}

/** Keys of a token without `kid` that are tried. */
const KEYS_TRIED_MAX = 4;

export function findKeys(keys: readonly VerificationKey[], algorithm: string, kid: string | undefined): VerificationKey[] {
  const fitting = keys.filter((key) => (kid === undefined || key.kid === kid) && fits(key, algorithm));
  return fitting.slice(0, KEYS_TRIED_MAX);
}

/** Keys that a configuration holds. */
export class KnownKeys implements KeySource {
  readonly isFailing = false;
  readonly retryInMs = 0;
  readonly #keys: readonly VerificationKey[];

  constructor(keys: readonly VerificationKey[]) {
    this.#keys = keys;
  }

  refreshIfOld(): void {
    // Another configuration brings other keys.
  }

  find(algorithm: string, kid: string | undefined): readonly VerificationKey[] {
    return findKeys(this.#keys, algorithm, kid);
  }

  lookAgain(): undefined {
    return undefined;
  }
}
