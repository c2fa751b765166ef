/** Programs of others that tests run: found on the PATH, or named as the reason why a test is skipped. */
import { type ChildProcess, type ExecFileException, execFile, spawn } from 'node:child_process';

/** The options of a test that needs these programs. */
export function needs(...programs: readonly string[]): { skip: string | false } {
  const missing = (process.env['GATEHOUSE_MISSING_TOOLS'] ?? '').split(',').filter((program) => programs.includes(program));
  return { skip: missing.length > 0 && `${missing.join(' and ')} is not installed` };
}

export interface ProgramRun {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program to its end, which must come in time: within ten seconds, unless it is given more. */
export function run(program: string, args: readonly string[], { timeoutMs = 10_000 } = {}): Promise<ProgramRun> {
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024, env: programEnvironment() } as const;
    execFile(program, args, options, (error: ExecFileException | null, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr: stderr.toString() });
    });
  });
}

/** Starts a program that runs until it is told to end. Its standard error can be read. */
export function start(program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: programEnvironment() });
}

/** Servers are installed where ordinary users' PATH does not lead. */
function programEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` };
}
