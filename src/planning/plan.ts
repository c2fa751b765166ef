/** What a change of a configuration means, before it is applied: everything that differs, graded, with its place. */
import type { Configuration } from '#config/configuration.ts';
import { formatPath } from '#config/issue.ts';
import type { LoadedConfiguration } from '#config/load.ts';
import type { CompiledRoutes } from '#routing/route-compiler.ts';
import { type Change, type FoundChange, type Grade, grades } from './change.ts';
import { Compared } from './compared.ts';
import { formatCount } from './count-text.ts';
import { findPartChanges } from './part-changes.ts';
import { findPolicyChanges } from './policy-changes.ts';
import { findRoutingChanges } from './routing-changes.ts';
import type { TrafficGroup, TrafficReplay } from './traffic-replay.ts';

export interface Plan {
  /** The worst first. */
  readonly changes: readonly Change[];
  readonly counts: Readonly<Record<Grade, number>>;
  /** `undefined`: no log was given. */
  readonly traffic: TrafficReplay | undefined;
}

/** That of a configuration without mistakes. */
export type PlannedSide = LoadedConfiguration & {
  readonly configuration: Configuration;
  readonly compiledRoutes: CompiledRoutes;
};

export function makePlan(old: PlannedSide, present: PlannedSide, traffic: TrafficReplay | undefined): Plan {
  const compared = new Compared(old, present);
  const found = [
    ...findRoutingChanges(compared),
    ...findPolicyChanges(compared),
    ...findPartChanges(compared),
    ...(traffic?.groups ?? []).map((group) => toTrafficChange(group, traffic?.requests ?? 0)),
  ];
  const changes = found.map((change) => withPlace(change, present));
  const counts = Object.fromEntries(grades.map((grade) => [grade, changes.filter((change) => change.grade === grade).length]));
  return {
    changes: changes.toSorted((one, other) => grades.indexOf(one.grade) - grades.indexOf(other.grade)),
    counts: counts as Record<Grade, number>,
    traffic,
  };
}

function withPlace(change: FoundChange, { toIssue }: PlannedSide): Change {
  const { path, details = [], examples = [], ...rest } = change;
  const { file, line, column } = toIssue({ path, code: 'conflict', message: '', pointAt: 'key' });
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return { ...rest, path: formatPath(path), place, details, examples };
}

function toTrafficChange({ before, after, status, count, examples }: TrafficGroup, requests: number): FoundChange {
  const isWorse = status.after === 0 || (status.after >= 400 && status.before < 400);
  const isOpened = status.before >= 400 && status.after < 400;
  return {
    grade: isWorse ? 'breaking' : isOpened ? 'risky' : 'notable',
    what: `${formatCount(count)} of ${formatCount(requests)} requests of the log would now get ${after}, instead of ${before}`,
    because: isWorse
      ? 'they were answered before'
      : isOpened
        ? 'they were refused before'
        : 'they are answered by something else',
    path: ['routes'],
    examples,
  };
}
