import { constants, type Http2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { GatewayError } from '#base/errors.ts';
import { ByteStream, type StreamOwner } from '#net/byte-stream.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';

interface TunnelStream extends Http2Stream {
  gatehouseStream?: ByteStream;
  /** What is said when the peer breaks the stream off. */
  gatehouseLoss?: GatewayError;
}

/** A stream of an HTTP/2 session as a stream of bytes: Node's stream does all that a tunnel wants of a socket. */
export function toTunnelStream(stream: Http2Stream, buffers: ReadBuffers, loss: GatewayError): ByteStream {
  const own = { push: pushOrBreakOff, resetAndDestroy: resetStream, gatehouseLoss: loss };
  const socket = Object.assign(stream, own) as unknown as Socket;
  // Before the listener of the stream of bytes, which tells its owner.
  stream.on('close', onClose);
  return new ByteStream(nobody, buffers, () => ({ socket, readsDirectly: false }));
}

/** Node ends what can be read of a stream in the same way when the peer has broken it off. Then it is no end, and nothing follows. */
function pushOrBreakOff(this: TunnelStream, chunk: Buffer | null): boolean {
  if (chunk !== null || !this.closed) return Readable.prototype.push.call(this, chunk);
  this.destroy();
  return false;
}

function onClose(this: TunnelStream): void {
  if (this.aborted || this.rstCode !== constants.NGHTTP2_NO_ERROR) this.gatehouseStream!.failed(this.gatehouseLoss!);
}

function resetStream(this: Http2Stream): void {
  this.close(constants.NGHTTP2_CANCEL);
}

/** The tunnel takes over in the same turn. */
const nobody: StreamOwner = { onBytes: ignore, onEof: ignore, onDrained: ignore, onClosed: ignore };

function ignore(): void {
  // Nothing can come before the tunnel.
}
