/** `gatehouse comparisons`: how the answers to copies of requests differ from those that clients get. */
import { text } from 'node:stream/consumers';
import type { ComparedPlace, RouteComparison } from '#admin/comparison-administration.ts';
import { readArguments } from './arguments.ts';
import { askedGatewayHelp, askedGatewayOptions, askGateway, findGateway, readRefusal } from './asked-gateway.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const EXIT_LOST = 1;

const syntax = {
  name: 'comparisons',
  options: { route: { type: 'string' }, json: { type: 'boolean' }, ...askedGatewayOptions },
  help: `Usage: gatehouse comparisons [--route NAME] [OPTIONS]

Shows what has come of \`mirror: { compare: … }\` since the gateway was started: how many answers to copies were the same as those
of the service, and where others differ.

Options:
      --route NAME     of this route; otherwise of all
      --json           the same as JSON, for programs
${askedGatewayHelp}
  -h, --help           this text

Exit status: 0, or 1 when the gateway is not there, or 2 when it refuses or the command line is wrong.
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runComparisons(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values } = read;
  const gateway = findGateway(values, io);
  if (typeof gateway === 'string') {
    io.stderr(`gatehouse comparisons: ${gateway}\nRun \`gatehouse comparisons --help\` for its options.\n`);
    return EXIT_REFUSED;
  }
  const path = values.route === undefined ? '/api/comparisons' : `/api/comparisons/${encodeURIComponent(values.route)}`;
  try {
    const response = await askGateway(gateway, path);
    if (response.statusCode !== 200) {
      io.stderr(`gatehouse comparisons: ${await readRefusal(response)}\n`);
      return EXIT_REFUSED;
    }
    const { comparisons } = JSON.parse(await text(response)) as { readonly comparisons: readonly RouteComparison[] };
    io.stdout(values.json === true ? `${JSON.stringify(comparisons, undefined, 2)}\n` : toText(comparisons));
    return EXIT_OK;
  } catch (error) {
    io.stderr(`gatehouse comparisons: no gateway answers: ${error instanceof Error ? error.message : error}\n`);
    return EXIT_LOST;
  }
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
  for (const place of differences) lines.push(...toPlaceLines(place));
  if (furtherDifferences > 0) lines.push(`  ${furtherDifferences} differences at further places`);
  return `${lines.join('\n')}\n`;
}

function toPlaceLines({ place, kind, count, examples }: ComparedPlace): string[] {
  return [
    `  ${place} ${kind} (${count})`,
    ...examples.map(
      ({ method, target, before, after }) => `    ${method} ${target}   ${before ?? '(none)'} → ${after ?? '(none)'}`,
    ),
  ];
}
