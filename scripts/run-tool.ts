/** Runs one of the repository's tools and collects what it says. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const repositoryRoot = join(import.meta.dirname, '..');

export interface ToolResult {
  readonly exitCode: number;
  /** Both output streams, in the order in which they came. */
  readonly output: string;
  readonly durationMs: number;
}

export function runTool(command: string, args: readonly string[]): Promise<ToolResult> {
  const startedMs = performance.now();
  const chunks: Buffer[] = [];
  const child = spawn(command, args, { cwd: repositoryRoot, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => {
      const output = Buffer.concat(chunks).toString().trimEnd();
      resolve({ exitCode: exitCode ?? 1, output, durationMs: performance.now() - startedMs });
    });
  });
}

/** The path of a program that a development dependency brings. */
export function toolPath(name: string): string {
  return join(repositoryRoot, 'node_modules/.bin', name);
}
