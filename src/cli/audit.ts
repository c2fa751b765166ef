/** `gatehouse audit`: what is weak in a configuration, for those who would attack it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Audit, makeAudit, uselessAcceptance } from '#auditing/audit.ts';
import { toAuditText } from '#auditing/audit-text.ts';
import { isAtLeast, type Severity, severities } from '#auditing/finding.ts';
import { auditRules } from '#auditing/rules.ts';
import { defaultFileNames, findDefaultFile } from '#config/default-file.ts';
import { formatIssue, isError } from '#config/issue.ts';
import { loadConfiguration } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { suggestWord } from '#schema/suggest.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const AT_LEAST: Severity = 'low';
const EXIT_FOUND = 1;

const syntax = {
  name: 'audit',
  options: {
    config: { type: 'string', short: 'c' },
    'at-least': { type: 'string' },
    ignore: { type: 'string', multiple: true },
    json: { type: 'boolean' },
  },
  help: `Usage: gatehouse audit [--config FILE] [OPTIONS]

Says what is weak in a configuration: who gets in that should not, what can be read or forged on the way, what has no limit.
Each finding has its place, the reason why it matters, and the setting that mends it. What is right here can be accepted
with its reason, in \`audit.accept\` of the configuration. Starts nothing, sends nothing, and shows no secret.

Options:
  -c, --config FILE        the configuration; otherwise the first of ${defaultFileNames.join(', ')}
      --at-least SEVERITY  leave out what is less: ${severities.join(', ')}; otherwise ${AT_LEAST}
      --ignore ID          leave out findings of this id; may be written several times
      --json               the same as JSON, for programs
  -h, --help               this text

Exit status: 0, or 1 when something is found, or 2 when the configuration or the command line is refused.
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runAudit(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { config, 'at-least': written = AT_LEAST, ignore = [], json = false } = read.values;
  const atLeast = severities.find((severity) => severity === written);
  if (atLeast === undefined) return refuse(io, `--at-least ${written}: expected ${severities.join(', ')}`);
  const unknown = ignore.find((id) => !ids.includes(id));
  if (unknown !== undefined) return refuse(io, `--ignore ${unknown}: there is no such finding${suggest(unknown)}`);
  const file = config ?? findDefaultFile(io.cwd, existsSync);
  if (file === undefined)
    return refuse(io, `there is no ${defaultFileNames.join(', ')} in ${io.cwd}; name a file with --config FILE`);
  const loaded = await loadConfiguration(resolve(io.cwd, file), { policies: policyOrder, env: io.env, shownAs: file });
  const { configuration } = loaded;
  if (configuration === undefined) {
    for (const issue of loaded.issues.filter(isError)) io.stderr(`${formatIssue(issue)}\n`);
    return EXIT_REFUSED;
  }
  const audit = leaveOut(await makeAudit({ ...loaded, configuration }, new Set(ignore)), atLeast);
  if (json) io.stdout(`${JSON.stringify({ file, atLeast, ...audit }, undefined, 2)}\n`);
  else io.stdout(toAuditText(audit, file));
  return audit.findings.length > 0 ? EXIT_FOUND : EXIT_OK;
}

const ids = [...auditRules, uselessAcceptance].map(({ id }) => id);

/** What is less is still counted. */
function leaveOut(audit: Audit, atLeast: Severity): Audit {
  return { ...audit, findings: audit.findings.filter(({ severity }) => isAtLeast(severity, atLeast)) };
}

function suggest(unknown: string): string {
  const suggestion = suggestWord(unknown, ids);
  return suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse audit: ${reason}\nRun \`gatehouse audit --help\` for its options.\n`);
  return EXIT_REFUSED;
}
