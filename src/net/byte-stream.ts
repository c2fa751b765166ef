/**
 * A connection as the codecs want it: bytes in as lent views, text or bytes out, without the stream machinery where the
 * socket allows it. Plain sockets read straight into our buffers (`onread`); TLS sockets hand out buffers of their own.
 */
import type { Socket, SocketConstructorOpts } from 'node:net';
import { assert } from '#base/assert.ts';
import { type DirectWriter, type WritableHandle, writeBytes, writesDirectly, writeText } from './direct-write.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { resetConnection } from './reset.ts';

/** Who owns a stream. Every stream ends in exactly one `onClosed`. */
export interface StreamOwner {
  /**
   * The first `end` bytes are lent: they are valid until this call returns, and beyond that only while a `write` of them is
   * pending. What stands behind them is somebody else's.
   */
  onBytes(bytes: Buffer, end: number): void;
  /** The peer has sent its last byte. We may still write. */
  onEof(): void;
  /** Everything written has left, after a `write` that returned false. */
  onDrained(): void;
  onClosed(error: Error | undefined): void;
}

export type OnRead = NonNullable<SocketConstructorOpts['onread']>;

/** Makes the socket of a stream. */
export type SocketMaker = (onread: OnRead) => {
  readonly socket: Socket;
  /** It took `onread`; otherwise it is read by `data` events. */
  readonly readsDirectly: boolean;
  /** Was read from the connection before: the owner gets it first. */
  readonly early?: Buffer | undefined;
};

/** A socket that knows its stream, so that its listeners can be shared functions instead of a closure per connection. */
interface OwnedSocket extends Socket {
  gatehouseStream?: ByteStream;
  /** Not in Node's documentation. `_parent`: what a TLS handle writes to. */
  _handle?:
    | (WritableHandle & { readonly writeQueueSize?: number; readonly _parent?: { readonly writeQueueSize?: number } })
    | null;
}

export class ByteStream implements DirectWriter {
  readonly socket: Socket;
  owner: StreamOwner;
  isPaused = false;
  isClosed = false;
  /** Inside a read: the next buffer can still be chosen. */
  isReading = false;
  #awaitsDrain = false;
  #isEnded = false;
  #hasRead = false;
  #ownsBuffer = false;
  #bodyBuffer: Buffer | undefined = undefined;
  /** The next read buffer when it differs from the present one. */
  #nextBuffer: Buffer | undefined = undefined;
  #error: Error | undefined = undefined;
  /** Made for those who use `writeOwn` only. */
  #onWritten: ((error: Error | null | undefined) => void) | undefined = undefined;
  readonly #buffers: ReadBuffers;
  readonly #readsIntoOurBuffers: boolean;
  readonly #isSecure: boolean;

  constructor(owner: StreamOwner, buffers: ReadBuffers, makeSocket: SocketMaker) {
    this.owner = owner;
    this.#buffers = buffers;
    this.#nextBuffer = buffers.shared;
    // The types know `onread.buffer` as a buffer only; Node's documentation has the function form too.
    const onread = { buffer: () => this.#takeNextBuffer(), callback: onRead } as unknown as OnRead;
    const { socket, readsDirectly, early } = makeSocket(onread);
    this.socket = socket;
    (socket as OwnedSocket).gatehouseStream = this;
    this.#readsIntoOurBuffers = readsDirectly;
    this.#isSecure = 'encrypted' in socket;
    if (!readsDirectly) socket.on('data', onData);
    socket.on('drain', onDrain);
    socket.on('end', onEnd);
    socket.on('error', onError);
    socket.on('close', onClose);
    socket.resume();
    // Not before the owner is ready, and still before anything can be read.
    if (early !== undefined && early.length > 0) queueMicrotask(() => this.#deliverEarly(early));
  }

  /**
   * Writes latin1 text or bytes. True: the operating system has all of it, or what waits is little and nobody's buffer.
   * False: it waits, the bytes must stay as they are and nothing more should be written until the owner's `onDrained`.
   */
  write(data: string | Buffer): boolean {
    if (typeof data === 'string') {
      const handle = this.#directHandle();
      if (handle !== undefined) return writeText(handle, data, this) || this.#waitForWritten();
      const socket = this.socket;
      socket.write(data, 'latin1');
      // Over TLS the end of every write shows in the next turn only. Text is nobody's buffer: a little of it may wait.
      const isTaken = socket.writableLength === 0 || (this.#isSecure && socket.writableLength < socket.writableHighWaterMark);
      return isTaken || this.#waitForDrain();
    }
    return this.writeAll('', data, '');
  }

  /** Writes several pieces with one system call. */
  writeAll(first: string, body: Buffer, last: string): boolean {
    const socket = this.socket;
    const isShared = this.#buffers.isShared(body);
    const bytes = isShared ? this.#buffers.copyShared(body) : body;
    const isAlone = first === '' && last === '';
    const handle = isAlone ? this.#directHandle() : undefined;
    if (handle !== undefined) {
      if (writeBytes(handle, bytes, this)) return true;
      if (isShared) this.#buffers.keepCopy();
      return this.#waitForWritten();
    }
    if (isAlone) socket.write(bytes);
    else {
      socket.cork();
      if (first !== '') socket.write(first, 'latin1');
      socket.write(bytes);
      if (last !== '') socket.write(last, 'latin1');
      socket.uncork();
    }
    if (socket.writableLength === 0) return true;
    if (isShared) this.#buffers.keepCopy();
    return this.#waitForDrain();
  }

  /**
   * Writes bytes of the owner's own, one piece at a time: the next is for behind `onDrained` where this returns false. Cheaper
   * than `write` where the end of a write shows in the next turn only, as it does over TLS.
   */
  writeOwn(bytes: Buffer): boolean {
    const socket = this.socket;
    this.#onWritten ??= (error) => this.onWritten(error ?? undefined);
    socket.write(bytes, this.#onWritten);
    if (socket.writableLength === 0) return true;
    this.#awaitsDrain = true;
    return false;
  }

  get isWritePending(): boolean {
    return this.#awaitsDrain;
  }

  /** Bytes that the operating system has not taken. They become fewer while a slow peer reads, long before `onDrained`. */
  get unsentBytes(): number {
    const handle = (this.socket as OwnedSocket)._handle;
    return handle?._parent?.writeQueueSize ?? handle?.writeQueueSize ?? this.socket.writableLength;
  }

  /** The peer has sent its last byte, and all of it has been read. */
  get hasEnded(): boolean {
    return this.socket.readableEnded;
  }

  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.socket.resume();
  }

  /** Reads into a large buffer of this stream's own until `stopBodyBuffer`. */
  startBodyBuffer(): void {
    if (this.#bodyBuffer !== undefined || !this.#readsIntoOurBuffers) return;
    this.#bodyBuffer = this.#buffers.borrow();
    this.#nextBuffer = this.#bodyBuffer;
  }

  /**
   * The large body is over. `kept`: more are expected, so the buffer may stay with this stream if not too many do.
   * `in-use`: bytes of this read are still to be handled, so nobody else may get the buffer.
   */
  stopBodyBuffer(after: 'kept' | 'in-use'): void {
    const buffer = this.#bodyBuffer;
    if (buffer === undefined) return;
    // A paused reader means that somebody still writes what was read last. Outside a read, the socket goes on to fill the
    // buffer once more before it asks for the next.
    const isInUse = after === 'in-use' || this.isPaused || !this.isReading;
    this.#ownsBuffer ||= after === 'kept' && !isInUse && this.#buffers.mayOwn();
    if (this.#ownsBuffer && !isInUse) return;
    if (this.#ownsBuffer) this.#buffers.endOwnership();
    else this.#buffers.giveBack(buffer, isInUse);
    this.#ownsBuffer = false;
    this.#bodyBuffer = undefined;
    this.#nextBuffer = this.#buffers.shared;
  }

  /** Sends what is written and then the end of our side. The peer may still send. */
  end(): void {
    this.#isEnded = true;
    this.socket.end();
  }

  /** Sends what is written and the end of our side, and does not wait for what the peer may still send. */
  endBoth(): void {
    this.socket.destroySoon();
  }

  /** Ends both sides now; what is not yet sent is lost. */
  destroy(): void {
    this.socket.destroy();
  }

  /**
   * Asks the operating system whether the peer has reset the connection; the end follows by `onClosed`. After the peer's
   * end nothing is read any more, so a reset would go unnoticed. False: a TLS stream would have to send something, so it
   * has not been asked.
   */
  probe(): boolean {
    if (this.#isSecure) return false;
    this.socket.write('', 'latin1');
    return true;
  }

  /** Ends both sides so that the peer cannot take it for a regular end, where the connection can say that. */
  reset(): void {
    if (this.#isSecure) this.socket.destroy();
    else resetConnection(this.socket);
  }

  /** Called by the shared listeners below only. */
  deliver(bytes: Buffer, end: number): void {
    this.#hasRead = true;
    this.isReading = true;
    this.owner.onBytes(bytes, end);
    this.isReading = false;
  }

  drained(): void {
    if (!this.#awaitsDrain) return;
    // Something was written behind the write whose end this is.
    if (this.socket.writableLength > 0) return this.#askForDrain();
    this.#awaitsDrain = false;
    if (!this.isClosed) this.owner.onDrained();
  }

  /** Called at the end of a write only. */
  onWritten(error: Error | undefined): void {
    if (error === undefined) this.drained();
    else this.socket.destroy(error);
  }

  failed(error: Error): void {
    this.#error = error;
  }

  closed(): void {
    assert(!this.isClosed, 'a stream closes once');
    this.isClosed = true;
    this.stopBodyBuffer('in-use');
    this.owner.onClosed(this.#error);
  }

  #deliverEarly(early: Buffer): void {
    if (!this.isClosed) this.deliver(early, early.length);
  }

  /** Asked after each read, and before the first one once for every address that is tried. */
  #takeNextBuffer(): Buffer | undefined {
    const next = this.#nextBuffer;
    if (!this.#hasRead) return next;
    if (this.isPaused && this.#isSecure && this.#bodyBuffer !== undefined) {
      // TLS hands out all that it has decrypted, also when reading has been paused, and somebody still writes what came before.
      this.#nextBuffer = this.#bodyBuffer;
      return this.#buffers.shared;
    }
    this.#nextBuffer = undefined;
    return next;
  }

  /** For writes past the socket: nothing is waiting in it, and it has not been told that the last byte was written. */
  #directHandle(): WritableHandle | undefined {
    if (!writesDirectly || this.#isSecure || this.#awaitsDrain || this.#isEnded) return undefined;
    const socket: OwnedSocket = this.socket;
    return socket.connecting ? undefined : (socket._handle ?? undefined);
  }

  #waitForWritten(): false {
    this.#awaitsDrain = true;
    return false;
  }

  #waitForDrain(): false {
    if (!this.#awaitsDrain) {
      this.#awaitsDrain = true;
      this.#askForDrain();
    }
    return false;
  }

  /** Below the stream's high-water mark there is no `drain` event; the end of an empty write tells the same. */
  #askForDrain(): void {
    const socket = this.socket;
    if (!socket.writableNeedDrain && socket.writable) socket.write('', 'latin1', () => this.drained());
  }
}

function onRead(this: OwnedSocket, bytesRead: number, buffer: Uint8Array): boolean {
  const stream = this.gatehouseStream!;
  // The buffer is one of those that `#takeNextBuffer` gave.
  stream.deliver(buffer as Buffer, bytesRead);
  return !stream.isPaused;
}

function onData(this: OwnedSocket, bytes: Buffer): void {
  this.gatehouseStream!.deliver(bytes, bytes.length);
}

function onDrain(this: OwnedSocket): void {
  this.gatehouseStream!.drained();
}

function onEnd(this: OwnedSocket): void {
  this.gatehouseStream!.owner.onEof();
}

function onError(this: OwnedSocket, error: Error): void {
  this.gatehouseStream!.failed(error);
  // A fault of TLS does not close the socket by itself.
  this.destroy();
}

function onClose(this: OwnedSocket): void {
  this.gatehouseStream!.closed();
}
