import { assert } from '#base/assert.ts';
import type { GatewayError } from '#base/errors.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import { toConnectLoss } from '#http/connect-loss.ts';
import { type TimeLimit, toTimeoutDetail } from '#http/upstream-call.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { ByteStream, type SocketMaker, type StreamOwner } from '#net/byte-stream.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';

export interface TcpAttemptOwner {
  /** The stream has another owner from now on. */
  onConnected(stream: ByteStream): void;
  /** Nothing of the client's bytes was sent. */
  onNotConnected(error: GatewayError): void;
}

export interface TcpAttemptMeans {
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly connectLimit: TimeLimit;
}

/** One try to reach one endpoint for a connection whose bytes are passed on. Ends in exactly one call of its owner, or in `cancel`. */
export class TcpAttempt extends WheelTimer implements StreamOwner {
  readonly #stream: ByteStream;
  readonly #owner: TcpAttemptOwner;
  readonly #means: TcpAttemptMeans;
  readonly #isSecure: boolean;
  #isOver = false;

  constructor(makeSocket: SocketMaker, means: TcpAttemptMeans, owner: TcpAttemptOwner) {
    super();
    this.#owner = owner;
    this.#means = means;
    this.#stream = new ByteStream(this, means.buffers, makeSocket);
    const { socket } = this.#stream;
    this.#isSecure = 'encrypted' in socket;
    socket.once(this.#isSecure ? 'secureConnect' : 'connect', () => this.#succeed());
    means.wheel.arm(this, means.connectLimit.ms);
  }

  /** The client is gone. */
  cancel(): void {
    this.#end();
    this.#stream.destroy();
  }

  onBytes(): void {
    assert(false, 'the stream has another owner as soon as it is connected');
  }

  onEof(): void {
    // Without the end of its handshake, the connection is closed by the TLS layer; the rest finds out who goes on.
  }

  onDrained(): void {
    // A PROXY header has left.
  }

  onClosed(error: Error | undefined): void {
    this.#fail(toConnectLoss(error, { isSecure: this.#isSecure }));
  }

  override onDeadline(): void {
    this.#fail(upstreamErrors.connectTimeout(toTimeoutDetail(this.#means.connectLimit)));
    this.#stream.destroy();
  }

  #succeed(): void {
    if (this.#isOver) return;
    this.#end();
    this.#owner.onConnected(this.#stream);
  }

  #fail(error: GatewayError): void {
    if (this.#isOver) return;
    this.#end();
    this.#owner.onNotConnected(error);
  }

  #end(): void {
    this.#isOver = true;
    this.#means.wheel.remove(this);
  }
}
