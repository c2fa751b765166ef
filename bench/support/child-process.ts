/** Programs that a benchmark starts: kept on one processor where that can be done, and ended by their process id on every path. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

const ENDING_MS = 5_000;
/** Enough to explain why a program did not start. */
const LINES_KEPT = 200;

export interface ChildOptions {
  /** The processor that it and its threads stay on. Without one it runs wherever the system likes. */
  readonly cpu?: number | undefined;
  /** Raises the limit on open files to this, or as far as it may. */
  readonly openFiles?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

const running = new Set<Child>();

process.once('exit', () => {
  for (const child of running) child.process.kill('SIGTERM');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

/** A started program. */
export class Child {
  readonly process: ChildProcess;
  /** The latest lines of both output streams. */
  readonly lines: string[] = [];
  readonly #ended: Promise<void>;
  isEnded = false;

  constructor(command: readonly string[], { onLine, environment }: ChildOptions) {
    const [program, ...args] = command;
    this.process = spawn(program!, args, { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(this);
    this.#ended = new Promise((resolve) => {
      const end = () => {
        this.isEnded = true;
        running.delete(this);
        resolve();
      };
      this.process.once('error', (error) => {
        this.lines.push(error.message);
        end();
      });
      this.process.once('exit', end);
    });
    // Writing to a program that has just ended is no news: its end is seen elsewhere.
    this.process.stdin!.on('error', () => {});
    for (const stream of ['stdout', 'stderr'] as const) {
      createInterface({ input: this.process[stream]! }).on('line', (line) => {
        this.lines.push(line);
        if (this.lines.length > LINES_KEPT) this.lines.shift();
        onLine?.(line, stream);
      });
    }
  }

  get pid(): number {
    return this.process.pid!;
  }

  say(line: string): void {
    this.process.stdin!.write(`${line}\n`);
  }

  /** Asks it to end, and after five seconds no longer asks. */
  async end(): Promise<void> {
    if (!this.isEnded) this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), ENDING_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}

export function startChild(command: readonly string[], options: ChildOptions = {}): Child {
  const { cpu, openFiles } = options;
  const pinned = cpu !== undefined && canPin() ? [findProgram('taskset')!, '-c', String(cpu), ...command] : command;
  return new Child(openFiles === undefined ? pinned : raiseOpenFiles(openFiles, pinned), options);
}

/** Whether a gateway can have one processor and everything else the other. */
export function canPin(): boolean {
  return availableParallelism() >= 2 && findProgram('taskset') !== undefined;
}

/** The shell raises its own limit and becomes the program, so the process id stays the same. */
function raiseOpenFiles(openFiles: number, command: readonly string[]): string[] {
  const script = 'ulimit -n "$0" 2>/dev/null || ulimit -n "$(ulimit -H -n)"; exec "$@"';
  return ['/bin/sh', '-c', script, String(openFiles), ...command];
}

/** Where a program is, also in the folders that are on an administrator's path only. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Resolves with the first result that is not `undefined`; rejects with what the program said when it ends or takes too long. */
export async function waitFor<Result>(
  child: Child,
  what: string,
  look: () => Result | undefined | Promise<Result | undefined>,
  { everyMs = 5, withinMs = 15_000 } = {},
): Promise<Result> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const result = await look();
    if (result !== undefined) return result;
    if (child.isEnded || performance.now() > deadlineMs)
      throw new Error(`${what}: not seen ${child.isEnded ? 'before the program ended' : 'in time'}\n${child.lines.join('\n')}`);
    await pause(everyMs);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
