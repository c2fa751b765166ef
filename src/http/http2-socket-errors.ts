/**
 * Node 26 destroys a session at the error of its socket, while what it has written is still under way. That memory is then
 * never given back before the session is collected; and if a peer has left the head of a message half sent, the process
 * aborts at that moment (`Assertion failed: (current_nghttp2_memory_) == (0)`). Every peer could bring that about, by not
 * reading what is sent to it, sending the beginning of a head, and breaking the connection off.
 */
import type { Socket } from 'node:net';

/** The listener by which a session hears of errors. It has no other name that could be asked for. */
const SESSION_LISTENER = 'socketOnError';

/**
 * Lets the session of a socket end when the socket has closed, and not before. To be called once there is a session. Whoever
 * calls it listens for errors of the socket, which closes by itself then.
 */
export function endSessionWithSocket(socket: Socket): void {
  for (const listener of socket.listeners('error')) {
    if (listener.name === SESSION_LISTENER) socket.off('error', listener as (error: Error) => void);
  }
}
