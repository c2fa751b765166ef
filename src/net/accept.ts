/**
 * Connections that were accepted, as the handles that Node keeps the operating system's sockets in. Each goes into the one
 * socket that reads it: `net.Server` makes another for every connection, and has no public way to read into our own buffers
 * (`onread` exists for outgoing sockets only). Handles are not in Node's documentation; where a Node has none, plain
 * connections use the server's sockets as they are. What is gained stands in docs/decisions/0002-own-http1.md.
 */
import { type Server, Socket, type SocketConstructorOpts } from 'node:net';
import { assert } from '#base/assert.ts';
import type { OnRead, SocketMaker } from './byte-stream.ts';

/** Those of unix sockets have neither addresses nor Nagle's algorithm. */
interface Handle {
  getpeername?(into: { address?: string; port?: number }): number;
  setNoDelay?(isOn: boolean): number;
}

interface SocketWithHandle extends Socket {
  _handle?: Handle | null;
}

interface ServerWithHandle extends Server {
  readonly _handle?: { onconnection?(this: object, status: number, handle: Handle | undefined): void } | null;
}

/** An accepted connection that nobody reads yet. */
export class Accepted {
  /** Not taken yet. */
  #handle: Handle | undefined;
  #socket: SocketWithHandle | undefined;

  private constructor(holder: { readonly handle?: Handle; readonly socket?: Socket }) {
    this.#handle = holder.handle;
    this.#socket = holder.socket;
  }

  static fromHandle(handle: Handle): Accepted {
    handle.setNoDelay?.(true);
    return new Accepted({ handle });
  }

  /** The socket must be paused. */
  static fromSocket(socket: Socket): Accepted {
    return new Accepted({ socket });
  }

  /** Both are missing for unix sockets, and for who has gone already. */
  findPeer(): { readonly address?: string | undefined; readonly port?: number | undefined } {
    if (this.#handle === undefined) return { address: this.#socket?.remoteAddress, port: this.#socket?.remotePort };
    const peer: { address?: string; port?: number } = {};
    this.#handle.getpeername?.(peer);
    return peer;
  }

  /** A socket of Node's own kind, paused; it may be read from and paused again before the handle is taken. */
  get socket(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    assert(this.#handle !== undefined, 'nobody has taken the connection');
    this.#socket = toSocket(this.#handle, { pauseOnCreate: true });
    this.#handle = undefined;
    return this.#socket;
  }

  /** For a socket of another kind, once: `socket` is of no use any more. `undefined`: this Node has no handles. */
  takeHandle(): Handle | undefined {
    const holder = this.#socket;
    const handle = this.#handle ?? holder?._handle ?? undefined;
    this.#handle = undefined;
    if (holder !== undefined && handle !== undefined) {
      holder._handle = null;
      // Without its handle this only takes the connection out of the server's count.
      holder.destroy();
    }
    return handle;
  }

  /** For a stream, which gets `early` first: bytes that were read from `socket`. */
  toSocketMaker(early?: Buffer): SocketMaker {
    return (onread) => {
      const handle = this.takeHandle();
      if (handle === undefined) return { socket: this.socket, readsDirectly: false, early };
      return { socket: toSocket(handle, { onread }), readsDirectly: true, early };
    };
  }
}

/** Node's types know neither such a handle nor `pauseOnCreate`. */
function toSocket(handle: Handle, options: { readonly onread: OnRead } | { readonly pauseOnCreate: true }): Socket {
  return new Socket({ handle, allowHalfOpen: true, ...options } as unknown as SocketConstructorOpts);
}

/** From now on the server's connections come as handles, where it has any, and not by its event. */
export function acceptHandles(server: Server, onAccepted: (accepted: Accepted) => void): void {
  const listening = (server as ServerWithHandle)._handle;
  const makeSocket = listening?.onconnection;
  if (!listening || makeSocket === undefined) return;
  listening.onconnection = function onHandle(status, handle) {
    // The server itself tells of failures.
    if (handle === undefined) makeSocket.call(this, status, handle);
    else onAccepted(Accepted.fromHandle(handle));
  };
}
