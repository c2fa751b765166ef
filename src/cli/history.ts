/** `gatehouse history`: the configurations that a running gateway has had. */
import { z } from 'zod';
import { defaultFileNames } from '#config/default-file.ts';
import { AdminFailure, readAdmin } from './admin-answers.ts';
import { ADMIN_DEFAULT, type AdminPlace, adminOptions, findAdminPlace, TOKEN_VARIABLE } from './admin-place.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const HASH_LENGTH = 12;

export const historyEntries = z.object({
  entries: z.array(
    z.object({
      hash: z.string(),
      version: z.number(),
      appliedAt: z.string(),
      source: z.string(),
      by: z.string(),
      current: z.boolean(),
      lines: z.object({ added: z.number(), removed: z.number() }),
      traffic: z.object({ requests: z.number(), errors: z.number(), p95Ms: z.number() }).optional(),
    }),
  ),
});

type HistoryEntries = z.infer<typeof historyEntries>['entries'];

export const adminHelp = `      --admin URL     the gateway's admin address (http://HOST:PORT, https://HOST:PORT or unix:/PATH); otherwise that of
                      the configuration, or ${ADMIN_DEFAULT}
      --token TOKEN   its token; otherwise ${TOKEN_VARIABLE} of the environment, or that of the configuration
  -c, --config FILE   where the admin address is looked up; otherwise the first of
                      ${defaultFileNames.join(', ')}`;

const syntax = {
  name: 'history',
  options: { ...adminOptions, diff: { type: 'string' }, json: { type: 'boolean' } },
  help: `Usage: gatehouse history [--diff HASH] [OPTIONS]

Lists the configurations that a running gateway has had, the latest first: hash, when it was applied, where it came from and
who brought it, how many lines it has added and removed, and how many requests ended while it was the present one, with
the share of 5xx and the time that 95 % of them kept to. The present one is marked with *.

Options:
      --diff HASH     what this one has changed, as a unified diff
      --json          the same as JSON, for programs
${adminHelp}
  -h, --help          this text

Exit status: 0, or 2 when no gateway answers or it refuses.
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runHistory(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { diff, json = false } = read.values;
  const place = await findAdminPlace(read.values, io);
  if (typeof place === 'string') return refuse(io, place);
  try {
    await (diff === undefined ? showEntries(place, json, io) : showDifference(place, { hash: diff, json }, io));
    return EXIT_OK;
  } catch (error) {
    if (error instanceof AdminFailure) return refuse(io, error.message);
    throw error;
  }
}

async function showEntries(place: AdminPlace, json: boolean, io: CommandIo): Promise<void> {
  const { entries } = await readAdmin(place, { path: '/api/history', schema: historyEntries });
  if (json) io.stdout(`${JSON.stringify({ entries }, undefined, 2)}\n`);
  else io.stdout(toLines(entries));
}

async function showDifference(
  place: AdminPlace,
  { hash, json }: { readonly hash: string; readonly json: boolean },
  io: CommandIo,
): Promise<void> {
  const path = `/api/history/${encodeURIComponent(hash)}/diff`;
  const answer = await readAdmin(place, { path, schema: z.object({ diff: z.string() }) });
  io.stdout(json ? `${JSON.stringify(answer, undefined, 2)}\n` : answer.diff);
}

function toLines(entries: HistoryEntries): string {
  return entries
    .map(({ hash, appliedAt, source, by, current, lines, traffic }) => {
      const origin = source === 'file' || source === 'reload' ? source : `${source} by ${by}`;
      return `${current ? '*' : ' '} ${hash.slice(0, HASH_LENGTH)}  ${appliedAt}  +${lines.added} -${lines.removed}  ${toTrafficText(traffic)}${origin}\n`;
    })
    .join('');
}

/** `1204 requests, 0.3% 5xx, p95 12 ms`; empty where nobody has counted. */
function toTrafficText(traffic: HistoryEntries[number]['traffic']): string {
  if (traffic === undefined) return '';
  const { requests, errors, p95Ms } = traffic;
  if (requests === 0) return 'no requests  ';
  const percent = Number(((errors / requests) * 100).toPrecision(2));
  return `${requests} ${requests === 1 ? 'request' : 'requests'}, ${percent}% 5xx, p95 ${Number(p95Ms.toPrecision(3))} ms  `;
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse history: ${reason}\n`);
  return EXIT_REFUSED;
}
