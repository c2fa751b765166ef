/** One JSON line per exchange, made as text and written in batches: a slow disk delays no request. */
import type { Clock } from '#base/clock.ts';
import type { Exchange } from '#http/exchange.ts';

/** Where batches go. */
export interface LineSink {
  /** False when the lines cannot be taken; then they are dropped and counted. An empty batch tries again what failed before. */
  write(batch: string): boolean;
}

const BATCH_CHARS = 64 * 1024;

export class AccessLog {
  readonly #sink: LineSink;
  readonly #clock: Clock;
  /** What to add to monotonic time to get the time of day; taken anew with each batch, because the wall clock may be set. */
  #wallOffsetMs: number;
  #batch = '';
  #second = -1;
  #secondText = '';
  #droppedCount = 0;

  constructor(sink: LineSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
    this.#wallOffsetMs = clock.wallMs() - clock.monotonicMs();
  }

  add(exchange: Exchange): void {
    this.#batch += this.#toLine(exchange);
    if (this.#batch.length >= BATCH_CHARS) this.flush();
  }

  /** Called every so often, and at the end. */
  flush(): void {
    const batch = this.#batch;
    this.#batch = '';
    this.#wallOffsetMs = this.#clock.wallMs() - this.#clock.monotonicMs();
    if (!this.#sink.write(batch)) this.#droppedCount += countLines(batch);
  }

  /** How many lines were dropped since it was asked last. */
  takeDroppedCount(): number {
    const count = this.#droppedCount;
    this.#droppedCount = 0;
    return count;
  }

  #toLine(exchange: Exchange): string {
    const { request, startedMs, finishedMs, upstreamHeadMs, error } = exchange;
    let line = `{"time":"${this.#timeText(this.#wallOffsetMs + startedMs)}","id":"${exchange.requestId}","client":"${request.clientAddress}"`;
    line += `,"listener":"${request.listener}","method":${quote(request.method)},"host":${quote(request.host)},"target":${quote(request.target)}`;
    line += `,"status":${exchange.status},"requestBytes":${exchange.requestBytes},"responseBytes":${exchange.responseBytes}`;
    line += `,"durationMs":${toMs(finishedMs - startedMs)}`;
    if (exchange.plan !== undefined) line += `,"route":${quote(exchange.plan.routeName)}`;
    if (exchange.serviceName !== undefined) line += `,"service":${quote(exchange.serviceName)}`;
    if (exchange.endpointName !== undefined) line += `,"endpoint":${quote(exchange.endpointName)}`;
    if (upstreamHeadMs > 0) line += `,"upstreamMs":${toMs(upstreamHeadMs - startedMs)}`;
    if (exchange.attempts > 1) line += `,"attempts":${exchange.attempts}`;
    if (exchange.isTunnel) line += ',"tunnel":true';
    if (error !== undefined)
      line += `,"code":"${error.code}"${error.detail === undefined ? '' : `,"detail":${JSON.stringify(error.detail)}`}`;
    return `${line}}\n`;
  }

  #timeText(wallMs: number): string {
    const second = Math.floor(wallMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1000).toISOString().slice(0, 20);
    }
    const millis = Math.floor(wallMs - second * 1000);
    return `${this.#secondText}${millis < 10 ? '00' : millis < 100 ? '0' : ''}${millis}Z`;
  }
}

/** Three digits behind the point, without the float's tail. */
function toMs(durationMs: number): number {
  return Math.round(durationMs * 1000) / 1000;
}

/** Targets and hosts are visible ASCII; quotes and backslashes in them are rare enough to leave to JSON. */
function quote(text: string): string {
  return text.includes('"') || text.includes('\\') ? JSON.stringify(text) : `"${text}"`;
}

function countLines(batch: string): number {
  let count = 0;
  for (let at = batch.indexOf('\n'); at >= 0; at = batch.indexOf('\n', at + 1)) count += 1;
  return count;
}
