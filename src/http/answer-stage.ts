/**
 * What changes an answer on its way to the client, or takes part in it: compresses it, keeps a copy, puts another in its place.
 * Stages stand in a row between whoever produces the answer and the client, and each decides when and what the next one gets.
 */
import type { ResponseHead } from './response.ts';

/** Takes the body of an answer. */
export interface AnswerSink {
  /** The view is lent as by `StreamOwner.onBytes`. False: wait until more is asked for, and keep the view as it is until then. */
  sendChunk(view: Buffer): boolean;
  /** Nothing more comes for the moment: what is held back to be joined is written. False as for `sendChunk`. */
  flush(): boolean;
  sendEnd(trailers: readonly string[] | undefined): void;
}

/**
 * One policy's part in one answer. It is called from the middle of sockets' events; what it throws ends the exchange. An answer
 * to HEAD may come with its body or without it: nobody sees it.
 */
export interface AnswerStage extends AnswerSink {
  /** The answer begins. What the stage passes on, it passes to `next`: the head first, now or later. */
  begin(response: ResponseHead, next: NextStage): void;
  /** The next one takes more again, after it said false. */
  onDrained(): void;
  /** Nobody waits for the answer any more, or another one takes its place. Not called behind its end. */
  abandon(): void;
}

/** What follows a stage: another one, or the client. */
export interface NextStage extends AnswerSink {
  sendHead(response: ResponseHead): void;
  /** Whoever is before the stage is told to go on, after the stage said false. */
  askForMore(): void;
}

/** The stages of an answer that has begun. */
export interface AnswerStages {
  onDrained(): void;
  abandon(): void;
}
