/**
 * What the rules of one place are called in the store. The key of a client goes into a hash: what clients send may be long,
 * and may be a secret. The part in braces is the same for all rules, so that a cluster keeps them in one place.
 */
import { hash } from 'node:crypto';
import type { AllowanceRule } from '#base/allowances.ts';
import { Gcra } from '../gcra.ts';

const US_PER_MS = 1_000;

export interface RuleKeysOptions {
  readonly prefix: string;
  /** All that tells these counts from others, but the rules. */
  readonly name: string;
  readonly rules: readonly AllowanceRule[];
}

export class RuleKeys {
  readonly gcras: readonly Gcra[];
  /** What scripts are told of the rules. */
  readonly ruleArguments: readonly string[];
  readonly #prefix: string;
  readonly #name: string;
  readonly #endings: readonly string[];

  constructor({ prefix, name, rules }: RuleKeysOptions) {
    this.#prefix = `${prefix}rate:{`;
    this.#endings = rules.map(({ limit, windowMs, burst }) => `}:${limit}:${windowMs}:${burst}`);
    this.#name = `${name}${this.#endings.join('')}\n`;
    this.gcras = rules.map((rule) => new Gcra(rule, { mayOwe: true }));
    this.ruleArguments = this.gcras.flatMap(({ increment, capacity, tickMs }) => [
      String(increment),
      String(capacity),
      String(tickMs * US_PER_MS),
    ]);
  }

  /** Stands for a key of a client at this place: always as long. */
  toId(key: string): string {
    return hash('sha256', this.#name + key, 'base64url');
  }

  toStoreKeys(id: string): string[] {
    return this.#endings.map((ending) => this.#prefix + id + ending);
  }
}
