/**
 * Clients that do not wait for each other: requests arrive at random times at a fixed rate, however long answers take. This
 * is what an overload looks like; a load generator that waits for each answer is slowed down by the gateway that it loads.
 *
 * Usage: node bench/support/arrivals-program.ts '{"port":8080,"streams":[{"path":"/","perSecond":100}]}'
 * A line on the standard input makes it print, as one line of JSON, what happened on each path since the line before.
 */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { LatencyWindow } from './latency-window.ts';

export interface ArrivalsPlan {
  readonly port: number;
  readonly streams: readonly { readonly path: string; readonly perSecond: number }[];
}

const TICK_MS = 1;
const CONNECTIONS_MAX = 5_000;

class ArrivalStream {
  readonly window = new LatencyWindow();
  readonly #port: number;
  readonly #request: string;
  readonly #perMs: number;
  readonly #free: Socket[] = [];
  #connections = 0;
  #nextMs = performance.now();

  constructor(port: number, { path, perSecond }: ArrivalsPlan['streams'][number]) {
    this.#port = port;
    this.#request = `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;
    this.#perMs = perSecond / 1_000;
    setInterval(() => this.#arrive(), TICK_MS);
  }

  #arrive(): void {
    const nowMs = performance.now();
    while (this.#nextMs <= nowMs) {
      this.#nextMs += -Math.log(1 - Math.random()) / this.#perMs;
      const socket = this.#free.pop() ?? this.#open();
      if (socket === undefined) this.window.fail('too many connections');
      else this.#ask(socket);
    }
  }

  #open(): Socket | undefined {
    if (this.#connections >= CONNECTIONS_MAX) return undefined;
    this.#connections += 1;
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#connections -= 1;
    });
    return socket;
  }

  #ask(socket: Socket): void {
    const askedMs = performance.now();
    let head = '';
    const onEnd = () => this.window.fail('connection closed');
    const onData = (bytes: Buffer) => {
      head += bytes.toString('latin1');
      const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
      const bodyAt = head.indexOf('\r\n\r\n') + 4;
      if (length === null || bodyAt < 4 || head.length < bodyAt + Number(length[1])) return;
      socket.off('data', onData).off('close', onEnd);
      if (head.startsWith('HTTP/1.1 200 ')) this.window.add((performance.now() - askedMs) * 1_000);
      else this.window.fail(`status ${head.slice(9, 12)}`);
      this.#free.push(socket);
    };
    socket.on('data', onData).once('close', onEnd);
    socket.write(this.#request);
  }
}

if (import.meta.main) {
  const plan: ArrivalsPlan = JSON.parse(process.argv[2] ?? '{}');
  const streams = plan.streams.map((stream) => new ArrivalStream(plan.port, stream));
  const lines = createInterface({ input: process.stdin });
  lines.on('line', () => process.stdout.write(`${JSON.stringify(streams.map(({ window }) => window.take()))}\n`));
  lines.on('close', () => process.exit());
}
