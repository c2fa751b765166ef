/**
 * The keys of an issuer, fetched from where it has them. One for each thread and issuer, kept over reloads. What the issuer
 * answers is bounded in time, bytes and keys; what clients send leads to one download in a while, however much it is.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { CallHttp, HttpCallAnswer } from '#net/http-call.ts';
import { fetchIssuerDocument, readTrustedUrl } from '#net/issuer-document.ts';
import { readKeySet, type VerificationKey } from './key-set.ts';
import { findKeys, type KeySource } from './key-source.ts';

const CALL_TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 256 * 1024;
/** Between two looks: how long a key that is new may be unknown, and how often whoever invents keys makes us ask. */
const COOL_DOWN_MS = 30_000;
/** The same while there are no keys at all: the issuer may have been started together with the gateway. */
const FIRST_COOL_DOWN_MS = 1_000;
/** How old keys become, where the issuer does not say it. */
const AGE_MS = 600_000;
const AGE_MS_MIN = 60_000;
/** A key that was taken back counts for that long at most, while the issuer can be asked. */
const AGE_MS_MAX = 3_600_000;
/** Of their age, after which they are fetched again. */
const REFRESHED_AT = 0.8;

export interface IssuerLocation {
  /** Where the keys are. Without it, the issuer is asked for that too. */
  readonly jwks?: string | undefined;
  /** The issuer, as it calls itself. */
  readonly issuer: string;
  /** Certificates in PEM form. */
  readonly ca?: string | undefined;
}

interface Means {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly callHttp: CallHttp;
}

/** Why the keys of an issuer are not there; the message is for logs. */
class KeysFailed extends Error {
  override readonly name = 'KeysFailed';
}

export class IssuerKeys implements KeySource {
  isFailing = false;
  readonly #location: IssuerLocation;
  readonly #means: Means;
  #keys: readonly VerificationKey[] = [];
  #refreshAtMs = Number.NEGATIVE_INFINITY;
  #pending: Promise<void> | undefined;
  #nextLookMs = Number.NEGATIVE_INFINITY;

  constructor(location: IssuerLocation, means: Means) {
    this.#location = location;
    this.#means = means;
  }

  get retryInMs(): number {
    return Math.max(0, this.#nextLookMs - this.#means.clock.monotonicMs());
  }

  find(algorithm: string, kid: string | undefined): readonly VerificationKey[] {
    return findKeys(this.#keys, algorithm, kid);
  }

  refreshIfOld(monotonicMs: number): void {
    if (monotonicMs >= this.#refreshAtMs) void this.lookAgain();
  }

  lookAgain(): Promise<void> | undefined {
    if (this.#pending === undefined && this.#means.clock.monotonicMs() >= this.#nextLookMs) this.#pending = this.#look();
    return this.#pending;
  }

  async #look(): Promise<void> {
    const { clock, logger } = this.#means;
    let ageMs = COOL_DOWN_MS;
    try {
      const { keys, maxAgeMs } = await this.#fetch();
      this.#adopt(keys);
      ageMs = maxAgeMs * REFRESHED_AT;
      this.isFailing = false;
    } catch (error) {
      // Whatever it was, the keys that are there go on counting: an issuer that is down must not lock everybody out.
      this.isFailing = true;
      const { issuer } = this.#location;
      const reason = error instanceof Error ? error.message : String(error);
      logger.log('warn', 'keys of an issuer cannot be fetched', { issuer, reason, keys: this.#keys.length });
    }
    const nowMs = clock.monotonicMs();
    this.#refreshAtMs = nowMs + ageMs;
    this.#nextLookMs = nowMs + (this.#keys.length === 0 ? FIRST_COOL_DOWN_MS : COOL_DOWN_MS);
    this.#pending = undefined;
  }

  /** A key that stays remains the same object, and what it has signed goes on counting. */
  #adopt(keys: readonly VerificationKey[]): void {
    const present = new Map(this.#keys.map((key) => [key.identity, key]));
    this.#keys = keys.map((key) => present.get(key.identity) ?? key);
    const kept = new Set(this.#keys);
    for (const key of present.values()) if (!kept.has(key)) key.isWithdrawn = true;
  }

  async #fetch(): Promise<{ keys: readonly VerificationKey[]; maxAgeMs: number }> {
    const url = this.#location.jwks ?? (await this.#discover());
    const answer = await this.#ask(url);
    if (answer.status !== 200) throw new KeysFailed(`${url} answers with ${answer.status}`);
    const keys = readKeySet(answer.text);
    if (typeof keys === 'string') throw new KeysFailed(`${url} has no key set: ${keys}`);
    if (keys.length === 0) throw new KeysFailed(`${url} has no key that signatures could be checked with`);
    return { keys, maxAgeMs: readAgeMs(answer) };
  }

  async #discover(): Promise<string> {
    const { issuer } = this.#location;
    const document = await fetchIssuerDocument(issuer, (url) => this.#ask(url));
    if (typeof document === 'string') throw new KeysFailed(document);
    const jwks = readTrustedUrl(document, 'jwks_uri');
    if (jwks === undefined) throw new KeysFailed(`the document of ${issuer} names no place for keys that could be trusted`);
    return jwks;
  }

  #ask(url: string): Promise<HttpCallAnswer> {
    return this.#means.callHttp({
      url,
      headers: { accept: 'application/json' },
      timeoutMs: CALL_TIMEOUT_MS,
      bytesMax: ANSWER_BYTES_MAX,
      ca: this.#location.ca,
    });
  }
}

/** RFC 9111 §5.2.2.1, within bounds of our own. */
function readAgeMs({ headers }: HttpCallAnswer): number {
  const seconds = /(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])/i.exec(headers['cache-control'] ?? '')?.[1];
  return seconds === undefined ? AGE_MS : Math.min(AGE_MS_MAX, Math.max(AGE_MS_MIN, Number(seconds) * 1_000));
}
