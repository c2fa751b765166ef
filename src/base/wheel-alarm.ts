import { type TimerWheel, WheelTimer } from './timer-wheel.ts';

/** One thing that is done again and again, each time after a while of its own. */
export class WheelAlarm extends WheelTimer {
  readonly #wheel: TimerWheel;
  readonly #onRing: () => void;

  constructor(wheel: TimerWheel, onRing: () => void) {
    super();
    this.#wheel = wheel;
    this.#onRing = onRing;
  }

  ringAfter(delayMs: number): void {
    this.#wheel.arm(this, delayMs);
  }

  stop(): void {
    this.#wheel.remove(this);
  }

  override onDeadline(): void {
    this.#onRing();
  }
}
