import { constants, type Http2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { ByteStream, type StreamOwner } from '#net/byte-stream.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';

/** A stream of an HTTP/2 session as a stream of bytes: Node's stream does all that a tunnel wants of a socket. */
export function toTunnelStream(stream: Http2Stream, buffers: ReadBuffers): ByteStream {
  const socket = Object.assign(stream, { push: Readable.prototype.push, resetAndDestroy: resetStream }) as unknown as Socket;
  return new ByteStream(nobody, buffers, () => ({ socket, readsDirectly: false }));
}

function resetStream(this: Http2Stream): void {
  this.close(constants.NGHTTP2_CANCEL);
}

/** The tunnel takes over in the same turn. */
const nobody: StreamOwner = { onBytes: ignore, onEof: ignore, onDrained: ignore, onClosed: ignore };

function ignore(): void {
  // Nothing can come before the tunnel.
}
