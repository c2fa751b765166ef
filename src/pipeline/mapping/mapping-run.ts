/** One run of a mapping: what it may still do, and what went wrong. */
import { limits } from '#base/limits.ts';
import type { Exchange } from '#http/exchange.ts';
import type { StepCount } from '#wire/json/json-value.ts';
import type { MappingValue } from './mapping-value.ts';

/** What references stand for. Those of the request are read by the mapping itself. */
export interface MappingScope {
  readonly exchange: Exchange;
  /** The JSON value that a root such as `['answer', 'body']` stands for; `undefined` where there is none. */
  readJson(root: readonly string[]): MappingValue | undefined;
  /** The one value that a root such as `['answer', 'status']` stands for; a number is one in JSON too. */
  readText(root: readonly string[]): string | number | undefined;
}

export interface MappingProblem {
  readonly problem: /** What a reference with `!` names is not there. */
    | 'missing'
    /** A value is of another kind than an operator needs. */
    | 'wrong-kind'
    | 'too-many-items'
    | 'too-large';
  /** The reference or the operator. */
  readonly at: string;
}

export class MappingRun implements StepCount {
  readonly scope: MappingScope;
  /** The items that each `$each` is at, from the outside in. */
  readonly items: MappingValue[] = [];
  problem: MappingProblem | undefined = undefined;
  /** Members and items passed by on the way to others, and characters that were only looked at: a loop may ask for the same again and again. */
  steps = 0;
  #itemsLeft: number = limits.mappingItemsMax;
  #textLeft: number;

  constructor(scope: MappingScope, bytesMax: number) {
    this.scope = scope;
    this.#textLeft = bytesMax;
  }

  /** Goes on as if nothing were there: the first problem is what counts. */
  fail(problem: MappingProblem['problem'], at: string): undefined {
    this.problem ??= { problem, at };
    return undefined;
  }

  /** Whether so many items or members may still be looked at. */
  spendItems(count: number, at: string): boolean {
    this.#itemsLeft -= count;
    if (this.#itemsLeft < 0) this.fail('too-many-items', at);
    return this.problem === undefined;
  }

  /** The same for steps, those that were counted meanwhile included. */
  spendSteps(count: number, at: string): boolean {
    this.steps += count;
    if (this.steps > limits.mappingStepsMax) this.fail('too-many-items', at);
    return this.problem === undefined;
  }

  /** The same for text that is made. */
  spendText(length: number, at: string): boolean {
    this.#textLeft -= length;
    if (this.#textLeft < 0) this.fail('too-large', at);
    return this.problem === undefined;
  }
}
