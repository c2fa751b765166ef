/**
 * A client that has closed its side with a whole request behind it. Whether it still reads shows only when we write something
 * that means nothing (docs/decisions/0004-half-closed-clients.md).
 */
import type { ByteStream } from '#net/byte-stream.ts';
import type { Exchange } from './exchange.ts';

/** A client that is gone answers a probe with a reset, which takes one round trip to come. */
export const PROBE_EVERY_MS = 250;

const NOT_BEGUN = -1;
const NOT_BEGUN_ASKED_AGAIN = -2;

export class HalfClosedClient {
  /** What the answer had come to when the client was last looked for. */
  #answeredBytes = NOT_BEGUN;

  /** It sent this request before it closed its side. */
  beginExchange(): void {
    this.#answeredBytes = NOT_BEGUN;
  }

  /** It closes its side now. True: it is to be sent something that means nothing. */
  beginLooking({ hasResponseBegun, responseBytes }: Exchange): boolean {
    if (hasResponseBegun) this.#answeredBytes = responseBytes;
    return !hasResponseBegun;
  }

  /**
   * An answer that flows finds out by itself whether somebody reads it; one that stands still is given up (`gone`). `ask`: the client is
   * to be sent something.
   */
  look({ hasResponseBegun, responseBytes }: Exchange, stream: ByteStream): 'gone' | 'ask' | 'wait' {
    if (hasResponseBegun && responseBytes === this.#answeredBytes) return 'gone';
    const isAsked = stream.probe();
    if (hasResponseBegun) this.#answeredBytes = responseBytes;
    if (isAsked || hasResponseBegun || this.#answeredBytes !== NOT_BEGUN) return 'wait';
    // Over TLS a reset shows only to who sends something again. Once: the rest is for the answer to find out.
    this.#answeredBytes = NOT_BEGUN_ASKED_AGAIN;
    return 'ask';
  }
}
