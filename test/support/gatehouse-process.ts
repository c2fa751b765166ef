/** The executable as a user runs it: `gatehouse start` in a process and folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';

const executable = join(import.meta.dirname, '../../bin/gatehouse');
const PATIENCE_MS = 60_000;

export interface ProcessEvent {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Name of the configuration file; `gatehouse.yaml` when not given. */
  readonly file?: string;
  /** A folder that is there already; one of its own when not given. */
  readonly folder?: string;
  /** A file that it writes its errors to, instead of `stderr` here. */
  readonly stderr?: number;
}

/** A folder for one test, removed after it. */
export async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-run-'));
  // A program that is still ending may write a last file meanwhile.
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  return folder;
}

/** A configuration as a file holds it: a text as it is, anything else as JSON, which is YAML. */
export function toFileText(configuration: string | Partial<GatewayInput>): string {
  if (typeof configuration === 'string') return configuration;
  const defaults = { version: 1, listeners: { web: { address: '127.0.0.1:0' } }, accessLog: false, threads: 0 };
  return JSON.stringify({ ...defaults, ...configuration });
}

export class GatehouseProcess {
  readonly folder: string;
  readonly file: string;
  readonly child: ChildProcess;
  readonly ended: Promise<ProcessEnd>;
  stdout = '';
  stderr = '';
  #hasEnded = false;
  #eventsSeen = 0;
  readonly #waiters = new Set<() => void>();

  private constructor(folder: string, options: ProcessOptions) {
    this.folder = folder;
    this.file = join(folder, options.file ?? 'gatehouse.yaml');
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
    this.child = spawn(process.execPath, [executable, 'start', ...(options.args ?? [])], {
      cwd: folder,
      env: { ...env, ...options.env },
      stdio: ['ignore', 'pipe', options.stderr ?? 'pipe'],
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#note(() => (this.stdout += text)));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#note(() => (this.stderr += text)));
    this.ended = new Promise((resolve) => {
      this.child.on('close', (exitCode, signal) => {
        this.#note(() => (this.#hasEnded = true));
        resolve({ exitCode, signal });
      });
    });
  }

  /** Starts without waiting for anything. It is ended after the test, whatever it does. */
  static async launch(
    t: TestContext,
    configuration: string | Partial<GatewayInput> | undefined,
    options: ProcessOptions = {},
  ): Promise<GatehouseProcess> {
    const folder = options.folder ?? (await makeFolder(t));
    if (configuration !== undefined) await writeFile(join(folder, options.file ?? 'gatehouse.yaml'), toFileText(configuration));
    const gatehouse = new GatehouseProcess(folder, options);
    t.after(async () => {
      gatehouse.child.kill('SIGKILL');
      await gatehouse.ended;
    });
    return gatehouse;
  }

  /** Starts, and waits until it listens. */
  static async start(
    t: TestContext,
    configuration: string | Partial<GatewayInput>,
    options: ProcessOptions = {},
  ): Promise<GatehouseProcess> {
    const gatehouse = await GatehouseProcess.launch(t, configuration, options);
    await gatehouse.untilListening('web');
    return gatehouse;
  }

  /** The port of a listener, or of `admin`, as it was printed last. */
  port(name = 'web'): number {
    const lines = [...this.stdout.matchAll(/^listening (\S+) https?:\/\/\S+:(\d+)$/gm)].filter((line) => line[1] === name);
    const last = lines.at(-1);
    if (last === undefined) throw new Error(`no listener ${name} was printed: ${this.stdout}`);
    return Number(last[2]);
  }

  async untilListening(name: string): Promise<number> {
    await this.until(() => new RegExp(`^listening ${name} .*\n`, 'm').test(this.stdout), `listener ${name}`);
    return this.port(name);
  }

  /** All events of the error log. */
  get events(): ProcessEvent[] {
    const lines = this.stderr.slice(0, this.stderr.lastIndexOf('\n') + 1).split('\n');
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as ProcessEvent);
  }

  /** The next event with this message, behind the one that was waited for last. */
  async nextEvent(message: string): Promise<ProcessEvent> {
    const find = () => this.events.findIndex((event, index) => index >= this.#eventsSeen && event.message === message);
    await this.until(() => find() >= 0, `the event "${message}"`);
    const position = find();
    this.#eventsSeen = position + 1;
    return this.events[position]!;
  }

  /** Replaces the configuration in place and waits until it is the present one. */
  async reconfigure(configuration: string | Partial<GatewayInput>): Promise<void> {
    // Who watches the file and who is told by the signal are one: it would be applied twice if the watcher came first.
    await this.whileHalted(async () => {
      await writeFile(this.file, toFileText(configuration));
      this.signal('SIGHUP');
    });
    const event = await this.nextEvent('configuration applied');
    if (event.level !== 'info') throw new Error(JSON.stringify(event));
  }

  /** It stands still meanwhile: it sees files as they are before and after, and nothing in between. */
  async whileHalted<Result>(action: () => Promise<Result>): Promise<Result> {
    this.signal('SIGSTOP');
    try {
      return await action();
    } finally {
      this.signal('SIGCONT');
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves when the condition holds; fails when the process ends or patience does. */
  until(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        this.#waiters.delete(check);
        clearTimeout(timer);
        action();
      };
      const fail = (why: string) => reject(new Error(`${why} ${what}\nstdout: ${this.stdout}\nstderr: ${this.stderr}`));
      const check = () => {
        if (condition()) settle(resolve);
        else if (this.#hasEnded) settle(() => fail('the process ended before'));
      };
      const timer = setTimeout(() => settle(() => fail('waited in vain for')), PATIENCE_MS);
      this.#waiters.add(check);
      check();
    });
  }

  #note(change: () => void): void {
    change();
    for (const waiter of [...this.#waiters]) waiter();
  }
}
