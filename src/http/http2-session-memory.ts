/**
 * Two things that Node 26 gets wrong when an HTTP/2 session ends, and by which any peer could end the whole process: with the
 * head of a message half sent, bytes to it unread, and the connection broken off or given up. The fields of that head belong
 * to the stream, their memory to the session, and the process aborts if the session is freed first
 * (`Assertion failed: (current_nghttp2_memory_) == (0)`).
 */
import type { Http2Session, Http2Stream } from 'node:http2';
import type { Socket } from 'node:net';

/** The listener by which a session hears of errors. It has no other name that could be asked for. */
const SESSION_LISTENER = 'socketOnError';

/**
 * Lets the session of a socket end when the socket has closed, and not before, at its first error: what is written then is
 * under way, and would never be given back. To be called once there is a session. Whoever calls it listens for errors of the
 * socket, which closes by itself then.
 */
export function endSessionWithSocket(socket: Socket): void {
  for (const listener of socket.listeners('error')) {
    if (listener.name === SESSION_LISTENER) socket.off('error', listener as (error: Error) => void);
  }
}

/** The object of Node that holds the memory of a stream. It is not public. */
export type StreamMemory = object | undefined;

/** Holds the memory of sessions until that of the streams that they are registered for has been freed. */
const keptSessions = new FinalizationRegistry<object>(() => {
  // Letting go is all.
});

/** Sees to it that a session, which must be connected, is freed behind its streams. */
export class SessionKeeper {
  readonly #handleName: symbol | undefined;
  readonly #session: object | undefined;

  constructor(session: Http2Session) {
    this.#handleName = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'kHandle');
    this.#session = this.#handleOf(session);
  }

  /** To be asked for while the stream is open: it forgets it as it closes. */
  memoryOf(stream: Http2Stream): StreamMemory {
    return this.#handleOf(stream);
  }

  /** The stream has closed while something that it has to send was under way. The others need no keeping, which costs a little. */
  keepFor(memory: StreamMemory): void {
    if (memory !== undefined && this.#session !== undefined) keptSessions.register(memory, this.#session);
  }

  #handleOf(owner: Http2Session | Http2Stream): object | undefined {
    return this.#handleName === undefined
      ? undefined
      : (owner as unknown as Record<symbol, object | undefined>)[this.#handleName];
  }
}
