/** A Redis server as the store that gateways share: values, and counts of rate limits. */
import { hash } from 'node:crypto';
import type { AllowanceRule, RaisableAllowance, StoreAllowances } from '#base/allowances.ts';
import type { AnswerStore } from '#base/answer-store.ts';
import { type KeyValueStore, StoreFailed } from '#base/key-value-store.ts';
import { limits } from '#base/limits.ts';
import type { CommandPart } from '#wire/redis/command.ts';
import { type Reply, ReplyError } from '#wire/redis/reply-reader.ts';
import { AnswerNames } from './answer-names.ts';
import { LocalFirstAllowance } from './local-first-allowance.ts';
import { RedisAnswers } from './redis-answers.ts';
import { RedisConnection, type RedisConnectionMeans, type RedisConnectionSettings } from './redis-connection.ts';
import { RuleKeys } from './rule-keys.ts';
import { Settlement } from './settlement.ts';
import { StoreCalls } from './store-calls.ts';
import { StrictAllowance } from './strict-allowance.ts';

const KEY_LENGTH_MAX = 200;
const TTL_MS_MIN = 1;

export interface RedisStoreSettings extends RedisConnectionSettings {
  readonly prefix: string;
  readonly settleEveryMs: number;
}

export class RedisStore implements KeyValueStore, StoreAllowances {
  readonly #settings: RedisStoreSettings;
  readonly #means: RedisConnectionMeans;
  readonly #connection: RedisConnection;
  readonly #calls: StoreCalls;
  readonly #settlement: Settlement;

  constructor(settings: RedisStoreSettings, means: RedisConnectionMeans) {
    this.#settings = settings;
    this.#means = means;
    this.#connection = new RedisConnection(settings, means);
    this.#calls = new StoreCalls(this.#connection, { clock: means.clock, timeoutMs: settings.timeoutMs });
    this.#settlement = new Settlement({ everyMs: settings.settleEveryMs, later: means.later });
  }

  /** Resolves when the first connection is there, or has failed. */
  get firstAttempt(): Promise<void> {
    return this.#connection.firstAttempt;
  }

  get isReady(): boolean {
    return this.#connection.isReady;
  }

  async get(key: string): Promise<Buffer | undefined> {
    const reply = await this.#ask(['GET', this.#toStoreKey(key)]);
    if (reply === null) return undefined;
    if (!Buffer.isBuffer(reply)) throw new StoreFailed('the store has answered something else');
    return reply;
  }

  async set(key: string, value: Buffer | string, ttlMs: number): Promise<void> {
    await this.#ask(this.#toSet(key, value, ttlMs));
  }

  async add(key: string, value: Buffer | string, ttlMs: number): Promise<boolean> {
    return (await this.#ask([...this.#toSet(key, value, ttlMs), 'NX'])) !== null;
  }

  async delete(key: string): Promise<void> {
    await this.#ask(['DEL', this.#toStoreKey(key)]);
  }

  open(name: string, rules: readonly AllowanceRule[]): StrictAllowance {
    return new StrictAllowance(this.#toRuleKeys(`strict ${name}`, rules), this.#calls);
  }

  openLocalFirst(name: string, rules: readonly AllowanceRule[], local: RaisableAllowance): LocalFirstAllowance {
    const means = { local, calls: this.#calls, settlement: this.#settlement, clock: this.#means.clock };
    return new LocalFirstAllowance(this.#toRuleKeys(`local-first ${name}`, rules), means);
  }

  /** `near`: memory of the process. */
  openAnswers(near: AnswerStore, nearMs: number): RedisAnswers {
    const { clock, later } = this.#means;
    return new RedisAnswers({ calls: this.#calls, names: new AnswerNames(this.#settings.prefix), near, nearMs, clock, later });
  }

  /** Ends when what was asked is answered, or has waited for too long. */
  close(): void {
    this.#settlement.close();
    this.#connection.close();
  }

  #toSet(key: string, value: Buffer | string, ttlMs: number): readonly CommandPart[] {
    if (Buffer.byteLength(value) > limits.storeValueBytesMax) throw new StoreFailed('the value is too long for the store');
    return ['SET', this.#toStoreKey(key), value, 'PX', String(Math.max(TTL_MS_MIN, Math.ceil(ttlMs)))];
  }

  #toRuleKeys(name: string, rules: readonly AllowanceRule[]): RuleKeys {
    return new RuleKeys({ prefix: this.#settings.prefix, name, rules });
  }

  #toStoreKey(key: string): string {
    return `${this.#settings.prefix}value:${key.length > KEY_LENGTH_MAX ? hash('sha256', key) : key}`;
  }

  #ask(command: readonly CommandPart[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const onReply = (reply: Reply | undefined) => {
        if (reply === undefined) return reject(new StoreFailed('the store did not answer in time'));
        if (!(reply instanceof ReplyError)) return resolve(reply);
        this.#connection.tellRefusal(reply);
        reject(new StoreFailed('the store has refused'));
      };
      if (!this.#connection.send(command, onReply)) reject(new StoreFailed('the store is away'));
    });
  }
}
