/** A real Redis server in a process of its own, which keeps nothing on disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { findFreePort } from './pebble.ts';
import { run } from './programs.ts';

const PATIENCE_MS = 60_000;
/** No connection goes out from here by itself, so the port of one that is down is not taken by somebody else. */
export const REDIS_HOST = '127.0.1.8';

export interface RedisServerOptions {
  /** As on the command line of the server. */
  readonly args?: readonly string[];
  /** Listens with TLS only. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: RedisServerOptions;
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: RedisServerOptions) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  /** It is ended after the test. */
  static async start(t: TestContext, options: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-redis-'));
    const server = new RedisServer(await findFreePort(REDIS_HOST), folder, options);
    t.after(async () => {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    });
    await server.run();
    return server;
  }

  get url(): string {
    return `${this.#options.tls === undefined ? 'redis' : 'rediss'}://${REDIS_HOST}:${this.port}`;
  }

  /** Starts it, again at the same port, and waits until it answers. */
  async run(): Promise<void> {
    const { args = [], tls } = this.#options;
    const ports =
      tls === undefined
        ? ['--port', String(this.port)]
        : [
            ...['--port', '0', '--tls-port', String(this.port), '--tls-auth-clients', 'no'],
            ...['--tls-cert-file', tls.cert, '--tls-key-file', tls.key, '--tls-ca-cert-file', tls.ca],
          ];
    const fixed = ['--bind', REDIS_HOST, '--save', '', '--appendonly', 'no', '--dir', this.#folder];
    const child = spawn('redis-server', [...ports, ...fixed, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#child = child;
    await untilReady(child);
  }

  /** Without warning. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const closed = once(child, 'close');
    if (child.kill('SIGKILL')) await closed;
  }

  /** `SIGSTOP`: it holds its connections and answers nothing. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** What it answers to a command. */
  async ask(...command: readonly string[]): Promise<string> {
    const { stdout } = await run('redis-cli', ['-h', REDIS_HOST, '-p', String(this.port), ...command]);
    return stdout.toString().trim();
  }
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('redis-server does not start')), PATIENCE_MS);
    let log = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (!/Ready to accept connections/.test(log)) return;
      clearTimeout(timer);
      resolve();
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`redis-server has ended: ${log}`)));
  });
}
