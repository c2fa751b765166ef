/**
 * Lines to a syslog server over one connection: TCP, TLS or a Unix socket. Messages have their length before them (RFC 6587 §3.4.1,
 * RFC 5425 §4.3). Syslog confirms nothing: what was on its way when a connection broke may be lost, and nobody knows. Whoever cannot
 * be reached is tried again after a while that grows; meanwhile lines wait.
 */
import { connect, isIP, type Socket } from 'node:net';
import type { SyslogUrl } from '#schema/syslog-url.ts';
import { GrowingPause } from './growing-pause.ts';
import { type DeliveryOwner, type LineBatch, type LineDelivery, NO_TIME, splitLines, WaitingLines } from './line-delivery.ts';
import type { SyslogMessages } from './syslog-message.ts';

export interface SyslogStreamOptions {
  readonly server: Exclude<SyslogUrl, { transport: 'udp' }>;
  readonly ca?: string | undefined;
  readonly messages: SyslogMessages;
  readonly owner: DeliveryOwner;
  /** Runs something later; the result takes it back. */
  readonly later: (delayMs: number, run: () => void) => () => void;
}

const CONNECT_MS = 10_000;
/** What is written at once, so that little is lost with a connection. */
const WRITE_BYTES = 64 * 1024;

export class SyslogStream implements LineDelivery {
  readonly #options: SyslogStreamOptions;
  readonly #waiting: WaitingLines;
  #socket: Socket | undefined;
  #isOpening = false;
  #isConnected = false;
  /** It has not yet taken them. */
  #writing: readonly LineBatch[] | undefined;
  readonly #pause = new GrowingPause();
  #takeBack: (() => void) | undefined;
  #onFinished: (() => void) | undefined;

  constructor(options: SyslogStreamOptions) {
    this.#options = options;
    this.#waiting = new WaitingLines(options.owner);
  }

  add(batch: LineBatch): void {
    this.#waiting.add(batch);
    this.#proceed();
  }

  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.#onFinished = resolve;
      this.#wake();
    });
  }

  abort(): void {
    const writing = this.#writing ?? [];
    if (this.#writing !== undefined) this.#writing = [];
    this.#waiting.lose(writing, NO_TIME);
    this.#waiting.loseAll(NO_TIME);
    this.#socket?.destroy();
    this.#wake();
  }

  #wake(): void {
    this.#takeBack?.();
    this.#takeBack = undefined;
    this.#proceed();
  }

  #proceed(): void {
    if (this.#writing !== undefined || this.#isOpening || this.#takeBack !== undefined) return;
    if (this.#waiting.isEmpty) return this.#end();
    if (this.#socket === undefined) void this.#connect();
    // One that is broken says so before it is closed: what is left waits for the next one.
    else if (this.#isConnected && this.#socket.writable) this.#write(this.#socket);
  }

  #end(): void {
    const onFinished = this.#onFinished;
    if (onFinished === undefined) return;
    this.#onFinished = undefined;
    const socket = this.#socket;
    if (socket === undefined || !this.#isConnected) {
      socket?.destroy();
      onFinished();
    } else socket.end(onFinished);
  }

  async #connect(): Promise<void> {
    this.#isOpening = true;
    const socket = await this.#open();
    this.#isOpening = false;
    this.#socket = socket;
    let reason = 'the connection was closed';
    const takeBack = this.#options.later(CONNECT_MS, () => {
      reason = `no connection within ${CONNECT_MS} ms`;
      socket.destroy();
    });
    socket.on(this.#options.server.transport === 'tls' ? 'secureConnect' : 'connect', () => {
      this.#isConnected = true;
      takeBack();
      // A program that embeds the gateway may end while nothing is written.
      socket.unref();
      this.#proceed();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reason = explainError(error);
    });
    // Nothing is to be read; what comes is let pass, so that the end shows itself.
    socket.resume();
    socket.on('close', () => {
      takeBack();
      this.#closed(reason);
    });
    // There may be nothing left to send by now.
    this.#proceed();
  }

  async #open(): Promise<Socket> {
    const { server, ca } = this.#options;
    if (server.transport === 'unix') return connect({ path: server.path });
    const { host, port } = server;
    if (server.transport === 'tcp') return connect({ host, port });
    const tls = await import('node:tls');
    // RFC 6066 §3: an address is no server name. Whether the certificate is the server's is looked at either way.
    return tls.connect({ host, port, ...(isIP(host) === 0 && { servername: host }), ...(ca !== undefined && { ca }) });
  }

  #write(socket: Socket): void {
    const batches = this.#waiting.take(WRITE_BYTES);
    // First: that a message is cut may be told of over this connection.
    this.#writing = batches;
    let text = '';
    for (const { bytes } of batches) {
      for (const line of splitLines(bytes)) {
        const message = this.#options.messages.toMessage(line);
        text += `${message.length} ${message}`;
      }
    }
    socket.write(text, 'latin1', (error) => {
      const written = this.#writing ?? [];
      this.#writing = undefined;
      if (error === undefined || error === null) {
        for (const batch of written) batch.settle();
        this.#pause.reset();
        this.#options.owner.onSent();
      } else this.#waiting.lose(written, 'the connection broke while they were sent');
      this.#proceed();
    });
  }

  #closed(reason: string): void {
    const wasConnected = this.#isConnected;
    this.#socket = undefined;
    this.#isConnected = false;
    if (this.#onFinished !== undefined && !wasConnected) {
      this.#waiting.loseAll(reason);
      return this.#proceed();
    }
    if (!wasConnected) this.#options.owner.onLost(0, reason);
    this.#takeBack = this.#options.later(this.#pause.next(), () => this.#wake());
  }
}

function explainError({ code, message }: NodeJS.ErrnoException): string {
  return code === 'EPROTOTYPE' ? 'the Unix socket takes datagrams, which Node.js cannot send' : (code ?? message);
}
