/** Lines to a syslog server by UDP, one to a datagram (RFC 5426). Whether any arrives, nobody knows. */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns';
import { type DeliveryOwner, type LineBatch, type LineDelivery, NO_TIME, splitLines, WaitingLines } from './line-delivery.ts';
import type { SyslogMessages } from './syslog-message.ts';

export interface SyslogDatagramsOptions {
  readonly host: string;
  readonly port: number;
  readonly messages: SyslogMessages;
  readonly owner: DeliveryOwner;
}

/** What is longer is cut: RFC 5426 §3.2 lets receivers take no more, and most take this. */
const MESSAGE_LENGTH_MAX = 8 * 1024;
const BATCH_BYTES = 16 * 1024;

export class SyslogDatagrams implements LineDelivery {
  readonly #options: SyslogDatagramsOptions;
  readonly #waiting: WaitingLines;
  /** Knows where to; made anew after a failure, since the server may have moved. */
  #socket: Socket | undefined;
  #isBusy = false;
  #isAborted = false;
  #onFinished: (() => void) | undefined;

  constructor(options: SyslogDatagramsOptions) {
    this.#options = options;
    this.#waiting = new WaitingLines(options.owner);
  }

  add(batch: LineBatch): void {
    this.#waiting.add(batch);
    void this.#proceed();
  }

  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.#onFinished = resolve;
      void this.#proceed();
    });
  }

  abort(): void {
    this.#isAborted = true;
    this.#waiting.loseAll(NO_TIME);
  }

  async #proceed(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (!this.#waiting.isEmpty) for (const batch of this.#waiting.take(BATCH_BYTES)) await this.#sendAll(batch);
    this.#isBusy = false;
    if (this.#onFinished === undefined) return;
    this.#drop();
    this.#onFinished();
  }

  async #sendAll(batch: LineBatch): Promise<void> {
    let lost = 0;
    let reason = '';
    for (const line of splitLines(batch.bytes)) {
      if (this.#isAborted) {
        lost += 1;
        reason = NO_TIME;
        continue;
      }
      try {
        this.#socket ??= await this.#open();
        await send(this.#socket, this.#options.messages.toMessage(line).slice(0, MESSAGE_LENGTH_MAX));
      } catch (error) {
        this.#drop();
        lost += 1;
        reason = (error as NodeJS.ErrnoException).code ?? String(error);
      }
    }
    batch.settle();
    if (lost > 0) this.#options.owner.onLost(lost, reason);
    else this.#options.owner.onSent();
  }

  #open(): Promise<Socket> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      lookup(host, (failure, address, family) => {
        if (failure !== null) return reject(failure);
        const socket = createSocket(family === 6 ? 'udp6' : 'udp4').unref();
        // Whoever sends is told by the next message.
        socket.on('error', reject);
        // Node says here too that it has failed, which its types do not know.
        socket.connect(port, address, (problem?: Error) => {
          if (problem === undefined) return resolve(socket);
          socket.close();
          reject(problem);
        });
      });
    });
  }

  #drop(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}

function send(socket: Socket, message: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(Buffer.from(message, 'latin1'), (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}
