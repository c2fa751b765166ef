/**
 * Sends a request on in an exchange of its own, and its answer to the client for as long as that is there. When it goes, the request is carried to
 * its end all the same: the service may have done already what was asked of it, and whoever sends the request again is to have its answer.
 */
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { clientErrors } from '#http/client-errors.ts';
import type { AnswerSource, ClientSide, Exchange } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import { leaveSource, rescue, rescueThrown } from '#pipeline/rescue.ts';
import { runTerminal } from '#pipeline/run.ts';
import type { KeptAnswer } from './kept-answer.ts';
import type { KeyClaim } from './key-claim.ts';

/** Requests of a thread whose clients have gone. */
export class CarriedCount {
  alone = 0;
}

export interface CarriedMeans {
  readonly clock: Clock;
  readonly count: CarriedCount;
  readonly claim: KeyClaim;
  readonly kept: KeptAnswer;
  readonly ttlMs: number;
}

const observer = {
  onExchangeFinished() {
    // The client's exchange is the one that counts.
  },
};

export class CarriedExchange implements ClientSide, AnswerSource {
  readonly #front: Exchange;
  readonly #means: CarriedMeans;
  readonly #own: Exchange;
  readonly #body: Buffer;
  #isBodyGiven = false;
  readonly #proxiedClient: ProxiedClient | undefined;
  #isAlone = false;
  #isOver = false;
  /** The client takes no more for the moment. */
  #isPaused = false;
  #announcedBytes: number | undefined = undefined;
  #sentBytes = 0;
  /** The last piece: a client that has it may ask again at once, so the answer must have been kept. */
  #held: Buffer | undefined = undefined;

  constructor(front: Exchange, body: Buffer, means: CarriedMeans) {
    this.#front = front;
    this.#means = means;
    this.#proxiedClient = front.client.describeClient();
    this.#own = front.derive(this, observer, front.startedMs);
    this.#body = body;
  }

  start(): void {
    this.#front.source = this;
    runTerminal(this.#own, this.#front);
  }

  // From the client

  onRequestChunk(): void {
    // The body has been read.
  }

  onRequestFlush(): void {
    // As above.
  }

  onRequestEnd(): void {
    // As above.
  }

  onClientDrained(): void {
    this.#isPaused = false;
    if (!this.#isOver) this.#own.onClientDrained();
  }

  onClientGone(): void {
    this.#isAlone = true;
    this.#held = undefined;
    if (this.#isOver) return;
    const { count, kept } = this.#means;
    count.alone += 1;
    if (kept.isTooLong || count.alone > limits.carriedRequestsMax) this.#leave(clientErrors.gone());
    else if (this.#isPaused) this.onClientDrained();
  }

  // From whoever answers

  describeClient(): ProxiedClient | undefined {
    return this.#proxiedClient;
  }

  sendInformational(status: number, fields: readonly string[]): void {
    if (!this.#isAlone) this.#front.client.sendInformational(status, fields);
  }

  sendHead(response: ResponseHead): void {
    this.#means.kept.begin(response);
    if (this.#isAlone) return;
    this.#announcedBytes = response.contentLengthBytes;
    this.#tellFront();
    this.#front.sendHead(response);
  }

  sendChunk(view: Buffer): boolean {
    const { kept } = this.#means;
    kept.add(view);
    this.#own.responseBytes += view.length;
    this.#sentBytes += view.length;
    if (this.#isAlone) {
      if (kept.isTooLong) this.#leave(clientErrors.gone());
      return true;
    }
    if (this.#sentBytes === this.#announcedBytes) {
      this.#held = Buffer.from(view);
      return true;
    }
    this.#isPaused = !this.#front.answer.sendChunk(view);
    return !this.#isPaused;
  }

  flush(): boolean {
    if (this.#isAlone) return true;
    this.#isPaused = !this.#front.answer.flush();
    return !this.#isPaused;
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    this.#finishOwn();
    const { claim, kept, ttlMs } = this.#means;
    // What the gateway says itself is no answer of the service.
    const record = this.#own.error === undefined ? kept.toRecord(claim.fingerprint) : undefined;
    claim.end(record, ttlMs).then(
      () => this.#endFront(trailers),
      (thrown) => this.#isAlone || rescueThrown(this.#front, thrown),
    );
  }

  abort(): void {
    const error = this.#own.error ?? upstreamErrors.truncatedBody();
    this.#finishOwn();
    void this.#means.claim.end(undefined, this.#means.ttlMs);
    if (this.#isAlone) return;
    this.#tellFront();
    rescue(this.#front, error);
  }

  resumeRequestBody(): void {
    if (this.#isBodyGiven) return;
    this.#isBodyGiven = true;
    this.#own.takeRequestChunk(this.#body);
    this.#own.endRequest(undefined);
  }

  pauseRequestBody(): void {
    // All of it has been given.
  }

  openTunnel(): undefined {
    this.#own.error ??= upstreamErrors.unexpectedUpgrade();
    this.abort();
  }

  // Inside

  #endFront(trailers: readonly string[] | undefined): void {
    const front = this.#front;
    if (this.#isAlone) return;
    if (this.#held !== undefined) front.answer.sendChunk(this.#held);
    if (!front.isFinished) front.answer.sendEnd(trailers);
  }

  /** What its log line tells, and what policies look at. */
  #tellFront(): void {
    const [front, own] = [this.#front, this.#own];
    front.takeOutcome(own);
    front.endsWithGrpcStatus = own.endsWithGrpcStatus;
    front.error ??= own.error;
  }

  /** Nobody takes the answer, and it cannot be kept. */
  #leave(error: GatewayError): void {
    this.#own.error ??= error;
    leaveSource(this.#own);
    const { claim, kept, ttlMs } = this.#means;
    this.#finishOwn();
    void claim.end(kept.isTooLong ? kept.toRecord(claim.fingerprint) : undefined, ttlMs);
  }

  #finishOwn(): void {
    this.#isOver = true;
    if (this.#isAlone) this.#means.count.alone -= 1;
    this.#own.finish(this.#means.clock.monotonicMs());
  }
}
