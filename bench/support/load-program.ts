/**
 * A load generator that is always there: each connection asks, waits for the whole answer, pauses, and asks again. It
 * costs more processor time than wrk, so it is no measure of what a gateway can take; it sees failures and latencies.
 *
 * Usage: node bench/support/load-program.ts '{"port":8080,"path":"/","connections":8,"pauseMs":0}'
 * A line on the standard input makes it print, as one line of JSON, what happened since the line before.
 */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface LoadPlan {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** Between an answer and the next request of the same connection. */
  readonly pauseMs: number;
}

export interface LoadFigures {
  readonly requests: number;
  readonly failed: number;
  /** Reasons of failures, with how often each came. */
  readonly failures: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly worstUs: number;
}

const READ_BYTES = 256 * 1024;
const HISTOGRAM_US = 2_000_000;
const ANSWER_WITHIN_MS = 10_000;
const RECONNECT_MS = 10;

/** Latencies in microseconds, exact below two seconds. */
class Window {
  readonly #counts = new Uint32Array(HISTOGRAM_US);
  readonly #failures = new Map<string, number>();
  #requests = 0;
  #worstUs = 0;
  #startedMs = performance.now();

  add(us: number): void {
    this.#requests += 1;
    this.#worstUs = Math.max(this.#worstUs, us);
    this.#counts[Math.min(Math.floor(us), HISTOGRAM_US - 1)]! += 1;
  }

  fail(reason: string): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
  }

  /** The figures so far; then it begins anew. */
  take(): LoadFigures {
    const nowMs = performance.now();
    const figures: LoadFigures = {
      requests: this.#requests,
      failed: [...this.#failures.values()].reduce((sum, count) => sum + count, 0),
      failures: Object.fromEntries(this.#failures),
      seconds: (nowMs - this.#startedMs) / 1000,
      p50Us: this.#percentile(0.5),
      p99Us: this.#percentile(0.99),
      worstUs: Math.round(this.#worstUs),
    };
    this.#counts.fill(0);
    this.#failures.clear();
    this.#requests = this.#worstUs = 0;
    this.#startedMs = nowMs;
    return figures;
  }

  #percentile(share: number): number {
    let left = this.#requests * share;
    for (let us = 0; us < HISTOGRAM_US; us += 1) {
      left -= this.#counts[us]!;
      if (left <= 0) return us;
    }
    return HISTOGRAM_US;
  }
}

class LoadConnection {
  readonly #plan: LoadPlan;
  readonly #window: Window;
  readonly #request: string;
  #socket: Socket | undefined;
  #askedMs = 0;
  #isAsking = false;
  /** Bytes of the body to come; -1 while the head is awaited. */
  #left = -1;
  #head = '';

  constructor(plan: LoadPlan, window: Window) {
    this.#plan = plan;
    this.#window = window;
    this.#request = `GET ${plan.path} HTTP/1.1\r\nhost: 127.0.0.1:${plan.port}\r\naccept: application/json\r\nuser-agent: bench/1\r\nauthorization: Bearer abcdefghijklmnop\r\n\r\n`;
    this.#connect();
    setInterval(() => {
      if (this.#isAsking && performance.now() - this.#askedMs > ANSWER_WITHIN_MS) this.#fail('no answer in time');
    }, 1_000).unref();
  }

  #connect(): void {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const onread = {
      buffer,
      callback: (count: number) => {
        this.#read(buffer, count);
        return true;
      },
    };
    const socket = connect({ host: '127.0.0.1', port: this.#plan.port, noDelay: true, onread });
    this.#socket = socket;
    socket.once('connect', () => this.#ask());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(error.code ?? error.message));
    socket.on('end', () => this.#fail('connection closed'));
  }

  #ask(): void {
    this.#askedMs = performance.now();
    this.#isAsking = true;
    this.#left = -1;
    this.#head = '';
    this.#socket?.write(this.#request);
  }

  #read(bytes: Buffer, count: number): void {
    if (this.#left >= 0) return this.#takeBody(count);
    this.#head += bytes.latin1Slice(0, Math.min(count, 16 * 1024));
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#head.slice(0, end);
    if (!head.startsWith('HTTP/1.1 200 ')) return this.#fail(`status ${head.slice(9, 12)}`);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) return this.#fail('no content-length');
    const headBytes = end + 4 - (this.#head.length - Math.min(count, 16 * 1024));
    this.#left = Number(length);
    this.#takeBody(count - headBytes);
  }

  #takeBody(count: number): void {
    this.#left -= count;
    if (this.#left < 0) return this.#fail('more than was asked for');
    if (this.#left > 0) return;
    this.#isAsking = false;
    this.#window.add((performance.now() - this.#askedMs) * 1000);
    if (this.#plan.pauseMs === 0) this.#ask();
    else setTimeout(() => this.#askAgain(), this.#plan.pauseMs);
  }

  #askAgain(): void {
    if (this.#socket !== undefined && !this.#isAsking) this.#ask();
  }

  #fail(reason: string): void {
    if (this.#socket === undefined) return;
    this.#window.fail(reason);
    this.#socket.destroy();
    this.#socket = undefined;
    this.#isAsking = false;
    setTimeout(() => this.#connect(), RECONNECT_MS);
  }
}

if (import.meta.main) {
  const plan: LoadPlan = JSON.parse(process.argv[2] ?? '{}');
  const window = new Window();
  for (let index = 0; index < plan.connections; index += 1) new LoadConnection(plan, window);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', () => process.stdout.write(`${JSON.stringify(window.take())}\n`));
  lines.on('close', () => process.exit());
}
