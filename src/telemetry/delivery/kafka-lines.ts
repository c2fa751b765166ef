/**
 * Lines to a topic of Kafka, one batch after the other, so that they stay in order within their partition. Lines that brokers do not
 * take for the moment wait, for a while that grows; what is sent again because its answer was lost may arrive twice.
 */
import { type DeliveryOwner, type LineBatch, type LineDelivery, NO_TIME, WaitingLines } from './line-delivery.ts';
import { SendingTurns } from './sending-turns.ts';

export type KafkaOutcome =
  | { readonly kind: 'sent' }
  /** It would be refused again. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It may be sent again later. */
  | { readonly kind: 'unsent'; readonly reason: string };

export interface KafkaSender {
  /** Lines as messages, all of them or none. `lines` are the sender's from then on. One call after the other. */
  send(lines: Uint8Array<ArrayBuffer>): Promise<KafkaOutcome>;
  /** Ends, when all that was sent has left. */
  finish(): Promise<void>;
  /** Gives up what is being sent, also by `finish`. */
  close(): Promise<void>;
}

export interface KafkaLinesOptions {
  readonly sender: KafkaSender;
  readonly owner: DeliveryOwner;
  readonly batchBytesMax: number;
  /** Runs something later; the result takes it back. */
  readonly later: (delayMs: number, run: () => void) => () => void;
}

const LINE_FEED = 10;

export class KafkaLines implements LineDelivery {
  readonly #options: KafkaLinesOptions;
  readonly #waiting: WaitingLines;
  readonly #turns: SendingTurns;
  /** They are being sent, or are the next to be sent again. */
  #batches: readonly LineBatch[] = [];

  constructor(options: KafkaLinesOptions) {
    const { owner, later } = options;
    this.#options = options;
    this.#waiting = new WaitingLines(owner);
    this.#turns = new SendingTurns({
      sendNext: () => this.#sendNext(),
      onFailure: (reason) => owner.onLost(0, reason),
      later,
    });
  }

  add(batch: LineBatch): void {
    for (const part of divide(batch, this.#options.batchBytesMax)) this.#waiting.add(part);
    void this.#turns.proceed();
  }

  async finish(): Promise<void> {
    const failure = await this.#turns.finish();
    if (failure !== undefined) this.#loseAll(failure);
    await this.#options.sender.finish();
  }

  abort(): void {
    this.#loseAll(NO_TIME);
    void this.#options.sender.close();
    this.#turns.wake();
  }

  #sendNext(): Promise<string | undefined> | undefined {
    if (this.#batches.length === 0 && !this.#waiting.isEmpty) this.#batches = this.#waiting.take(this.#options.batchBytesMax);
    return this.#batches.length === 0 ? undefined : this.#send(this.#batches);
  }

  /** Returns why the batches stay. */
  async #send(batches: readonly LineBatch[]): Promise<string | undefined> {
    const outcome = await this.#options.sender.send(join(batches));
    // Everything was given up meanwhile.
    if (this.#batches !== batches) return undefined;
    if (outcome.kind === 'unsent') return outcome.reason;
    this.#batches = [];
    this.#turns.pause.reset();
    if (outcome.kind === 'refused') {
      this.#waiting.lose(batches, outcome.reason);
      return undefined;
    }
    for (const { settle } of batches) settle();
    this.#options.owner.onSent();
    return undefined;
  }

  #loseAll(reason: string): void {
    const batches = this.#batches;
    this.#batches = [];
    this.#waiting.lose(batches, reason);
    this.#waiting.loseAll(reason);
  }
}

/** One after the other. */
function join(batches: readonly LineBatch[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(batches.reduce((length, { bytes }) => length + bytes.length, 0));
  let at = 0;
  for (const { bytes } of batches) {
    joined.set(bytes, at);
    at += bytes.length;
  }
  return joined;
}

/** Parts that are no longer than that, unless one line alone is. All of it is settled with the last of them. */
function divide({ bytes, settle }: LineBatch, bytesMax: number): LineBatch[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = findEnd(bytes, start, bytesMax);
    parts.push(bytes.subarray(start, end));
    start = end;
  }
  let left = parts.length;
  const settlePart = () => {
    left -= 1;
    if (left === 0) settle();
  };
  return parts.map((part) => ({ bytes: part, settle: settlePart }));
}

function findEnd(bytes: Uint8Array, start: number, bytesMax: number): number {
  if (bytes.length - start <= bytesMax) return bytes.length;
  const before = bytes.lastIndexOf(LINE_FEED, start + bytesMax - 1);
  const at = before >= start ? before : bytes.indexOf(LINE_FEED, start);
  return at < 0 ? bytes.length : at + 1;
}
