/** Lines that are posted, many at a time and one message after the other, so that they arrive in the order in which they came. */
import { limits } from '#base/limits.ts';
import type { OtlpOutcome } from '#telemetry/otlp/otlp-transport.ts';
import { type DeliveryOwner, type LineBatch, type LineDelivery, NO_TIME, WaitingLines } from './line-delivery.ts';

/** As much of a transport as is needed here. */
export interface PostTransport {
  send(body: Uint8Array): Promise<OtlpOutcome>;
  hurry(): void;
  close(): void;
}

/** What a message is made of lines. */
export interface LineEncoder {
  encode(batches: readonly Uint8Array[]): Promise<Uint8Array>;
  /** How many lines a collector that has taken the message says that it has left out. */
  countRejected(answer: Uint8Array): number;
}

export class PostedLines implements LineDelivery {
  readonly #transport: PostTransport;
  readonly #encoder: LineEncoder;
  readonly #owner: DeliveryOwner;
  readonly #waiting: WaitingLines;
  #isBusy = false;
  #onFinished: (() => void) | undefined;

  constructor(transport: PostTransport, encoder: LineEncoder, owner: DeliveryOwner) {
    this.#transport = transport;
    this.#encoder = encoder;
    this.#owner = owner;
    this.#waiting = new WaitingLines(owner);
  }

  add(batch: LineBatch): void {
    this.#waiting.add(batch);
    void this.#proceed();
  }

  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.#onFinished = resolve;
      this.#transport.hurry();
      void this.#proceed();
    });
  }

  abort(): void {
    this.#waiting.loseAll(NO_TIME);
    this.#transport.close();
  }

  async #proceed(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (!this.#waiting.isEmpty) await this.#post(this.#waiting.take(limits.accessLogPostBytesMax));
    this.#isBusy = false;
    this.#onFinished?.();
  }

  async #post(batches: readonly LineBatch[]): Promise<void> {
    const outcome = await this.#send(batches);
    if (outcome.kind === 'lost') return this.#waiting.lose(batches, outcome.reason);
    for (const batch of batches) batch.settle();
    const rejected = this.#encoder.countRejected(outcome.answer);
    if (rejected > 0) this.#owner.onLost(rejected, 'the collector has left them out');
    else this.#owner.onSent();
  }

  async #send(batches: readonly LineBatch[]): Promise<OtlpOutcome> {
    try {
      return await this.#transport.send(await this.#encoder.encode(batches.map(({ bytes }) => bytes)));
    } catch (error) {
      // A line that cannot be written would keep all behind it from being sent.
      return { kind: 'lost', reason: error instanceof Error ? error.message : String(error), status: undefined };
    }
  }
}

/** Lines as they are. */
export const plainEncoder: LineEncoder = {
  encode: async (batches) => Buffer.concat(batches),
  countRejected: () => 0,
};
