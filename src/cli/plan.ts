/** `gatehouse plan OLD NEW`: what a change of a configuration means, before it is applied. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { formatIssue } from '#config/issue.ts';
import { KnownRoutes } from '#config/known-routes.ts';
import { loadConfiguration } from '#config/load.ts';
import { type Grade, grades, isAtLeast } from '#planning/change.ts';
import { makePlan, type PlannedSide } from '#planning/plan.ts';
import { toPlanMarkdown, toPlanText } from '#planning/plan-text.ts';
import type { TrafficReplay } from '#planning/traffic-replay.ts';
import { policyOrder } from '#policies/registry.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const FAIL_ON: Grade = 'breaking';

const syntax = {
  name: 'plan',
  takesPositionals: true,
  options: {
    log: { type: 'string' },
    'fail-on': { type: 'string' },
    markdown: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  help: `Usage: gatehouse plan OLD NEW [--log FILE] [OPTIONS]

Says what it means to put the configuration NEW in the place of OLD: which requests are lost, gained or go elsewhere, which
policies are tighter or looser on which routes, what changes of services, listeners and consumers. Each change is graded
(${grades.join(', ')}), with the reason and its place in NEW. Starts nothing, sends nothing, and shows no secret.

  git show main:gatehouse.yaml > /tmp/old.yaml && gatehouse plan /tmp/old.yaml gatehouse.yaml

Options:
      --log FILE       an access log of the gateway: which of its requests would be answered differently
      --fail-on GRADE  the least grade that makes the exit status 1; otherwise ${FAIL_ON}. \`none\`: whatever it is, 0
      --markdown       for a merge request
      --json           the same as JSON, for programs
  -h, --help           this text

Exit status: 0, or 1 when a change has that grade or a worse one, or 2 when a configuration or the command line is refused.
`,
} as const;

const EXIT_FOUND = 1;

/** Runs the command; the result is the exit status. */
export async function runPlan(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values, positionals } = read;
  const [oldFile, newFile, ...tooMany] = positionals;
  if (oldFile === undefined || newFile === undefined || tooMany.length > 0)
    return refuse(io, 'expected two configurations, such as `gatehouse plan old.yaml gatehouse.yaml`');
  const failOn = readFailOn(values['fail-on']);
  if (failOn === undefined) return refuse(io, `--fail-on ${values['fail-on']}: expected ${grades.join(', ')} or none`);
  if (values.log !== undefined && !existsSync(resolve(io.cwd, values.log))) return refuse(io, `there is no file ${values.log}`);
  const knownRoutes = new KnownRoutes();
  const old = await load(oldFile, knownRoutes, io);
  const present = await load(newFile, knownRoutes, io);
  if (old === undefined || present === undefined) return EXIT_REFUSED;
  let traffic: TrafficReplay | string | undefined;
  if (values.log !== undefined) {
    // It needs the whole data plane, which the rest does without.
    const { replayTraffic } = await import('#planning/traffic-replay.ts');
    traffic = await replayTraffic(resolve(io.cwd, values.log), { old, new: present }, systemClock);
  }
  if (typeof traffic === 'string') return refuse(io, traffic);
  const plan = makePlan(old, present, traffic);
  const names = { old: oldFile, new: newFile };
  if (values.json) io.stdout(`${JSON.stringify({ ...names, failOn, ...plan }, undefined, 2)}\n`);
  else io.stdout(values.markdown ? toPlanMarkdown(plan, names) : toPlanText(plan, names));
  return failOn !== 'none' && plan.changes.some(({ grade }) => isAtLeast(grade, failOn)) ? EXIT_FOUND : EXIT_OK;
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse plan: ${reason}\nRun \`gatehouse plan --help\` for its options.\n`);
  return EXIT_REFUSED;
}

function readFailOn(text: string = FAIL_ON): Grade | 'none' | undefined {
  return text === 'none' ? text : grades.find((grade) => grade === text);
}

/** Without a result, what is wrong has been said. */
async function load(file: string, knownRoutes: KnownRoutes, io: CommandIo): Promise<PlannedSide | undefined> {
  const options = { policies: policyOrder, env: io.env, shownAs: file, knownRoutes };
  const loaded = await loadConfiguration(resolve(io.cwd, file), options);
  const { configuration, compiledRoutes } = loaded;
  if (configuration !== undefined && compiledRoutes !== undefined) return { ...loaded, configuration, compiledRoutes };
  for (const issue of loaded.issues) io.stderr(`${formatIssue(issue)}\n`);
  return undefined;
}
