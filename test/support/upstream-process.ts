/** Endpoints that are processes, so that a test can kill them, stop them and start them again at the same place. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./upstream-program.ts', import.meta.url));
/** No connection goes out from here by itself, so the port of one that is down is not taken by somebody else. */
const HOST = '127.0.1.7';

export class UpstreamProcess {
  #child: ChildProcess | undefined = undefined;
  #port = 0;

  static async start(t: TestContext): Promise<UpstreamProcess> {
    const upstream = new UpstreamProcess();
    t.after(() => upstream.end('SIGKILL'));
    await upstream.start();
    return upstream;
  }

  get url(): string {
    return `http://${HOST}:${this.#port}`;
  }

  /** The first time at any port, and then always there. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [program, HOST, String(this.#port)], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    this.#port = Number(line.toString());
    assert.ok(this.#port > 0, `${line}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Resolves when the process is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const hasEnded = once(child, 'exit');
    child.kill(signal);
    await hasEnded;
  }
}
