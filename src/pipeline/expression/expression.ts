/** Expressions over a request and whoever sends it. Their language is loaded where there is one. */
import type { AskingConsumer, AskingRequest } from './asking.ts';

/** What an expression may name. Each is read only when it is used. */
export interface ExpressionVariables {
  readonly request: AskingRequest;
  readonly consumer: AskingConsumer;
  readonly route: string;
  /** Path captures, decoded. */
  readonly path: ReadonlyMap<string, string>;
  readonly now: Date;
}

/** Never throws. */
export type Expression = (variables: ExpressionVariables) => ExpressionOutcome;

export class ExpressionOutcome {
  static readonly holds = new ExpressionOutcome(true, undefined);
  static readonly fails = new ExpressionOutcome(false, undefined);

  readonly isTrue: boolean;
  /** Why there is neither true nor false, such as a claim that is missing. Holds nothing that a client sent. */
  readonly failure: string | undefined;

  private constructor(isTrue: boolean, failure: string | undefined) {
    this.isTrue = isTrue;
    this.failure = failure;
  }

  static failed(failure: string): ExpressionOutcome {
    return new ExpressionOutcome(false, failure);
  }
}

export interface ExpressionMistake {
  /** From 1, as in editors. */
  readonly line: number;
  readonly column: number;
  readonly problem: string;
}
