import type { Clock } from '#base/clock.ts';

/** The present second as an IMF-fixdate (RFC 9110 §5.6.7), made once per second. */
export class HttpDate {
  readonly #clock: Clock;
  #second = -1;
  #text = '';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): string {
    const wallMs = this.#clock.wallMs();
    const second = Math.floor(wallMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(wallMs).toUTCString();
    }
    return this.#text;
  }
}
