/**
 * The way of an answer from whoever gives it to the client, where policies have stages: each policy shapes the head, then its
 * stage takes over, and passes the head on to the next policy when it likes. Compiled once per plan; an answer that no stage
 * wants goes straight to the client.
 */
import type { AnswerSink, AnswerStage, AnswerStages, NextStage } from '#http/answer-stage.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import type { PolicyPhases } from './policy.ts';
import { answerFault, toFault } from './rescue.ts';
import { watchChange } from './watched-changes.ts';

interface AnswerStep {
  readonly name: string;
  readonly phases: Pick<PolicyPhases, 'responseHead' | 'answerStage'>;
}
type PassAnswer = (exchange: Exchange, response: ResponseHead) => void;

/** `policies`: in the order in which answers meet them. `undefined`: none of them has a stage. */
export function compileAnswerPath(policies: readonly AnswerStep[]): PassAnswer | undefined {
  if (!policies.some(({ phases }) => phases.answerStage !== undefined)) return undefined;
  const steps = policies.filter(({ phases }) => phases.responseHead !== undefined || phases.answerStage !== undefined);
  return (exchange, response) => {
    exchange.dropStages();
    const answer = new StagedAnswer(exchange, steps);
    exchange.stages = answer;
    answer.pass(response, 0, undefined);
  };
}

class StagedAnswer implements AnswerStages {
  readonly exchange: Exchange;
  readonly #steps: readonly AnswerStep[];
  readonly #links: StageLink[] = [];
  isOver = false;

  constructor(exchange: Exchange, steps: readonly AnswerStep[]) {
    this.exchange = exchange;
    this.#steps = steps;
  }

  /** The head goes on to the step `from`, behind the stage of `before`. */
  pass(response: ResponseHead, from: number, before: StageLink | undefined): void {
    try {
      this.#pass(response, from, before);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  #pass(response: ResponseHead, from: number, before: StageLink | undefined): void {
    const { exchange } = this;
    for (let i = from; i < this.#steps.length; i++) {
      const { name, phases } = this.#steps[i]!;
      if (exchange.journal === undefined) phases.responseHead?.(exchange, response);
      else if (phases.responseHead !== undefined)
        watchChange(exchange.journal, { policy: name, phase: 'responseHead' }, () => phases.responseHead!(exchange, response));
      const stage = phases.answerStage?.(exchange, response);
      if (this.isOver) return;
      if (stage === undefined) continue;
      const link = new StageLink(this, { stage, before, stepIndex: i });
      this.#links.push(link);
      if (before === undefined) exchange.answer = link.entrance;
      else before.sink = link.entrance;
      stage.begin(response, link);
      return;
    }
    exchange.beginAnswer(response);
  }

  onDrained(): void {
    const last = this.#links.at(-1);
    if (last === undefined) this.exchange.source?.onClientDrained();
    else last.tell();
  }

  abandon(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const link of this.#links) link.abandon();
  }

  fail(thrown: unknown): void {
    if (!this.isOver) answerFault(this.exchange, thrown);
  }
}

interface LinkPlace {
  readonly stage: AnswerStage;
  readonly before: StageLink | undefined;
  readonly stepIndex: number;
}

/** A stage with what is before it and behind it. What a stage says when its answer is over, nobody hears. */
class StageLink implements NextStage {
  readonly entrance: StageEntrance;
  /** Behind the stage: until it has passed the head on there is nothing. */
  sink: AnswerSink | undefined = undefined;
  readonly #answer: StagedAnswer;
  readonly #place: LinkPlace;
  isEnded = false;

  constructor(answer: StagedAnswer, place: LinkPlace) {
    this.#answer = answer;
    this.#place = place;
    this.entrance = new StageEntrance(answer, place.stage);
  }

  sendHead(response: ResponseHead): void {
    if (this.#answer.isOver) return;
    this.sink = this.#answer.exchange.client;
    this.#answer.pass(response, this.#place.stepIndex + 1, this);
  }

  sendChunk(view: Buffer): boolean {
    return this.#answer.isOver || this.sink!.sendChunk(view);
  }

  flush(): boolean {
    return this.#answer.isOver || this.sink!.flush();
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    if (this.#answer.isOver) return;
    this.isEnded = true;
    this.sink!.sendEnd(trailers);
  }

  askForMore(): void {
    if (this.#answer.isOver) return;
    const { before } = this.#place;
    if (before === undefined) this.#answer.exchange.source?.onClientDrained();
    else before.tell();
  }

  /** What is behind the stage takes more again. */
  tell(): void {
    try {
      this.#place.stage.onDrained();
    } catch (thrown) {
      this.#answer.fail(thrown);
    }
  }

  abandon(): void {
    if (this.isEnded) return;
    try {
      this.#place.stage.abandon();
    } catch (thrown) {
      this.#answer.exchange.error ??= toFault(thrown);
    }
  }
}

/** What whoever is before a stage sees of it. */
class StageEntrance implements AnswerSink {
  readonly #answer: StagedAnswer;
  readonly #stage: AnswerStage;

  constructor(answer: StagedAnswer, stage: AnswerStage) {
    this.#answer = answer;
    this.#stage = stage;
  }

  sendChunk(view: Buffer): boolean {
    if (this.#answer.isOver) return true;
    try {
      return this.#stage.sendChunk(view);
    } catch (thrown) {
      this.#answer.fail(thrown);
      return true;
    }
  }

  flush(): boolean {
    if (this.#answer.isOver) return true;
    try {
      return this.#stage.flush();
    } catch (thrown) {
      this.#answer.fail(thrown);
      return true;
    }
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    if (this.#answer.isOver) return;
    try {
      this.#stage.sendEnd(trailers);
    } catch (thrown) {
      this.#answer.fail(thrown);
    }
  }
}
