/** An endpoint in a process of its own, so that it can be killed, stopped and started again. On a Unix socket, which stays its own meanwhile. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { makeFolder } from './gatehouse-process.ts';

/** Answers everything with its name, and says nothing before it listens. */
const program = `
  const { createServer } = require('node:http');
  const { rmSync } = require('node:fs');
  const [path, name] = process.argv.slice(1);
  rmSync(path, { force: true });
  createServer((request, response) => response.end(name)).listen(path, () => console.log('listening'));
`;

export class EndpointProcess {
  readonly url: string;
  readonly name: string;
  readonly #path: string;
  #child: ChildProcess | undefined;

  private constructor(path: string, name: string) {
    this.#path = path;
    this.name = name;
    this.url = `http+unix://${path}`;
  }

  /** Ended with the test. */
  static async start(t: TestContext, name: string): Promise<EndpointProcess> {
    const endpoint = new EndpointProcess(join(await makeFolder(t), 'endpoint.sock'), name);
    t.after(() => endpoint.kill());
    await endpoint.start();
    return endpoint;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
    const child = spawn(process.execPath, ['-e', program, this.#path, this.name], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    await once(child.stdout!, 'data');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Connections to it are made, and nothing is answered. */
  halt(): void {
    this.#child!.kill('SIGSTOP');
  }

  proceed(): void {
    this.#child!.kill('SIGCONT');
  }
}
