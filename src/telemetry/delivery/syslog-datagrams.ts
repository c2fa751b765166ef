/**
 * Lines to a syslog server by UDP, one to a datagram (RFC 5426). Whether any arrives, nobody knows; but a host may answer that nobody
 * listens there. Then, and where the server has no address, lines wait for a while that grows.
 */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns';
import { type DeliveryOwner, type LineBatch, type LineDelivery, NO_TIME, splitLines, WaitingLines } from './line-delivery.ts';
import { SendingTurns } from './sending-turns.ts';
import type { SyslogMessages } from './syslog-message.ts';

export interface SyslogDatagramsOptions {
  readonly host: string;
  readonly port: number;
  readonly messages: SyslogMessages;
  readonly owner: DeliveryOwner;
  /** Runs something later; the result takes it back. */
  readonly later: (delayMs: number, run: () => void) => () => void;
}

/** A server may move without a word, so its name is looked up again after this. */
const SOCKET_LIFE_MS = 60_000;
/** That the first message was sent says nothing: a refusal comes with the next. */
const PROOF = 2;
/** Of one message: the others may have more luck. */
const TOO_LONG = 'EMSGSIZE';

interface OpenSocket {
  readonly socket: Socket;
  readonly takeBack: () => void;
  sent: number;
  isOld: boolean;
}

export class SyslogDatagrams implements LineDelivery {
  readonly #options: SyslogDatagramsOptions;
  readonly #waiting: WaitingLines;
  readonly #turns: SendingTurns;
  /** It is being sent, or what is left of it when sending has failed. */
  #batch: LineBatch | undefined;
  /** Of the first line of the batch, where sending has failed: it has its number, and is sent as it is. */
  #message: string | undefined;
  #open: OpenSocket | undefined;

  constructor(options: SyslogDatagramsOptions) {
    const { owner, later } = options;
    this.#options = options;
    this.#waiting = new WaitingLines(owner);
    this.#turns = new SendingTurns({
      sendNext: () => {
        this.#batch ??= this.#waiting.take(0)[0];
        return this.#batch && this.#sendBatch(this.#batch);
      },
      onFailure: (reason) => owner.onLost(0, reason),
      later,
    });
  }

  add(batch: LineBatch): void {
    this.#waiting.add(batch);
    void this.#turns.proceed();
  }

  async finish(): Promise<void> {
    const failure = await this.#turns.finish();
    if (failure !== undefined) this.#loseAll(failure);
    this.#drop();
  }

  abort(): void {
    this.#loseAll(NO_TIME);
    this.#turns.wake();
  }

  #loseAll(reason: string): void {
    if (this.#batch !== undefined) this.#waiting.lose([this.#batch], reason);
    this.#batch = undefined;
    this.#message = undefined;
    this.#waiting.loseAll(reason);
  }

  /** Returns why a line could not be sent: it is the first of those that are left. */
  async #sendBatch({ bytes, settle }: LineBatch): Promise<string | undefined> {
    for (const line of splitLines(bytes)) {
      this.#message ??= this.#options.messages.toMessage(line);
      const failure = await this.#send(this.#message);
      // Everything was given up meanwhile.
      if (this.#batch === undefined) return undefined;
      const start = line.byteOffset - bytes.byteOffset;
      const next = start + line.length + 1;
      if (failure === TOO_LONG) this.#waiting.lose([{ bytes: bytes.subarray(start, next), settle: () => undefined }], failure);
      else if (failure !== undefined) return failure;
      this.#message = undefined;
      this.#batch = { bytes: bytes.subarray(next), settle };
    }
    this.#batch = undefined;
    settle();
    this.#options.owner.onSent();
    return undefined;
  }

  async #send(message: string): Promise<string | undefined> {
    try {
      if (this.#open?.isOld) this.#drop();
      this.#open ??= await this.#openSocket();
      await send(this.#open.socket, message);
      this.#open.sent += 1;
      if (this.#open.sent === PROOF) this.#turns.pause.reset();
      return undefined;
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      if (code !== TOO_LONG) this.#drop();
      return code;
    }
  }

  #openSocket(): Promise<OpenSocket> {
    const { host, port, later } = this.#options;
    return new Promise((resolve, reject) => {
      lookup(host, (failure, address, family) => {
        if (failure !== null) return reject(failure);
        const socket = createSocket(family === 6 ? 'udp6' : 'udp4').unref();
        // Whoever sends is told by the next message.
        socket.on('error', reject);
        // Node says here too that it has failed, which its types do not know.
        socket.connect(port, address, (problem?: Error) => {
          if (problem !== undefined) {
            socket.close();
            return reject(problem);
          }
          const takeBack = later(SOCKET_LIFE_MS, () => {
            open.isOld = true;
          });
          const open: OpenSocket = { socket, takeBack, sent: 0, isOld: false };
          resolve(open);
        });
      });
    });
  }

  #drop(): void {
    this.#open?.takeBack();
    this.#open?.socket.close();
    this.#open = undefined;
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
