/** `gatehouse check`: validates a configuration and shows everything that is wrong with it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultFileNames, findDefaultFile } from '#config/default-file.ts';
import { formatIssue, type Issue, isError, sortIssues } from '#config/issue.ts';
import { loadConfiguration } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { findFileIssues } from '#runtime/file-issues.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const syntax = {
  name: 'check',
  options: { config: { type: 'string', short: 'c' }, json: { type: 'boolean' } },
  help: `Usage: gatehouse check [--config FILE] [--json]

Validates a configuration without starting anything. Shows everything that is wrong with it, one line each:
FILE:LINE:COLUMN message
A line with \`warning\` is about something that is doubtful and does no harm.

Options:
  -c, --config FILE  the configuration; otherwise the first of ${defaultFileNames.join(', ')}
      --json         the same as JSON, for programs
  -h, --help         this text

Exit status: 0 when the configuration is valid, also with warnings; 2 when it is not.
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runCheck(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { config, json = false } = read.values;
  const file = config ?? findDefaultFile(io.cwd, existsSync);
  if (file === undefined) {
    io.stderr(`gatehouse check: there is no ${defaultFileNames.join(', ')} in ${io.cwd}\n`);
    io.stderr('Name a file with --config FILE, or write one with `gatehouse init`.\n');
    return EXIT_REFUSED;
  }
  const loaded = await loadConfiguration(resolve(io.cwd, file), { policies: policyOrder, env: io.env, shownAs: file });
  const issues = sortIssues([...loaded.issues, ...(await findFileIssues(loaded))]);
  const valid = !issues.some(isError);
  if (json) io.stdout(`${JSON.stringify({ file, valid, issues }, undefined, 2)}\n`);
  else showIssues(file, issues, io);
  return valid ? EXIT_OK : EXIT_REFUSED;
}

function showIssues(file: string, issues: readonly Issue[], io: CommandIo): void {
  for (const issue of issues) io.stdout(`${formatIssue(issue)}\n`);
  const mistakes = issues.filter(isError).length;
  if (mistakes === 0) io.stdout(`${file} is valid\n`);
  else io.stderr(`${file} has ${mistakes === 1 ? 'one mistake' : `${mistakes} mistakes`}\n`);
}
