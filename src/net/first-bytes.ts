/**
 * Reads what a client sends first, before it is known who takes the connection over. Nothing is lost: whatever came goes to
 * the new owner as the first that it reads.
 */
import type { Socket } from 'node:net';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';

export interface FirstBytesReader {
  /**
   * Looks at all that came so far, the first `end` bytes; called whenever more did. False asks for more. The reader must come
   * to an end itself: nothing here limits what is collected.
   */
  isEnough(bytes: Buffer, end: number): boolean;
  /** The socket may be taken over. It is paused, and `bytes` belong before whatever is read from it. */
  onEnough(bytes: Buffer): void;
  /** No more comes: the client has ended or broken the connection, or its time is up. Close it. */
  onNoMore(reason: 'closed' | 'timeout'): void;
}

interface SocketWithHandle extends Socket {
  _handle?: { reading?: boolean; readStop?(): void } | null;
}

/** The socket must be paused and unread, as `pauseOnConnect` leaves it. */
export class FirstBytes extends WheelTimer {
  readonly #socket: Socket;
  readonly #reader: FirstBytesReader;
  readonly #wheel: TimerWheel;
  #bytes: Buffer | undefined = undefined;
  #end = 0;

  constructor(socket: Socket, reader: FirstBytesReader, timing: { readonly wheel: TimerWheel; readonly timeoutMs: number }) {
    super();
    this.#socket = socket;
    this.#reader = reader;
    this.#wheel = timing.wheel;
    timing.wheel.arm(this, timing.timeoutMs);
    socket.on('data', this.#onData);
    socket.on('end', this.#onClosed);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClosed);
    socket.resume();
  }

  /** Ends the connection without a word; the reader is not told. */
  close(): void {
    this.#letGo();
    this.#socket.destroy();
  }

  override onDeadline(): void {
    this.close();
    this.#reader.onNoMore('timeout');
  }

  readonly #onData = (chunk: Buffer): void => {
    const bytes = this.#append(chunk);
    if (!this.#reader.isEnough(bytes, this.#end)) return;
    this.#letGo();
    this.#reader.onEnough(bytes.subarray(0, this.#end));
  };

  readonly #onClosed = (): void => {
    this.close();
    this.#reader.onNoMore('closed');
  };

  readonly #onError = (): void => {
    // The end of the connection follows.
  };

  #append(chunk: Buffer): Buffer {
    const before = this.#bytes;
    const end = this.#end + chunk.length;
    if (before === undefined) this.#bytes = chunk;
    else {
      // Grows by doubling: who sends byte by byte must not make us copy everything each time.
      const bytes = end <= before.length ? before : Buffer.allocUnsafe(2 * end);
      if (bytes !== before) before.copy(bytes, 0, 0, this.#end);
      chunk.copy(bytes, this.#end);
      this.#bytes = bytes;
    }
    this.#end = end;
    return this.#bytes!;
  }

  /** Leaves the socket as it was found: paused, and nobody listening. */
  #letGo(): void {
    const socket = this.#socket as SocketWithHandle;
    this.#wheel.remove(this);
    socket.off('data', this.#onData).off('end', this.#onClosed).off('close', this.#onClosed);
    socket.pause();
    const handle = socket._handle;
    if (handle === undefined || handle === null) return;
    handle.reading = false;
    handle.readStop?.();
  }
}
