/** The cluster of librdkafka that is made for tests, with one broker on a free port: kcat keeps it, and reads from it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { eventuallyAnswers } from './eventually.ts';
import { run } from './programs.ts';

const PATIENCE_MS = 60_000;
const BOOTSTRAP = /bootstrap\.servers=(127\.0\.0\.1:\d+)/;

export class KafkaCluster {
  readonly #child: ChildProcess;
  /** `HOST:PORT` of its broker. */
  readonly broker: string;

  private constructor(child: ChildProcess, broker: string) {
    this.#child = child;
    this.broker = broker;
  }

  /** It is ended after the test. */
  static async start(t: TestContext): Promise<KafkaCluster> {
    // A producer that has nothing to send, for as long as its standard input is open. The broker that it is told of is not used.
    const args = ['-P', '-b', '127.0.0.1:1', '-t', 'unused', '-d', 'mock', '-X', 'test.mock.num.brokers=1'];
    const child = spawn('kcat', args, { stdio: ['pipe', 'ignore', 'pipe'] });
    t.after(() => endChild(child));
    const broker = await new Promise<string>((resolve, reject) => {
      let told = '';
      child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        told += text;
        const [, found] = BOOTSTRAP.exec(told) ?? [];
        if (found !== undefined) resolve(found);
      });
      child.on('exit', () => reject(new Error(`kcat has ended: ${told}`)));
    });
    return new KafkaCluster(child, broker);
  }

  /** Its messages are gone with it. */
  end(): Promise<void> {
    return endChild(this.#child);
  }

  /** The messages of a topic, in the order of each partition. */
  async read(topic: string): Promise<string[]> {
    const { status, stdout, stderr } = await run('kcat', ['-C', '-q', '-e', '-o', 'beginning', '-b', this.broker, '-t', topic]);
    if (status !== 0) throw new Error(stderr);
    return stdout
      .toString()
      .split('\n')
      .filter((line) => line !== '');
  }

  /** The same, once there are so many. */
  readUntil(topic: string, count: number): Promise<string[]> {
    return eventuallyAnswers(async () => {
      const found = await this.read(topic);
      if (found.length < count) throw new Error(`${found.length} of ${count} messages are there`);
      return found;
    }, PATIENCE_MS);
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** The address of a cluster that may come later, or elsewhere. */
export class BrokerRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** `HOST:PORT`; without one, whoever connects is sent away. */
  target: string | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(t: TestContext): Promise<BrokerRelay> {
    const server = createServer().listen(0, '127.0.0.1');
    const relay = new BrokerRelay(server);
    server.on('connection', (socket) => relay.#pass(socket));
    await once(server, 'listening');
    t.after(async () => {
      for (const socket of relay.#sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    });
    return relay;
  }

  get address(): string {
    const { port } = this.#server.address() as { port: number };
    return `127.0.0.1:${port}`;
  }

  #pass(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.target === undefined) return void socket.resetAndDestroy();
    const [host, port] = this.target.split(':');
    const other = connect(Number(port), host!);
    for (const [one, end] of [
      [socket, other],
      [other, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        end.destroy();
      });
      one.pipe(end);
    }
  }
}
