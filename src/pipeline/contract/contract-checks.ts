/** A contract as one place of use checks messages by it. What it has compiled is kept for as long as the contract is the same. */
import type { Clock } from '#base/clock.ts';
import type { Keeper } from '#base/keeper.ts';
import { AnswerCheck } from './answer-check.ts';
import type { OperationEntry } from './contract.ts';
import { ContractImage } from './contract-image.ts';
import { keepCurrent } from './keep-current.ts';
import { type OperationLookup, OperationTable } from './operation-table.ts';
import { RequestCheck } from './request-check.ts';
import { SchemaSet } from './schema-set.ts';

export interface ContractUse {
  readonly basePath: string | undefined;
  readonly closesQuery: boolean;
  /** Objects of requests may have no properties but those that are declared. */
  readonly closesRequests: boolean;
  readonly closesAnswers: boolean;
  readonly depthMax: number;
  /** Forms that may hold files are looked into. */
  readonly readsMultipart: boolean;
  /** Answers are looked at too. */
  readonly checksAnswers: boolean;
}

export interface ContractMeans {
  readonly clock: Clock;
  readonly keeper: Keeper;
  readonly later: (delayMs: number, run: () => void) => () => void;
  /** Images by `toContractKey`. */
  readonly contracts: Readonly<Record<string, ArrayBufferLike>>;
}

export class ContractChecks {
  readonly #image: ContractImage;
  readonly #use: ContractUse;
  readonly #table: OperationTable;
  readonly #requestSchemas: SchemaSet;
  readonly #answerSchemas: SchemaSet;
  readonly #requests = new Map<OperationEntry, readonly [RequestCheck]>();
  readonly #answers = new Map<OperationEntry, AnswerCheck>();

  private constructor(image: ContractImage, use: ContractUse, clock: Clock) {
    this.#image = image;
    this.#use = use;
    this.#table = new OperationTable(image.index, use.basePath);
    this.#requestSchemas = new SchemaSet(image, { direction: 'request', isClosed: use.closesRequests }, clock);
    this.#answerSchemas = new SchemaSet(image, { direction: 'answer', isClosed: use.closesAnswers }, clock);
  }

  /** Those that there are already, or new ones, which begin to compile themselves while nothing else is to be done. */
  static keep(key: string, use: ContractUse, { clock, keeper, later, contracts }: ContractMeans): ContractChecks {
    const image = new ContractImage(contracts[key]!);
    return keepCurrent(keeper, `contract ${JSON.stringify([key, use])}`, image.index.digest, () => {
      const checks = new ContractChecks(image, use, clock);
      later(0, () => checks.#compileAhead(checks.#prepareAll()));
      return checks;
    });
  }

  find(method: string, path: string): OperationLookup {
    return this.#table.find(method, path);
  }

  /** A list of one, as for whoever has several. */
  requestChecksOf(entry: OperationEntry): readonly [RequestCheck] {
    const known = this.#requests.get(entry);
    if (known !== undefined) return known;
    const checks = [new RequestCheck(this.#image.read(entry.requestLine), this.#requestSchemas, this.#use)] as const;
    this.#requests.set(entry, checks);
    return checks;
  }

  answerCheckOf(entry: OperationEntry): AnswerCheck {
    const known = this.#answers.get(entry);
    if (known !== undefined) return known;
    const check = new AnswerCheck(this.#image.read(entry.answersLine), this.#answerSchemas, this.#use.depthMax);
    this.#answers.set(entry, check);
    return check;
  }

  /** One schema in each turn of the thread. */
  #compileAhead(steps: Generator<undefined, void, void>): void {
    if (!steps.next().done) setImmediate(() => this.#compileAhead(steps));
  }

  *#prepareAll(): Generator<undefined, void, void> {
    for (const { operations } of this.#image.index.paths) {
      for (const entry of Object.values(operations)) {
        yield* this.requestChecksOf(entry)[0].prepareInSteps();
        if (this.#use.checksAnswers) yield* this.answerCheckOf(entry).prepareInSteps();
      }
    }
  }
}
