/** The consumers of a configuration, by what they identify themselves with. */
import { type AddressSet, compileAddressSet } from '#base/address-set.ts';
import { isPasswordHash } from '#base/password-hash.ts';
import type { Secret } from '#base/secret.ts';
import { type Consumer, toPlainConsumer } from '#http/consumer.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ClientCertificate } from '#net/client-certificate.ts';
import { CertificateDirectory, type CertificateIdentity } from './certificate-directory.ts';

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
  /** A PHC string, or the password itself. */
  readonly password?: Secret | undefined;
  readonly certificates?: readonly CertificateIdentity[];
  readonly hmacKeys?: readonly HmacKey[];
  /** Addresses and ranges from which its credentials count. */
  readonly addresses?: readonly string[] | undefined;
}

/** A secret that a consumer signs with. */
export interface HmacKey {
  readonly id: string;
  readonly secret: Secret;
  /** Whether the secret is written in base64. */
  readonly encoding: 'text' | 'base64';
}

interface FoundHmacKey {
  readonly secretBytes: Buffer;
  readonly consumer: Consumer;
}

export interface FoundKey extends HashedKey {
  readonly consumer: Consumer;
}

export class ConsumerDirectory {
  readonly #consumers = new Map<string, Consumer>();
  readonly #keyByHash = new Map<string, FoundKey>();
  /** By the key itself, once it has been shown: hashing costs more than all else. Holds known keys only, so it stays small. */
  readonly #keyByText = new Map<string, FoundKey>();

  readonly #certificates = new CertificateDirectory();
  readonly #hmacKeys = new Map<string, FoundHmacKey>();
  readonly #passwords = new Map<string, Secret>();
  readonly #consumerBySubject = new Map<string, Consumer>();
  /** Of those that may not come from everywhere. */
  readonly #addresses = new Map<string, AddressSet>();

  /** One of those that are hashed, for whoever wants to know what looking at one costs. */
  readonly usualPassword: Secret | undefined = undefined;

  constructor(settings: ConsumerSettings) {
    for (const [name, one] of Object.entries(settings)) {
      const { groups, keys, subjects = [], password, certificates = [], hmacKeys = [], addresses } = one;
      const consumer = toPlainConsumer(name, groups);
      this.#consumers.set(name, consumer);
      for (const key of keys) this.#keyByHash.set(key.sha256, { ...key, consumer });
      if (addresses !== undefined) this.#addresses.set(name, compileAddressSet(addresses));
      for (const subject of subjects) this.#consumerBySubject.set(subject, consumer);
      for (const certificate of certificates) this.#certificates.add(certificate, consumer);
      for (const { id, secret, encoding } of hmacKeys) {
        const secretBytes = Buffer.from(secret.reveal(), encoding === 'base64' ? 'base64' : 'utf8');
        this.#hmacKeys.set(id, { secretBytes, consumer });
      }
      if (password === undefined) continue;
      this.#passwords.set(name, password);
      if (this.usualPassword === undefined && isPasswordHash(password.reveal())) this.usualPassword = password;
    }
  }

  find(name: string): Consumer | undefined {
    return this.#consumers.get(name);
  }

  /** Notes whom a credential has shown, which every policy does here. False: the consumer may not come from there. */
  admit(exchange: Exchange, consumer: Consumer): boolean {
    if (!this.mayComeFrom(consumer, exchange.request.clientAddress)) return false;
    exchange.consumer = consumer;
    return true;
  }

  /** Whether credentials of this consumer count from this address. One that the configuration does not know may come from everywhere. */
  mayComeFrom({ name }: Consumer, clientAddress: string): boolean {
    return this.#addresses.size === 0 || this.#addresses.get(name)?.has(clientAddress) !== false;
  }

  /** Whom the configuration has for this `SUBJECT@ISSUER`. */
  findSubject(subject: string): Consumer | undefined {
    return this.#consumerBySubject.get(subject);
  }

  /** The consumer, or why there is none. Verified certificates only. */
  findByCertificate(certificate: ClientCertificate): ReturnType<CertificateDirectory['find']> {
    return this.#certificates.find(certificate);
  }

  findHmacKey(id: string): FoundHmacKey | undefined {
    return this.#hmacKeys.get(id);
  }

  passwordOf(name: string): Secret | undefined {
    return this.#passwords.get(name);
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
