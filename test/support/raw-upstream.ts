/** An upstream that does exactly what a test tells it, byte for byte. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface UpstreamConnection {
  readonly socket: Socket;
  /** Everything that the gateway has sent over this connection, as latin1. */
  readonly received: string;
  /** Number of this connection, from 0, in the order in which they were opened. */
  readonly index: number;
  send(bytes: string | Buffer): void;
}

export interface RawUpstream {
  readonly port: number;
  readonly url: string;
  readonly connections: readonly UpstreamConnection[];
  close(): Promise<void>;
}

/** `onData` is called whenever more has arrived; it looks at `received` and answers when it likes. */
export async function startRawUpstream(onData: (connection: UpstreamConnection, chunk: string) => void): Promise<RawUpstream> {
  const connections: UpstreamConnection[] = [];
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    let received = '';
    const connection: UpstreamConnection = {
      socket,
      get received() {
        return received;
      },
      index: connections.length,
      send: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    };
    connections.push(connection);
    socket.on('data', (bytes: Buffer) => {
      const chunk = bytes.toString('latin1');
      received += chunk;
      onData(connection, chunk);
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => {
      // Resets are part of what is tested.
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    connections,
    close() {
      for (const { socket } of connections) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
