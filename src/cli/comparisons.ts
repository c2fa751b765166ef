/** `gatehouse comparisons`: how the answers to copies of requests differ from those that clients get. */
import { z } from 'zod';
import { AdminFailure, readAdmin } from './admin-answers.ts';
import { adminOptions, findAdminPlace } from './admin-place.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';
import { adminHelp } from './history.ts';

const place = z.object({
  place: z.string(),
  kind: z.string(),
  count: z.number(),
  examples: z.array(
    z.object({
      at: z.string(),
      id: z.string(),
      method: z.string(),
      target: z.string(),
      before: z.string().optional(),
      after: z.string().optional(),
    }),
  ),
});
const answer = z.object({
  comparisons: z.array(
    z.object({
      route: z.string(),
      service: z.string(),
      since: z.string(),
      results: z.record(z.string(), z.number()),
      differences: z.array(place),
      furtherDifferences: z.number(),
    }),
  ),
});
type RouteComparison = z.infer<typeof answer>['comparisons'][number];

const syntax = {
  name: 'comparisons',
  options: { route: { type: 'string' }, json: { type: 'boolean' }, ...adminOptions },
  help: `Usage: gatehouse comparisons [--route NAME] [OPTIONS]

Shows what has come of \`mirror: { compare: … }\` since the gateway was started: how many answers to copies were the same as those
of the service, and where others differ.

Options:
      --route NAME    of this route; otherwise of all
      --json          the same as JSON, for programs
${adminHelp}
  -h, --help          this text

Exit status: 0, or 2 when no gateway answers or it refuses.
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runComparisons(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values } = read;
  const found = await findAdminPlace(values, io);
  if (typeof found === 'string') return refuse(io, found);
  const path = values.route === undefined ? '/api/comparisons' : `/api/comparisons/${encodeURIComponent(values.route)}`;
  try {
    const { comparisons } = await readAdmin(found, { path, schema: answer });
    io.stdout(values.json === true ? `${JSON.stringify(comparisons, undefined, 2)}\n` : toText(comparisons));
    return EXIT_OK;
  } catch (error) {
    if (error instanceof AdminFailure) return refuse(io, error.message);
    throw error;
  }
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse comparisons: ${reason}\n`);
  return EXIT_REFUSED;
}

function toText(comparisons: readonly RouteComparison[]): string {
  if (comparisons.length === 0) return 'nothing has been compared\n';
  return comparisons.map(toParagraph).join('\n');
}

function toParagraph({ route, service, since, results, differences, furtherDifferences }: RouteComparison): string {
  const counts = Object.entries(results)
    .filter(([, count]) => count > 0)
    .map(([result, count]) => `${count} ${result}`);
  const lines = [`${route} and its copies to ${service}, since ${since}: ${counts.join(', ')}`];
  for (const difference of differences) lines.push(...toPlaceLines(difference));
  if (furtherDifferences > 0) lines.push(`  ${furtherDifferences} differences at further places`);
  return `${lines.join('\n')}\n`;
}

function toPlaceLines({ place: at, kind, count, examples }: z.infer<typeof place>): string[] {
  return [
    `  ${at} ${kind} (${count})`,
    ...examples.map(
      ({ method, target, before, after }) => `    ${method} ${target}   ${before ?? '(none)'} → ${after ?? '(none)'}`,
    ),
  ];
}
