/** A call that is made once for each item of a list: so many at a time, and only so many. */
import type { Exchange } from '#http/exchange.ts';
import { toLiteral } from '#pipeline/mapping/mapping.ts';
import type { MappingScope } from '#pipeline/mapping/mapping-run.ts';
import { MadeList, type MappingValue } from '#pipeline/mapping/mapping-value.ts';
import type { AggregateContext } from './aggregate-context.ts';
import { aggregateErrors } from './aggregate-errors.ts';
import { CallState } from './call-state.ts';
import { CallTask, type TaskOwner } from './call-task.ts';

const NULL = toLiteral('null');
const none: readonly MappingValue[] = Object.freeze([]);

export class EachCall extends CallState implements TaskOwner {
  #items: readonly MappingValue[] = none;
  /** In the order of the items. */
  readonly #tasks: CallTask[] = [];
  #running = 0;
  #isStarting = false;
  #isOver = false;

  onTaskEnded(task: CallTask): void {
    this.#running -= 1;
    this.status = task.status;
    this.bytes += task.bytes;
    this.attempts += task.attempts;
    this.endpoint = task.endpoint;
    if (task.result === 'failed') {
      if (this.call.definition.optional === undefined) {
        this.#isOver = true;
        this.#cancelOthers();
        return this.fail(task.error!);
      }
      this.code ??= task.error!.code;
      this.isPartial = true;
    }
    this.#goOn();
  }

  protected breakOff(): void {
    this.#isOver = true;
    this.#cancelOthers();
  }

  protected begin(): void {
    const { each } = this.call.definition;
    const list = this.call.list!.evaluate(this.run, this.run.aggregate.definition.answerBytesMax);
    const items = 'problem' in list ? undefined : list.value?.items();
    if (items === undefined) return this.#beginWithoutList('problem' in list ? list.problem : list.value?.kind);
    const { itemsMax, beyond } = each!;
    if (items.length > itemsMax) {
      if (beyond === 'fail') {
        const detail = { call: this.name, items: items.length, itemsMax };
        return this.fail(aggregateErrors.tooManyItems(detail, { publicDetail: `the call ${this.name}` }));
      }
      this.isPartial = true;
    }
    this.#items = items.length > itemsMax ? items.slice(0, itemsMax) : items;
    this.count = this.#items.length;
    this.#goOn();
  }

  /** A list that is missing is as good as an empty one. */
  #beginWithoutList(kind: string | undefined): void {
    if (kind === undefined || kind === 'null') {
      this.count = 0;
      return this.#goOn();
    }
    const detail = { call: this.name, reason: 'no-list', found: kind };
    this.fail(aggregateErrors.callAnswer(detail, { publicDetail: `the call ${this.name}` }));
  }

  #goOn(): void {
    // Tasks that end at once come back here from within the loop.
    if (this.#isStarting) return;
    this.#isStarting = true;
    const { atOnceMax } = this.call.definition.each!;
    while (!this.#isOver && !this.run.isOver && this.#running < atOnceMax && this.#tasks.length < this.#items.length) {
      const item = this.#items[this.#tasks.length]!;
      const task = new CallTask(this.run, this.call, new ItemScope(this.run, item), this);
      this.#tasks.push(task);
      this.#running += 1;
      task.start();
    }
    this.#isStarting = false;
    if (this.#isOver || this.run.isOver || this.#running > 0) return;
    this.#isOver = true;
    this.body = new MadeList(this.#tasks.map((task) => this.#toItem(task)));
    this.settle(this.isPartial ? 'fallback' : 'ok');
  }

  #toItem({ answer, lastGood }: CallTask): MappingValue {
    const given = answer ?? lastGood;
    return given === undefined ? (this.call.standIn ?? NULL) : (given.document?.root ?? NULL);
  }

  #cancelOthers(): void {
    for (const task of this.#tasks) if (task.result === undefined) task.cancel();
  }
}

/** What a request may refer to, with the item that it is made for. */
class ItemScope implements MappingScope {
  readonly exchange: Exchange;
  readonly #run: AggregateContext;
  readonly #item: MappingValue;

  constructor(run: AggregateContext, item: MappingValue) {
    this.exchange = run.exchange;
    this.#run = run;
    this.#item = item;
  }

  readJson(root: readonly string[]): MappingValue | undefined {
    return root[0] === 'item' ? this.#item : this.#run.readJson(root);
  }

  readText(root: readonly string[]): string | number | undefined {
    return this.#run.readText(root);
  }
}
