/** `gatehouse rollback`: a running gateway goes back to a configuration that it has had. */
import { z } from 'zod';
import { AdminFailure, readAdmin } from './admin-answers.ts';
import { type AdminPlace, adminOptions, findAdminPlace } from './admin-place.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';
import { adminHelp, historyEntries } from './history.ts';

const HASH_LENGTH = 12;
const UNPROCESSABLE = 422;

const outcomeSchema = z.object({
  ok: z.boolean(),
  issues: z.array(
    z.object({
      line: z.number().optional(),
      column: z.number().optional(),
      path: z.string(),
      message: z.string(),
      severity: z.enum(['error', 'warning']),
    }),
  ),
  hash: z.string().optional(),
  version: z.number().optional(),
});

type Outcome = z.infer<typeof outcomeSchema>;

const syntax = {
  name: 'rollback',
  options: { ...adminOptions, json: { type: 'boolean' } },
  takesPositionals: true,
  help: `Usage: gatehouse rollback [HASH] [OPTIONS]

Has a running gateway apply a configuration again that it has had: the one with this hash, of which the beginning is enough, or
the one before the present one. \`gatehouse history\` lists them. It counts until the configuration's file changes or is loaded
again, so put the file right next. A configuration that is refused changes nothing.

Options:
      --json          the outcome as JSON, for programs
${adminHelp}
  -h, --help          this text

Exit status: 0 when it is applied, 2 when it is not.
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runRollback(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values, positionals } = read;
  if (positionals.length > 1) return refuse(io, 'expected one hash, or none for the configuration before the present one');
  const place = await findAdminPlace(values, io);
  if (typeof place === 'string') return refuse(io, place);
  try {
    const hash = positionals[0] ?? (await findBefore(place));
    if (hash === undefined) return refuse(io, 'there is no configuration before the present one');
    const path = `/api/history/${encodeURIComponent(hash)}/rollback`;
    const outcome = await readAdmin(place, { method: 'POST', path, schema: outcomeSchema, statuses: [200, UNPROCESSABLE] });
    if (values.json === true) io.stdout(`${JSON.stringify(outcome, undefined, 2)}\n`);
    else show(outcome, io);
    return outcome.ok ? EXIT_OK : EXIT_REFUSED;
  } catch (error) {
    if (error instanceof AdminFailure) return refuse(io, error.message);
    throw error;
  }
}

/** The latest that is not the present one. */
async function findBefore(place: AdminPlace): Promise<string | undefined> {
  const { entries } = await readAdmin(place, { path: '/api/history', schema: historyEntries });
  return entries.find(({ current }) => !current)?.hash;
}

function show({ ok, issues, hash = '' }: Outcome, io: CommandIo): void {
  for (const { line, column, path, message, severity } of issues) {
    const place = line === undefined ? '' : `${line}:${column ?? 1} `;
    io.stderr(`${place}${severity === 'warning' ? 'warning: ' : ''}${path === '' ? '' : `${path}: `}${message}\n`);
  }
  if (ok) io.stdout(`${hash.slice(0, HASH_LENGTH)} is the present configuration\n`);
  else io.stderr('gatehouse rollback: the configuration is refused, and nothing has changed\n');
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse rollback: ${reason}\n`);
  return EXIT_REFUSED;
}
