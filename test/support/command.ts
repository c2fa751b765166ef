import type { CommandIo } from '#cli/command-io.ts';

export interface CommandRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command inside this process, in a folder, and collects what it says. */
export async function runCommand(
  command: (args: string[], io: CommandIo) => Promise<number>,
  args: readonly string[],
  cwd: string,
): Promise<CommandRun> {
  let stdout = '';
  let stderr = '';
  const status = await command([...args], {
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    env: {},
    cwd,
    isTerminal: false,
  });
  return { status, stdout, stderr };
}
