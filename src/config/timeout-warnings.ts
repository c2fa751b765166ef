/**
 * Timeouts that cannot pass because a shorter one around them does. They do no harm, so they are warned of. Only what the user
 * wrote is compared: defaults are meant to be cut short by what is written, and what a service says by one of its routes.
 */
import { formatDuration, parseDuration } from '#schema/duration-text.ts';
import { isMap, isText } from '#schema/forms.ts';
import type { Finding, IssuePath } from './issue.ts';
import { listWrittenServices } from './written-services.ts';

interface WrittenTime {
  readonly path: IssuePath;
  readonly ms: number;
}

type Times = Readonly<Partial<Record<string, WrittenTime>>>;

/** From the outside to the inside: each one holds all that follow it. */
const ENCLOSING: readonly (readonly [outer: string, inner: readonly string[]])[] = [
  ['request', ['attempt', 'connect', 'firstByte', 'idle', 'hedge', 'retryAfterMax']],
  ['attempt', ['connect', 'firstByte', 'hedge']],
];

export function findTimeoutWarnings(configuration: unknown): Finding[] {
  if (!isMap(configuration)) return [];
  const findings: Finding[] = [];
  const timesByService = new Map<string, Times>();
  for (const [name, service] of entriesOf(configuration['services'])) {
    const times = readTimes(service, ['services', name]);
    timesByService.set(name, times);
    findings.push(...compare(times, times));
  }
  for (const [name, route] of entriesOf(configuration['routes'])) {
    const own = readTimes(route, ['routes', name]);
    if (Object.keys(own).length === 0) continue;
    findings.push(...compare(own, own));
    const ofServices = listWrittenServices(isMap(route) ? route['to'] : undefined).map(
      (service) => timesByService.get(service) ?? {},
    );
    for (const times of ofServices) findings.push(...compare(without(times, own), own));
  }
  return findings;
}

/** Where an inner time is longer than an outer one: said at the inner one. */
function compare(outerTimes: Times, innerTimes: Times): Finding[] {
  return ENCLOSING.flatMap(([outerName, innerNames]) => {
    const outer = outerTimes[outerName];
    if (outer === undefined) return [];
    return innerNames.flatMap((innerName): Finding[] => {
      const inner = innerTimes[innerName];
      if (inner === undefined || inner.ms <= outer.ms) return [];
      const place = outer.path.join('.');
      const message = `\`${formatDuration(inner.ms)}\` cannot pass, because \`${place}\` is shorter: \`${formatDuration(outer.ms)}\``;
      return [{ path: inner.path, code: 'conflict', severity: 'warning', message }];
    });
  });
}

function readTimes(holder: unknown, path: IssuePath): Times {
  const times: Record<string, WrittenTime> = {};
  const read = (key: string, ...steps: string[]) => {
    const written = steps.reduce<unknown>((value, step) => (isMap(value) ? value[step] : undefined), holder);
    const ms = isText(written) ? parseDuration(written) : undefined;
    if (ms !== undefined) times[key] = { path: [...path, ...steps], ms };
  };
  for (const key of ['request', 'attempt', 'connect', 'firstByte', 'idle']) read(key, 'timeouts', key);
  read('hedge', 'hedge', 'after');
  read('retryAfterMax', 'retry', 'retryAfterMax');
  return times;
}

/** What a route says itself takes the place of what its service says. */
function without(times: Times, own: Times): Times {
  return Object.fromEntries(Object.entries(times).filter(([key]) => own[key] === undefined));
}

function entriesOf(value: unknown): [string, unknown][] {
  return isMap(value) ? Object.entries(value) : [];
}
