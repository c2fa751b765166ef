/**
 * The sockets on which one thread listens for one listener.
 *
 * Where the operating system can spread connections over sockets there are several, because the event loop takes one
 * connection from each socket between two rounds of everything else that is ready. With thousands of busy connections a round
 * takes a tenth of a second, and behind a single socket whoever is new would wait for minutes.
 */
import { createServer, type Server } from 'node:net';
import { Accepted, acceptHandles } from './accept.ts';
import type { SocketAddress } from './address.ts';

const BACKLOG = 4096;
const SOCKETS_PER_THREAD = 16;

export class ListeningSockets {
  readonly #servers: Server[];

  private constructor(servers: Server[]) {
    this.#servers = servers;
  }

  /** Rejects when one of them cannot listen; then none does. `sharesPort`: the operating system spreads connections. */
  static async open(
    address: SocketAddress,
    { sharesPort, onAccepted }: { readonly sharesPort: boolean; readonly onAccepted: (accepted: Accepted) => void },
  ): Promise<ListeningSockets> {
    const first = await listen(address, sharesPort, onAccepted);
    const sockets = new ListeningSockets([first]);
    if ('path' in address || !sharesPort) return sockets;
    const others = await Promise.allSettled(
      Array.from({ length: SOCKETS_PER_THREAD - 1 }, () => listen(sockets.addressOr(address), sharesPort, onAccepted)),
    );
    for (const other of others) if (other.status === 'fulfilled') sockets.#servers.push(other.value);
    const failed = others.find((other) => other.status === 'rejected');
    if (failed === undefined) return sockets;
    sockets.close();
    throw failed.reason;
  }

  /** Where they listen, with the port that was chosen. */
  addressOr(wanted: SocketAddress): SocketAddress {
    const bound = this.#servers[0]!.address();
    return bound === null || typeof bound === 'string' ? wanted : { host: bound.address, port: bound.port };
  }

  onError(told: (error: Error) => void): void {
    for (const server of this.#servers) server.on('error', told);
  }

  /** Connections that were accepted stay open. */
  close(): void {
    for (const server of this.#servers) server.close();
  }
}

async function listen(address: SocketAddress, reusePort: boolean, onAccepted: (accepted: Accepted) => void): Promise<Server> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) =>
    onAccepted(Accepted.fromSocket(socket)),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const where = 'path' in address ? { path: address.path } : { host: address.host, port: address.port, reusePort };
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  acceptHandles(server, onAccepted);
  return server;
}
