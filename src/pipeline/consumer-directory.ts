/** The consumers of a configuration, by what they identify themselves with. */
import { type AddressSet, compileAddressSet } from '#base/address-set.ts';
import { type Consumer, toPlainConsumer } from '#http/consumer.ts';

/** A key without its text. */
export interface HashedKey {
  readonly sha256: string;
  readonly shown: string;
  readonly expiresMs?: number | undefined;
}

/** What a configuration says of consumers. */
export type ConsumerSettings = Readonly<Record<string, OneConsumer>>;

interface OneConsumer {
  readonly groups: readonly string[];
  readonly keys: readonly HashedKey[];
  /** `SUBJECT@ISSUER` of tokens. */
  readonly subjects?: readonly string[];
  /** Addresses and ranges from which its credentials count. */
  readonly addresses?: readonly string[] | undefined;
}

export interface FoundKey extends HashedKey {
  readonly consumer: Consumer;
}

export class ConsumerDirectory {
  readonly #consumers = new Map<string, Consumer>();
  readonly #keyByHash = new Map<string, FoundKey>();
  /** By the key itself, once it has been shown: hashing costs more than all else. Holds known keys only, so it stays small. */
  readonly #keyByText = new Map<string, FoundKey>();

  readonly #consumerBySubject = new Map<string, Consumer>();
  /** Of those that may not come from everywhere. */
  readonly #addresses = new Map<string, AddressSet>();

  constructor(settings: ConsumerSettings) {
    for (const [name, { groups, keys, subjects = [], addresses }] of Object.entries(settings)) {
      const consumer = toPlainConsumer(name, groups);
      this.#consumers.set(name, consumer);
      for (const key of keys) this.#keyByHash.set(key.sha256, { ...key, consumer });
      if (addresses !== undefined) this.#addresses.set(name, compileAddressSet(addresses));
      for (const subject of subjects) this.#consumerBySubject.set(subject, consumer);
    }
  }

  find(name: string): Consumer | undefined {
    return this.#consumers.get(name);
  }

  /** Whether credentials of this consumer count from this address. One that the configuration does not know may come from everywhere. */
  mayComeFrom({ name }: Consumer, clientAddress: string): boolean {
    return this.#addresses.size === 0 || this.#addresses.get(name)?.has(clientAddress) !== false;
  }

  /** Whom the configuration has for this `SUBJECT@ISSUER`. */
  findSubject(subject: string): Consumer | undefined {
    return this.#consumerBySubject.get(subject);
  }

  /**
   * Whose key this is, whether it has expired or not. Both maps are asked by a hash (that of texts has a seed of V8's), so how
   * long it takes tells nothing of how much of a key was guessed.
   */
  findKey(text: string): FoundKey | undefined {
    const known = this.#keyByText.get(text);
    if (known !== undefined || this.#keyByHash.size === 0) return known;
    const found = this.#keyByHash.get(process.getBuiltinModule('node:crypto').hash('sha256', text));
    if (found !== undefined) this.#keyByText.set(text, found);
    return found;
  }
}
