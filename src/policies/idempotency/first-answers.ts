/** Finds out for each request with a key whether it is the first, and what becomes of the others. */
import { GatewayError } from '#base/errors.ts';
import { type KeyValueStore, StoreFailed } from '#base/key-value-store.ts';
import { limits } from '#base/limits.ts';
import type { Exchange } from '#http/exchange.ts';
import { readRequestBody } from '#http/request-body.ts';
import { LimitKeyReader } from '#pipeline/limit-key.ts';
import type { PhaseResult, PolicyServices } from '#pipeline/policy.ts';
import { CarriedCount, CarriedExchange } from './carried-exchange.ts';
import type { IdempotencyConfig } from './config.ts';
import { idempotencyErrors } from './errors.ts';
import { KeptAnswer } from './kept-answer.ts';
import { decodeRecord, encodeRecord, type KeptRecord, toReplay } from './kept-record.ts';
import { CLAIM_MS, KeyClaim } from './key-claim.ts';
import { toFingerprint, toStoreKey } from './request-key.ts';

/** A record can end between two questions; who finds that this often is not alone in it. */
const ATTEMPTS_MAX = 5;
/** How soon it is looked whether the answer is there, where another thread or gateway waits for it. */
const FIRST_LOOK_MS = 50;
const LAST_LOOK_MS = 500;
/** When it makes sense for a client to ask again. */
const RETRY_AFTER_MS = 1_000;

/** Where a service may find who asks. Behind one address there can be many people, whom cookies may be all that tells apart. */
const CREDENTIALS = ['authorization', 'cookie'] as const;
/** Where settings say whose a key is, cookies may change: the one that counts may be named there. */
const TOKENS = ['authorization'] as const;

/** A request with a key, and what the store calls it. */
interface KeyedRequest {
  readonly exchange: Exchange;
  readonly body: Buffer;
  readonly name: string;
  readonly fingerprint: string;
}

type Claiming = KeyClaim | Exclude<PhaseResult, undefined> | 'running';

export class FirstAnswers {
  readonly #config: IdempotencyConfig;
  readonly #services: PolicyServices;
  readonly #whose: LimitKeyReader;
  readonly #credentials: readonly string[];
  readonly #whoseAddress = new LimitKeyReader([{ kind: 'ip' }]);
  readonly #count: CarriedCount;
  /** Who waits for a request of this thread, by its name in the store. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #waitingCount = 0;

  constructor(config: IdempotencyConfig, services: PolicyServices) {
    this.#config = config;
    this.#services = services;
    this.#whose = new LimitKeyReader(config.by ?? [{ kind: 'consumer' }]);
    this.#credentials = config.by === undefined ? CREDENTIALS : TOKENS;
    this.#count = services.keeper.keep('requests carried without their clients', () => new CarriedCount());
  }

  async answer(exchange: Exchange, key: string): Promise<PhaseResult> {
    const body = await readRequestBody(exchange, this.#config.maxRequest);
    if (body instanceof GatewayError) return body;
    const route = exchange.plan?.routeName ?? '';
    const name = toStoreKey(route, this.#findWhose(exchange), key);
    const request = { exchange, body, name, fingerprint: toFingerprint(exchange, body, this.#credentials) };
    try {
      return await this.#answer(request, await this.#openStore());
    } catch (error) {
      if (!(error instanceof StoreFailed)) throw error;
      if (this.#config.onFailure === 'allow') return undefined;
      return idempotencyErrors.storeUnavailable({ reason: error.message }, { retryAfterMs: RETRY_AFTER_MS });
    }
  }

  async #answer(request: KeyedRequest, store: KeyValueStore): Promise<PhaseResult> {
    const { clock } = this.#services;
    const giveUpAtMs = clock.monotonicMs() + this.#config.wait;
    for (let lookMs = FIRST_LOOK_MS; !request.exchange.isFinished; lookMs = Math.min(2 * lookMs, LAST_LOOK_MS)) {
      const claiming = await this.#claim(request, store);
      if (claiming instanceof KeyClaim) return this.#carry(request, claiming);
      if (claiming !== 'running') return claiming;
      const leftMs = giveUpAtMs - clock.monotonicMs();
      if (leftMs <= 0 || this.#waitingCount >= limits.idempotentWaitingMax) break;
      await this.#waitForAnswer(request, Math.min(lookMs, leftMs));
    }
    return idempotencyErrors.inProgress(undefined, { retryAfterMs: RETRY_AFTER_MS });
  }

  async #claim({ name, fingerprint }: KeyedRequest, store: KeyValueStore): Promise<Claiming> {
    const running = { kind: 'running', fingerprint } as const;
    for (let i = 0; i < ATTEMPTS_MAX; i++) {
      if (await store.add(name, encodeRecord(running), CLAIM_MS))
        return new KeyClaim({ store, name, running }, this.#services, () => this.#tellWaiting(name));
      const bytes = await store.get(name);
      const record = bytes && decodeRecord(bytes);
      if (record !== undefined) return toOutcome(record, fingerprint);
      // It is no record of ours, and would stay in the way for as long as it is kept.
      if (bytes !== undefined) await store.delete(name);
    }
    return 'running';
  }

  /** Resolves when the exchange is over: the answer is given by then, or nobody waits for it. */
  #carry({ exchange, body }: KeyedRequest, claim: KeyClaim): Promise<PhaseResult> {
    const { maxAnswer, keepErrors, ttl } = this.#config;
    const isOver = new Promise<undefined>((resolve) => exchange.attach({ release: () => resolve(undefined) }));
    if (exchange.isFinished) return claim.end(undefined, ttl).then(() => undefined);
    const kept = new KeptAnswer({ bytesMax: maxAnswer, keepsErrors: keepErrors });
    const means = { clock: this.#services.clock, count: this.#count, claim, kept, ttlMs: ttl };
    new CarriedExchange(exchange, body, means).start();
    return isOver;
  }

  #findWhose(exchange: Exchange): string {
    const { by } = this.#config;
    if (by !== undefined) return `by ${this.#whose.read(exchange)}`;
    return exchange.consumer === undefined
      ? `address ${this.#whoseAddress.read(exchange)}`
      : `consumer ${this.#whose.read(exchange)}`;
  }

  async #openStore(): Promise<KeyValueStore> {
    const { sharedStore, openMemoryStore } = this.#services;
    if (this.#config.store === 'memory') return openMemoryStore();
    if (sharedStore === undefined) throw new StoreFailed('the configuration has no shared store');
    return sharedStore;
  }

  /** Until it is time to look again, the request of this thread has its answer, or the client goes. */
  #waitForAnswer({ exchange, name }: KeyedRequest, lookMs: number): Promise<void> {
    return new Promise((resolve) => {
      const others = this.#waiting.get(name) ?? new Set();
      this.#waiting.set(name, others);
      this.#waitingCount += 1;
      const end = () => {
        callOff();
        exchange.detach(hold);
        this.#waitingCount -= 1;
        others.delete(end);
        if (others.size === 0) this.#waiting.delete(name);
        resolve();
      };
      const callOff = this.#services.later(lookMs, end);
      const hold = { release: end };
      others.add(end);
      exchange.attach(hold);
    });
  }

  #tellWaiting(name: string): void {
    for (const end of [...(this.#waiting.get(name) ?? [])]) end();
  }
}

function toOutcome(record: KeptRecord, fingerprint: string): Exclude<Claiming, KeyClaim> {
  if (record.fingerprint !== fingerprint) return idempotencyErrors.otherRequest();
  switch (record.kind) {
    case 'running':
      return 'running';
    case 'gone':
      return idempotencyErrors.notKept();
    case 'answer':
      return toReplay(record);
    default:
      return record satisfies never;
  }
}
