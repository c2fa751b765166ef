/** A client that writes exactly the bytes it is told, and reads what comes until a condition holds. */
import { connect, type Socket } from 'node:net';

/** On a machine that has much else to do, or stands still for a while. */
const PATIENCE_MS = 30_000;

export class RawClient {
  readonly socket: Socket;
  #received = '';
  #hasEnded = false;
  #isClosed = false;
  #error: Error | undefined;
  readonly #waiters = new Set<() => void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#note(() => (this.#received += bytes.toString('latin1'))));
    socket.on('end', () => this.#note(() => (this.#hasEnded = true)));
    socket.on('error', (error) => this.#note(() => (this.#error = error)));
    socket.on('close', () => this.#note(() => (this.#isClosed = true)));
  }

  /** `localAddress`: where the client seems to be; 127.0.0.2 and so on are all this machine. */
  static async open(port: number, host = '127.0.0.1', localAddress?: string): Promise<RawClient> {
    const socket = connect({ port, host, allowHalfOpen: true, ...(localAddress === undefined ? {} : { localAddress }) });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawClient(socket);
  }

  /** Everything received so far, as latin1. */
  get received(): string {
    return this.#received;
  }
  get hasEnded(): boolean {
    return this.#hasEnded || this.#isClosed;
  }
  get error(): Error | undefined {
    return this.#error;
  }

  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Resolves with all that was received once it matches; fails when the connection ends first or patience does. */
  async until(pattern: RegExp | string): Promise<string> {
    const matches = () => (typeof pattern === 'string' ? this.#received.includes(pattern) : pattern.test(this.#received));
    await this.#wait(() => matches() || this.hasEnded, `${pattern}`);
    if (!matches()) throw new Error(`the connection ended before ${pattern}; received ${JSON.stringify(this.#received)}`);
    return this.#received;
  }

  /** Resolves with all that was received once the peer has sent its end or is gone. */
  async untilEnd(): Promise<string> {
    await this.#wait(() => this.hasEnded, 'the end');
    return this.#received;
  }

  /** What was received and not yet taken away; later reads begin behind it. */
  take(): string {
    const taken = this.#received;
    this.#received = '';
    return taken;
  }

  close(): void {
    this.socket.destroy();
  }

  #note(change: () => void): void {
    change();
    for (const waiter of [...this.#waiters]) waiter();
  }

  #wait(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!condition()) return;
        this.#waiters.delete(check);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(check);
        reject(new Error(`waited in vain for ${what}; received ${JSON.stringify(this.#received)}`));
      }, PATIENCE_MS);
      this.#waiters.add(check);
    });
  }
}
