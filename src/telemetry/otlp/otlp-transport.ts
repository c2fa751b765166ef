/**
 * Carries batches to a collector by HTTP, as OTLP/HTTP asks for: a batch that was refused for the moment (429, 502, 503, 504), or
 * got no answer, is sent again after a while that grows, and no sooner than the collector asks for, until its time is over. Anything else is
 * final. It knows nothing of what is in a batch, so it carries any format. How many batches may wait is for its caller to bound.
 */
import { promisify } from 'node:util';
import type { Clock } from '#base/clock.ts';
import { type CallHttpForBytes, callHttpForBytes, type HttpBytesAnswer, HttpCallFailed } from '#net/http-call.ts';

export interface OtlpTransportOptions {
  readonly url: string;
  /** Beside those about the content. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `application/x-protobuf` where it is not given. */
  readonly contentType?: string;
  readonly compresses: boolean;
  /** Of one attempt. */
  readonly timeoutMs: number;
  /** How long after the first attempt a batch may be sent again. */
  readonly retryForMs: number;
  /** Certificates in PEM form that are trusted in the place of the machine's own. */
  readonly ca?: string | undefined;
  readonly clock: Clock;
  /** At least 0 and below 1, so that not all gateways come back at the same moment. */
  readonly random: () => number;
  /** Runs something later; the result takes it back. */
  readonly later: (delayMs: number, run: () => void) => () => void;
  /** For tests. */
  readonly call?: CallHttpForBytes;
}

export type OtlpOutcome =
  /** `answer`: the body, in which a collector says what it has left out. */
  | { readonly kind: 'sent'; readonly answer: Buffer }
  /** It is lost. `reason` is for the log: a status or what the system said. */
  | { readonly kind: 'lost'; readonly reason: string; readonly status: number | undefined };

type Attempt =
  | OtlpOutcome
  | { readonly kind: 'again'; readonly reason: string; readonly status?: number; readonly afterMsMin?: number };

/** OTLP 1.x, "OTLP/HTTP Response": these may be sent again, others must not. */
const passingStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const FIRST_PAUSE_MS = 500;
const PAUSE_MS_MAX = 30_000;
const ANSWER_BYTES_MAX = 64 * 1024;
/** Below this, there is nothing to gain. */
const COMPRESSED_FROM_BYTES = 1024;

export class OtlpTransport {
  readonly #options: OtlpTransportOptions;
  readonly #call: CallHttpForBytes;
  /** Ends what is under way. */
  readonly #aborter = new AbortController();
  /** Those who wait before they try again. */
  readonly #waiting = new Set<() => void>();
  #isClosing = false;

  constructor(options: OtlpTransportOptions) {
    this.#options = options;
    this.#call = options.call ?? callHttpForBytes;
  }

  /** Never rejects. */
  async send(batch: Uint8Array): Promise<OtlpOutcome> {
    const { clock, retryForMs, compresses } = this.#options;
    const isCompressed = compresses && batch.length >= COMPRESSED_FROM_BYTES;
    const body = isCompressed ? await compress(batch) : batch;
    const endsMs = clock.monotonicMs() + retryForMs;
    for (let failures = 1; ; failures += 1) {
      const attempt = await this.#try(body, isCompressed);
      if (attempt.kind !== 'again') return attempt;
      const { reason, status, afterMsMin = 0 } = attempt;
      // A collector that says `0`, or whose clock is behind, is not asked without a pause all the same.
      const afterMs = Math.max(afterMsMin, this.#pauseMs(failures));
      if (this.#isClosing || clock.monotonicMs() + afterMs > endsMs) return { kind: 'lost', reason, status };
      await this.#wait(afterMs);
    }
  }

  /** What waits is tried once more at once, and nothing waits from now on. */
  hurry(): void {
    this.#isClosing = true;
    for (const proceed of [...this.#waiting]) proceed();
  }

  /** What is still under way is lost. */
  close(): void {
    this.hurry();
    this.#aborter.abort();
  }

  async #try(body: Uint8Array, isCompressed: boolean): Promise<Attempt> {
    const { url, headers, contentType = 'application/x-protobuf', timeoutMs, ca } = this.#options;
    try {
      const answer = await this.#call({
        url,
        method: 'POST',
        headers: { ...headers, 'content-type': contentType, ...(isCompressed && { 'content-encoding': 'gzip' }) },
        body,
        timeoutMs,
        bytesMax: ANSWER_BYTES_MAX,
        ca,
        signal: this.#aborter.signal,
        keepsConnection: true,
      });
      return this.#judge(answer);
    } catch (error) {
      if (!(error instanceof HttpCallFailed)) throw error;
      const reason = error.message;
      return this.#aborter.signal.aborted ? { kind: 'lost', reason: 'closed', status: undefined } : { kind: 'again', reason };
    }
  }

  #judge({ status, headers, bytes }: HttpBytesAnswer): Attempt {
    if (status >= 200 && status < 300) return { kind: 'sent', answer: bytes };
    const reason = `status ${status}`;
    if (!passingStatuses.has(status)) return { kind: 'lost', reason, status };
    const afterMsMin = this.#toDelayMs(headers['retry-after']);
    return { kind: 'again', reason, status, ...(afterMsMin !== undefined && { afterMsMin }) };
  }

  /** RFC 9110 §10.2.3: seconds, or a date. */
  #toDelayMs(retryAfter: string | undefined): number | undefined {
    if (retryAfter === undefined) return undefined;
    if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * 1000;
    const atMs = Date.parse(retryAfter);
    return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - this.#options.clock.wallMs());
  }

  /** Doubles with each failure; half of it is chance. */
  #pauseMs(failures: number): number {
    const fullMs = Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 16));
    return fullMs * (0.5 + this.#options.random() / 2);
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const proceed = () => {
        takeBack();
        this.#waiting.delete(proceed);
        resolve();
      };
      const takeBack = this.#options.later(delayMs, proceed);
      this.#waiting.add(proceed);
    });
  }
}

/** In a thread of the system's own. More effort takes three times as long and makes spans and lines smaller by a few hundredths. */
async function compress(batch: Uint8Array): Promise<Buffer> {
  const { gzip, constants } = await import('node:zlib');
  return promisify(gzip)(batch, { level: constants.Z_BEST_SPEED });
}
