import { limits } from '#base/limits.ts';
import { type Http2Fault, http2Faults } from '#wire/http2/faults.ts';
import { MinuteCount } from './minute-count.ts';

/** What a client can do for nothing, counted: frames that cost us something and say little, and requests that it does not wait for. */
export class Http2FrameCounts {
  readonly #control = new MinuteCount();
  readonly #quiet = new MinuteCount();
  readonly #brokenOff = new MinuteCount();
  readonly #brokenOffMax: number;

  constructor(brokenOffMax: number) {
    this.#brokenOffMax = brokenOffMax;
  }

  /** Something has moved that a request or an answer is made of. */
  reset(): void {
    this.#control.reset();
    this.#quiet.reset();
  }

  /** A frame that is answered (PING, SETTINGS). */
  addControl(nowMs: number): Http2Fault | undefined {
    return this.#control.add(nowMs) > limits.http2ControlFramesPerMinuteMax ? http2Faults.controlFrames : undefined;
  }

  /** A frame that means nothing, or may. */
  addQuiet(nowMs: number): Http2Fault | undefined {
    return this.#quiet.add(nowMs) > limits.http2QuietFramesPerMinuteMax ? http2Faults.controlFrames : undefined;
  }

  /** CVE-2023-44487: requests that are begun and broken off cost the client nothing; nor do those by which it has us break them off. */
  addBrokenOff(nowMs: number): Http2Fault | undefined {
    return this.#brokenOff.add(nowMs) > this.#brokenOffMax ? http2Faults.brokenOff : undefined;
  }
}
