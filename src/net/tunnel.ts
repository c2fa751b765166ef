import { limits } from '#base/limits.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import { WheelTimer } from '#base/timer-wheel.ts';
import type { StreamOwner } from './byte-stream.ts';

/** One end of a tunnel: a connection, or a stream of one. What its members mean stands at `ByteStream`. */
export interface TunnelStream {
  owner: StreamOwner;
  readonly isClosed: boolean;
  readonly isWritePending: boolean;
  readonly unsentBytes: number;
  readonly hasEnded: boolean;
  write(bytes: Buffer): boolean;
  pause(): void;
  resume(): void;
  startBodyBuffer(): void;
  stopBodyBuffer(after: 'kept' | 'in-use'): void;
  end(): void;
  destroy(): void;
  reset(): void;
}

/** `client-lost` and `upstream-lost`: whose connection broke first. */
export type TunnelEnd = 'closed' | 'idle' | 'client-lost' | 'upstream-lost';

export interface TunnelOwner {
  onTunnelEnded(end: TunnelEnd, bytes: { fromClient: number; fromUpstream: number }): void;
}

/** Joins two connections into one stream of bytes each way until both sides are done or nothing has moved for a while. */
export class Tunnel extends WheelTimer {
  readonly #client: TunnelHalf;
  readonly #upstream: TunnelHalf;
  readonly #wheel: TimerWheel;
  readonly #idleMs: number;
  readonly #owner: TunnelOwner;
  #open = 2;
  #end: TunnelEnd = 'closed';
  /** What the two sides had not taken when they were looked at last. */
  #unsentBytes = 0;

  constructor(
    streams: { client: TunnelStream; upstream: TunnelStream },
    timing: { wheel: TimerWheel; idleMs: number },
    owner: TunnelOwner,
  ) {
    super();
    this.#wheel = timing.wheel;
    this.#idleMs = timing.idleMs;
    this.#owner = owner;
    this.#client = new TunnelHalf(streams.client, streams.upstream, this);
    this.#upstream = new TunnelHalf(streams.upstream, streams.client, this);
    this.#client.other = this.#upstream;
    this.#upstream.other = this.#client;
    streams.client.owner = this.#client;
    streams.upstream.owner = this.#upstream;
  }

  /** Starts to move bytes; what each side had sent already goes first. */
  start(early: { fromClient: Buffer | undefined; fromUpstream: Buffer | undefined }): void {
    this.touch();
    this.#client.begin(early.fromClient);
    this.#upstream.begin(early.fromUpstream);
  }

  /** Ends both sides at once. */
  close(): void {
    this.#client.stream.destroy();
    this.#upstream.stream.destroy();
  }

  touch(): void {
    this.#wheel.arm(this, this.#idleMs);
  }

  /** One side has not taken all that was written. */
  noteUnsent(): void {
    this.#unsentBytes = this.#countUnsent();
  }

  override onDeadline(): void {
    const unsentBytes = this.#countUnsent();
    // A slow reader takes some of what waits for it long before it has taken all.
    if (unsentBytes < this.#unsentBytes) {
      this.#unsentBytes = unsentBytes;
      return this.touch();
    }
    this.#end = 'idle';
    this.close();
  }

  halfClosed(half: TunnelHalf, error: Error | undefined): void {
    if (error !== undefined && this.#end === 'closed') this.#end = half === this.#client ? 'client-lost' : 'upstream-lost';
    this.#open -= 1;
    if (this.#open > 0) return half.other?.endAfterPeer(error);
    this.#wheel.remove(this);
    this.#owner.onTunnelEnded(this.#end, this.bytes);
  }

  /** What has been read of each side so far. */
  get bytes(): { fromClient: number; fromUpstream: number } {
    return { fromClient: this.#client.bytes, fromUpstream: this.#upstream.bytes };
  }

  #countUnsent(): number {
    return this.#client.stream.unsentBytes + this.#upstream.stream.unsentBytes;
  }
}

/** One direction: reads from `stream` and writes to its peer. */
class TunnelHalf implements StreamOwner {
  readonly stream: TunnelStream;
  other: TunnelHalf | undefined = undefined;
  bytes = 0;
  readonly #peer: TunnelStream;
  readonly #tunnel: Tunnel;

  constructor(stream: TunnelStream, peer: TunnelStream, tunnel: Tunnel) {
    this.stream = stream;
    this.#peer = peer;
    this.#tunnel = tunnel;
  }

  begin(early: Buffer | undefined): void {
    if (early !== undefined && early.length > 0) this.onBytes(early, early.length);
    if (!this.#peer.isWritePending) this.stream.resume();
    // Its end came while the tunnel was still being agreed on.
    if (this.stream.hasEnded) this.onEof();
  }

  onBytes(bytes: Buffer, end: number): void {
    // Bytes that nobody takes any more do not keep the tunnel alive.
    if (this.#peer.isClosed) return;
    this.bytes += end;
    this.#tunnel.touch();
    const isTaken = this.#peer.write(bytes.subarray(0, end));
    // A buffer of its own spares a stream that has much to bring a copy of everything.
    if (end >= limits.bodyBufferFromBytes) this.stream.startBodyBuffer();
    else if (isTaken) this.stream.stopBodyBuffer('kept');
    if (isTaken) return;
    this.stream.pause();
    this.#tunnel.noteUnsent();
  }

  onEof(): void {
    this.#peer.end();
  }

  /** What we sent to this side has left: its peer may be read again. */
  onDrained(): void {
    this.#tunnel.touch();
    this.other?.stream.resume();
  }

  onClosed(error: Error | undefined): void {
    this.#tunnel.halfClosed(this, error);
  }

  /** The other connection is gone: nothing more can come of this one. */
  endAfterPeer(error: Error | undefined): void {
    if (error !== undefined) this.stream.reset();
    else if (this.stream.isWritePending) this.stream.end();
    else this.stream.destroy();
  }
}
