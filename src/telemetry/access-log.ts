/**
 * One JSON line per exchange, and per connection whose bytes are passed on, written in batches: a slow disk delays no request. Lines are ASCII, so they go into the
 * batch's bytes without any counting, and what is the same in many lines is put together once.
 */
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import type { TcpConnection } from '#forward/tcp-connection.ts';
import type { CallRecord, ClientRequest, Exchange, ExchangePlan, TriedAttempt } from '#http/exchange.ts';

/** Where batches go. */
export interface LineSink {
  /** False when the lines cannot be taken; then they are dropped and counted. An empty batch tries again what failed before. */
  write(batch: Buffer): boolean;
}

const BATCH_BYTES = 256 * 1024;
const LINE_FEED = 10;
/** `007`: the digits behind the point of a duration or a time. */
const threeDigits: readonly string[] = Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0'));
/** Written out once: most numbers are small, and making text of one is slower than finding it. */
const smallNumbers: readonly string[] = Array.from({ length: 1000 }, (_, i) => String(i));
const wholeMillis: readonly string[] = Array.from({ length: 1000 }, (_, i) => `${i}.`);

export class AccessLog {
  readonly #sink: LineSink;
  readonly #clock: Clock;
  /** What to add to monotonic time to get the time of day; taken anew with each batch, because the wall clock may be set. */
  #wallOffsetMs: number;
  #batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #used = 0;
  #wallMs = Number.NEGATIVE_INFINITY;
  #wallText = '';
  #secondText = '';
  /** Whose `#requestPiece` it is. */
  #lastRequest: ClientRequest | undefined = undefined;
  #requestPiece = '';
  /** By status, of exchanges without a request body. */
  readonly #outcomes: string[] = [];
  readonly #names = new WeakMap<ExchangePlan, Map<string | undefined, Map<string | undefined, string>>>();
  #droppedCount = 0;

  constructor(sink: LineSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
    this.#wallOffsetMs = clock.wallMs() - clock.monotonicMs();
  }

  add(exchange: Exchange): void {
    this.#append(this.#toLine(exchange));
  }

  /** A connection whose bytes were passed on. */
  addTcp(connection: TcpConnection): void {
    this.#append(this.#toTcpLine(connection));
  }

  /** Called every so often, and at the end. */
  flush(): void {
    const batch = this.#batch.subarray(0, this.#used);
    // The sink keeps what it was given until it is written.
    if (this.#used > 0) this.#batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
    this.#used = 0;
    this.#wallOffsetMs = this.#clock.wallMs() - this.#clock.monotonicMs();
    this.#write(batch);
  }

  /** How many lines were dropped since it was asked last. */
  takeDroppedCount(): number {
    const count = this.#droppedCount;
    this.#droppedCount = 0;
    return count;
  }

  #append(line: string): void {
    if (line.length > BATCH_BYTES - this.#used) this.flush();
    if (line.length > BATCH_BYTES) this.#write(Buffer.from(line, 'latin1'));
    else this.#used += this.#batch.latin1Write(line, this.#used);
  }

  #write(batch: Buffer): void {
    if (!this.#sink.write(batch)) this.#droppedCount += countLines(batch);
  }

  /**
   * A line is put together from few pieces, and what many lines in a row have in common is one of them: each piece more
   * costs when it is added and again when the line is written into the batch.
   */
  #toLine(exchange: Exchange): string {
    const { request, startedMs, upstreamHeadMs, plan, error, responseBytes } = exchange;
    let line =
      this.#timeText(startedMs) +
      exchange.requestId +
      this.#requestText(request) +
      escapeTarget(exchange.shownTarget ?? request.target);
    line += this.#outcomeText(exchange) + (smallNumbers[responseBytes] ?? responseBytes) + this.#namesOf(plan, exchange);
    line += toMs(exchange.finishedMs - startedMs);
    if (upstreamHeadMs > 0) line += `,"upstreamMs":${toMs(upstreamHeadMs - startedMs)}`;
    if (exchange.trace?.isSampled === true) line += `,"traceId":"${exchange.trace.traceId}"`;
    if (exchange.batchOf !== undefined) line += `,"batchOf":"${exchange.batchOf}"`;
    if (exchange.consumer !== undefined) line += `,"consumer":"${exchange.consumer.name}"`;
    if (exchange.attempts > 1) line += `,"attempts":${exchange.attempts}`;
    if (exchange.calls !== undefined) line += `,"calls":${toCallsText(exchange.calls)}`;
    if (exchange.tried !== undefined) line += `,"tried":${toTriedText(exchange.tried)}`;
    if (exchange.notRetried !== undefined) line += `,"notRetried":${toAsciiJson(exchange.notRetried)}`;
    if (exchange.fallbackReason !== undefined) line += `,"fallback":"${exchange.fallbackReason}"`;
    if (exchange.cacheResult !== undefined) line += `,"cache":"${exchange.cacheResult}"`;
    if (exchange.isTunnel) line += ',"tunnel":true';
    if (error !== undefined) line += toErrorText(error);
    if (exchange.reported !== undefined) line += toReportText(exchange.reported);
    return `${line}}\n`;
  }

  /** There are few of these lines beside those of requests, so nothing of them is kept. */
  #toTcpLine(connection: TcpConnection): string {
    const { id, accepted, listener, serverName, serviceName, endpointName, startedMs, connectedMs, error } = connection;
    let line = `${this.#timeText(startedMs) + id}","client":${toAsciiJson(accepted.clientAddress)},"listener":${toAsciiJson(listener)}`;
    line += ',"protocol":"tcp"';
    if (serverName !== undefined) line += `,"serverName":${toAsciiJson(serverName)}`;
    line += `,"requestBytes":${connection.clientBytes},"responseBytes":${connection.upstreamBytes}`;
    line += `,"service":${toAsciiJson(serviceName)}`;
    if (endpointName !== undefined) line += `,"endpoint":${toAsciiJson(endpointName)}`;
    line += `,"durationMs":${toMs(connection.finishedMs - startedMs)}`;
    if (connectedMs > 0) line += `,"connectMs":${toMs(connectedMs - startedMs)}`;
    if (connection.attempts > 1) line += `,"attempts":${connection.attempts}`;
    if (error !== undefined) line += toErrorText(error);
    return `${line}}\n`;
  }

  /** The beginning of a line up to the id. */
  #timeText(startedMs: number): string {
    const wallMs = Math.floor(this.#wallOffsetMs + startedMs);
    if (wallMs !== this.#wallMs) {
      const second = Math.floor(wallMs / 1000);
      if (second !== Math.floor(this.#wallMs / 1000))
        this.#secondText = `{"time":"${new Date(wallMs).toISOString().slice(0, 20)}`;
      this.#wallMs = wallMs;
      this.#wallText = `${this.#secondText}${threeDigits[wallMs - second * 1000]}Z","id":"`;
    }
    return this.#wallText;
  }

  /** From behind the id to the target. Most lines in a row are of few clients. */
  #requestText(request: ClientRequest): string {
    const { clientAddress, listener, protocol, method, host } = request;
    const last = this.#lastRequest;
    const isSame =
      last?.clientAddress === clientAddress &&
      last.listener === listener &&
      last.protocol === protocol &&
      last.method === method &&
      last.host === host;
    if (!isSame) {
      // Methods are tokens and hosts are checked: neither holds a quote or a backslash.
      this.#requestPiece = `","client":${toAsciiJson(clientAddress)},"listener":${toAsciiJson(listener)},"protocol":"${protocol}","method":"${method}","host":"${host}","target":"`;
    }
    this.#lastRequest = request;
    return this.#requestPiece;
  }

  /** From behind the target to the length of the answer. */
  #outcomeText({ status, requestBytes }: Exchange): string {
    if (requestBytes > 0) return `","status":${status},"requestBytes":${requestBytes},"responseBytes":`;
    this.#outcomes[status] ??= `","status":${status},"requestBytes":0,"responseBytes":`;
    return this.#outcomes[status]!;
  }

  /** Route, service and endpoint, up to the duration: as many different texts as the configuration has endpoints on routes. */
  #namesOf(plan: ExchangePlan | undefined, { serviceName, endpointName }: Exchange): string {
    if (plan === undefined) return ',"durationMs":';
    let byService = this.#names.get(plan);
    if (byService === undefined) {
      byService = new Map();
      this.#names.set(plan, byService);
    }
    let byEndpoint = byService.get(serviceName);
    if (byEndpoint === undefined) {
      byEndpoint = new Map();
      byService.set(serviceName, byEndpoint);
    }
    let text = byEndpoint.get(endpointName);
    if (text === undefined) {
      text = plan.routeName === undefined ? '' : `,"route":${toAsciiJson(plan.routeName)}`;
      if (serviceName !== undefined) text += `,"service":${toAsciiJson(serviceName)}`;
      if (endpointName !== undefined) text += `,"endpoint":${toAsciiJson(endpointName)}`;
      text += ',"durationMs":';
      byEndpoint.set(endpointName, text);
    }
    return text;
  }
}

/** The attempts before the one that the rest of the line is about. */
function toTriedText(tried: readonly TriedAttempt[]): string {
  return toAsciiJson(tried.map((attempt) => ({ ...attempt, durationMs: Math.round(attempt.durationMs * 1000) / 1000 })));
}

/** Names are those of the configuration: letters, digits and signs that JSON leaves as they are. */
function toCallsText(calls: readonly CallRecord[]): string {
  let text = '';
  for (const { name, service, endpoint, status, durationMs, bytes, outcome, code, attempts, count } of calls) {
    text += `${text === '' ? '[' : ','}{"name":"${name}","service":"${service}","outcome":"${outcome}"`;
    if (endpoint !== undefined) text += `,"endpoint":${toAsciiJson(endpoint)}`;
    if (status !== 0) text += `,"status":${status},"bytes":${bytes}`;
    if (attempts > 1) text += `,"attempts":${attempts}`;
    if (count !== 1) text += `,"count":${count}`;
    if (code !== undefined) text += `,"code":"${code}"`;
    text += `,"durationMs":${toMs(durationMs)}}`;
  }
  return `${text}]`;
}

function toErrorText({ code, detail }: GatewayError): string {
  return `,"code":"${code}"${detail === undefined ? '' : `,"detail":${toAsciiJson(detail)}`}`;
}

/** What would have happened if a policy did more than report. */
function toReportText({ code, detail }: GatewayError): string {
  return `,"reported":${toAsciiJson({ code, detail })}`;
}

/** Microseconds are as exact as it gets; whole numbers are written faster than fractions. */
function toMs(durationMs: number): string {
  const micros = Math.round(durationMs * 1000);
  const millis = Math.floor(micros / 1000);
  return (wholeMillis[millis] ?? `${millis}.`) + threeDigits[micros - millis * 1000];
}

/** Targets are visible ASCII; quotes and backslashes in them are rare enough to leave to JSON. */
function escapeTarget(target: string): string {
  return target.includes('"') || target.includes('\\') ? JSON.stringify(target).slice(1, -1) : target;
}

function toAsciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function countLines(batch: Buffer): number {
  let count = 0;
  for (let at = batch.indexOf(LINE_FEED); at >= 0; at = batch.indexOf(LINE_FEED, at + 1)) count += 1;
  return count;
}
