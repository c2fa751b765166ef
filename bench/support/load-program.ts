/**
 * A load generator that is always there: each connection asks, waits for the whole answer, pauses, and asks again. It
 * costs more processor time than wrk, so it is no measure of what a gateway can take; it sees failures and latencies.
 *
 * Usage: node bench/support/load-program.ts '{"port":8080,"path":"/","connections":8,"pauseMs":0}'
 * A line on the standard input makes it print, as one line of JSON, what happened since the line before.
 */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { LatencyWindow } from './latency-window.ts';

export interface LoadPlan {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** Between an answer and the next request of the same connection. */
  readonly pauseMs: number;
  /** The field that tells who asks; a token that nobody reads when not given. */
  readonly credential?: string;
  /** JSON that is sent with POST; without it, nothing is sent with GET. */
  readonly body?: string;
}

const READ_BYTES = 256 * 1024;
const ANSWER_WITHIN_MS = 10_000;
const RECONNECT_MS = 10;

class LoadConnection {
  readonly #plan: LoadPlan;
  readonly #window: LatencyWindow;
  readonly #request: string;
  #socket: Socket | undefined;
  #askedMs = 0;
  #isAsking = false;
  /** Bytes of the body to come; -1 while the head is awaited. */
  #left = -1;
  #head = '';

  constructor(plan: LoadPlan, window: LatencyWindow) {
    this.#plan = plan;
    this.#window = window;
    const { body, credential = 'authorization: Bearer abcdefghijklmnop' } = plan;
    const framing = body === undefined ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
    this.#request = `${body === undefined ? 'GET' : 'POST'} ${plan.path} HTTP/1.1\r\nhost: 127.0.0.1:${plan.port}\r\naccept: application/json\r\nuser-agent: bench/1\r\n${framing}${credential}\r\n\r\n${body ?? ''}`;
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
  const window = new LatencyWindow();
  for (let index = 0; index < plan.connections; index += 1) new LoadConnection(plan, window);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', () => process.stdout.write(`${JSON.stringify(window.take())}\n`));
  lines.on('close', () => process.exit());
}
