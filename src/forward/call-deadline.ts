import { WheelTimer } from '#base/timer-wheel.ts';

/** The time that a client of gRPC gives its call. */
export class CallDeadline extends WheelTimer {
  readonly #onPassed: () => void;

  constructor(onPassed: () => void) {
    super();
    this.#onPassed = onPassed;
  }

  override onDeadline(): void {
    this.#onPassed();
  }
}
