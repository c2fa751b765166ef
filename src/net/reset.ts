import type { Socket } from 'node:net';

/** What Node's types leave out. */
interface SocketWithHandle extends Socket {
  readonly _handle?: { readonly reset?: unknown } | null;
}

/**
 * Ends both sides of a connection without TLS, so that the peer cannot take it for a regular end (TCP reset). There is no such end of a
 * unix socket, and Node throws when it is asked for one: it is closed.
 */
export function resetConnection(socket: Socket): void {
  if (typeof (socket as SocketWithHandle)._handle?.reset === 'function') socket.resetAndDestroy();
  else socket.destroy();
}
