import type { StreamOwner } from '#net/byte-stream.ts';
import type { TunnelStream } from '#net/tunnel.ts';
import { ErrorCode } from '#wire/http2/error-codes.ts';

/** The stream of HTTP/2 below a tunnel. */
export interface TunnelledStream {
  readonly unsentBytes: number;
  /** Bytes that were sent have to stay as they are. */
  readonly isLent: boolean;
  /** False: keep the bytes as they are until `StreamOwner.onDrained`. */
  sendBytes(bytes: Buffer): boolean;
  setFlowing(isFlowing: boolean): void;
  endTunnel(): void;
  /** Our side has been ended. */
  readonly hasSentEnd: boolean;
  breakTunnelOff(code: ErrorCode): void;
}

/** A stream of HTTP/2 as an end of a tunnel (RFC 8441 §5). */
export class Http2Tunnel implements TunnelStream {
  owner: StreamOwner = nobody;
  isClosed = false;
  readonly hasEnded: boolean;
  readonly #stream: TunnelledStream;

  /** `hasEnded`: the peer has ended its side already. Any later end is told to the owner. */
  constructor(stream: TunnelledStream, hasEnded: boolean) {
    this.#stream = stream;
    this.hasEnded = hasEnded;
  }

  get isWritePending(): boolean {
    return this.#stream.isLent;
  }

  get unsentBytes(): number {
    return this.#stream.unsentBytes;
  }

  write(bytes: Buffer): boolean {
    return this.#stream.sendBytes(bytes);
  }

  pause(): void {
    this.#stream.setFlowing(false);
  }

  resume(): void {
    this.#stream.setFlowing(true);
  }

  startBodyBuffer(): void {
    // What comes stands in the buffer of the connection.
  }

  stopBodyBuffer(): void {
    // There is none.
  }

  end(): void {
    this.#stream.endTunnel();
  }

  /** After an end that was told, the peer is only asked not to go on. */
  destroy(): void {
    this.#stream.breakTunnelOff(this.#stream.hasSentEnd ? ErrorCode.noError : ErrorCode.cancel);
  }

  reset(): void {
    this.#stream.breakTunnelOff(ErrorCode.cancel);
  }

  /** The stream has ended. */
  close(error: Error | undefined): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.owner.onClosed(error);
  }
}

/** The tunnel takes over in the same turn. */
const nobody: StreamOwner = { onBytes: ignore, onEof: ignore, onDrained: ignore, onClosed: ignore };

function ignore(): void {
  // Nothing can come before the tunnel.
}
