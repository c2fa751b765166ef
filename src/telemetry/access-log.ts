/**
 * A line per exchange, and per connection whose bytes are passed on, written in batches: a slow disk delays no request. Lines are
 * ASCII, so they go into the batch's bytes without any counting.
 */
import type { TcpConnection } from '#forward/tcp-connection.ts';
import type { Exchange } from '#http/exchange.ts';
import { countLines } from './lines/count-lines.ts';
import type { LineChoice } from './lines/line-choice.ts';
import type { LineFormat } from './lines/line-format.ts';

/** Where batches go. */
export interface LineSink {
  /** False when the lines cannot be taken; then they are dropped and counted. An empty batch tries again what failed before. */
  write(batch: Buffer): boolean;
}

export interface AccessLogOptions {
  readonly sink: LineSink;
  readonly format: LineFormat;
  readonly choice: LineChoice;
}

const BATCH_BYTES = 256 * 1024;
/** Lines that are put into the bytes of a batch at once: each time costs as much as a quarter of a line. */
const TEXT_LENGTH = 8 * 1024;

export class AccessLog {
  readonly #sink: LineSink;
  readonly #format: LineFormat;
  readonly #choice: LineChoice;
  #batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #used = 0;
  /** Lines behind those in the batch. */
  #text = '';
  #droppedCount = 0;

  constructor({ sink, format, choice }: AccessLogOptions) {
    this.#sink = sink;
    this.#format = format;
    this.#choice = choice;
  }

  add(exchange: Exchange): void {
    if (this.#choice.takes(exchange)) this.#append(this.#format.toLine(exchange));
  }

  /** A connection whose bytes were passed on. */
  addTcp(connection: TcpConnection): void {
    if (this.#choice.takesTcp(connection)) this.#append(this.#format.toTcpLine(connection));
  }

  /** Called every so often, and at the end. */
  flush(): void {
    this.#collect();
    this.#hand();
  }

  /** How many lines were dropped since it was asked last. */
  takeDroppedCount(): number {
    const count = this.#droppedCount;
    this.#droppedCount = 0;
    return count;
  }

  #append(line: string): void {
    this.#text += line;
    if (this.#text.length >= TEXT_LENGTH) this.#collect();
  }

  /** A line is never cut in two, so one can be longer than a batch. */
  #collect(): void {
    const text = this.#text;
    this.#text = '';
    if (text.length > BATCH_BYTES - this.#used) this.#hand();
    if (text.length > BATCH_BYTES) this.#write(Buffer.from(text, 'latin1'));
    else this.#used += this.#batch.latin1Write(text, this.#used);
  }

  #hand(): void {
    const batch = this.#batch.subarray(0, this.#used);
    // The sink keeps what it was given until it is written.
    if (this.#used > 0) this.#batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
    this.#used = 0;
    this.#write(batch);
  }

  #write(batch: Buffer): void {
    if (!this.#sink.write(batch)) this.#droppedCount += countLines(batch);
  }
}
