/** Many keep-alive connections, each of which asks once and then says nothing. */
import { connect, type Socket } from 'node:net';

const OPENING_AT_ONCE = 64;
/** One client address has some 28,000 ports; others of 127.0.0.0/8 have their own. Choosing an address makes connecting slower. */
const CONNECTIONS_PER_ADDRESS = 20_000;
const request = (path: string, port: number) =>
  `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nuser-agent: bench/1\r\naccept: application/json\r\n\r\n`;

export class IdleClient {
  readonly #sockets: Socket[] = [];
  #lost = 0;

  /** Connections that the gateway closed or that failed. */
  get lost(): number {
    return this.#lost;
  }

  get count(): number {
    return this.#sockets.length;
  }

  /** Opens connections until there are `count`; resolves when each has its answer. */
  async open(count: number, port: number): Promise<void> {
    let next = this.#sockets.length;
    const openInTurn = async () => {
      while (next < count) {
        const index = next;
        next += 1;
        const socket = connect({ host: '127.0.0.1', port, noDelay: true, ...toLocalAddress(index) });
        this.#sockets.push(socket);
        socket.once('close', () => {
          this.#lost += 1;
        });
        await ask(socket, port);
      }
    };
    await Promise.all(Array.from({ length: OPENING_AT_ONCE }, openInTurn));
  }

  /** Asks again on the connections that are open, `times` each: all code is compiled and all buffers have their size. */
  async askAgain(times: number, port: number): Promise<void> {
    await Promise.all(
      this.#sockets.map(async (socket) => {
        for (let turn = 0; turn < times; turn += 1) await ask(socket, port);
      }),
    );
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function toLocalAddress(index: number): { localAddress?: string } {
  const block = Math.floor(index / CONNECTIONS_PER_ADDRESS);
  return block === 0 ? {} : { localAddress: `127.0.0.${1 + block}` };
}

/** The answers are small enough to come in one piece. */
function ask(socket: Socket, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => reject(error);
    socket.once('error', onError);
    socket.once('data', (bytes: Buffer) => {
      socket.off('error', onError);
      if (bytes.toString('latin1', 0, 12) === 'HTTP/1.1 200') resolve();
      else reject(new Error(`answered ${bytes.toString('latin1', 0, 80)}`));
    });
    socket.write(request('/api/x', port));
  });
}
