/** One sending after the other. What could not be sent is sent again after a pause that grows, and at the end of all at once. */
import { GrowingPause } from './growing-pause.ts';

export interface SendingTurnsOptions {
  /** Sends what is next, and resolves with why it could not be sent. `undefined`: there is nothing to send. */
  readonly sendNext: () => Promise<string | undefined> | undefined;
  /** Something could not be sent, and waits. */
  readonly onFailure: (reason: string) => void;
  /** Runs something later; the result takes it back. */
  readonly later: (delayMs: number, run: () => void) => () => void;
}

/** At the end: the first failure may be of something that was sent, or of a connection that was closed, long ago. */
const LAST_TRIES = 2;

export class SendingTurns {
  readonly pause = new GrowingPause();
  readonly #options: SendingTurnsOptions;
  #isBusy = false;
  /** There is a pause. */
  #takeBack: (() => void) | undefined;
  #onFinished: ((failure: string | undefined) => void) | undefined;

  constructor(options: SendingTurnsOptions) {
    this.#options = options;
  }

  /** There may be something to send. */
  async proceed(): Promise<void> {
    if (this.#isBusy || this.#takeBack !== undefined) return;
    this.#isBusy = true;
    let failure: string | undefined;
    let triesLeft = LAST_TRIES;
    while (failure === undefined) {
      const sending = this.#options.sendNext();
      if (sending === undefined) break;
      failure = await sending;
      if (failure !== undefined && this.#onFinished !== undefined && --triesLeft > 0) failure = undefined;
    }
    this.#isBusy = false;
    if (this.#onFinished !== undefined) this.#end(this.#onFinished, failure);
    else if (failure !== undefined) this.#rest(failure);
  }

  /** Without another pause. Resolves with why something is left. */
  finish(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#onFinished = resolve;
      this.wake();
    });
  }

  /** Ends a pause. */
  wake(): void {
    this.#takeBack?.();
    this.#takeBack = undefined;
    void this.proceed();
  }

  #end(onFinished: (failure: string | undefined) => void, failure: string | undefined): void {
    this.#onFinished = undefined;
    onFinished(failure);
  }

  #rest(failure: string): void {
    this.#options.onFailure(failure);
    this.#takeBack = this.#options.later(this.pause.next(), () => this.wake());
  }
}
