/**
 * What a route look-up costs, by the number of routes. Usage: `node bench/routing.ts`.
 *
 * Each size is asked two mixes of requests: ten that exist at every size ("same ten": the structure alone), and requests
 * spread over all routes ("all routes": also the processor's caches, since a larger table is larger). Every look-up gets
 * strings of its own, cut from bytes as a parser would, so no hash code is remembered from an earlier one. Sizes take
 * turns within each round and the median of the rounds counts. The target is a ratio of at most 1.2 between 10,000
 * routes and ten for the same ten requests. With "all routes" each look-up reads two or three cache lines that nobody has
 * read for thousands of look-ups, since a route takes about 50 bytes of the table and its slot lies elsewhere.
 */

import { runAtOnce } from '#base/slices.ts';
import { compileRoutes } from '#routing/route-compiler.ts';
import type { MatchDefinition, MatchSubject, PathPattern, RouteDefinition } from '#routing/route-definition.ts';
import { writeRouteImage } from '#routing/route-image-writer.ts';
import { RouteTable } from '#routing/route-table.ts';

const SIZES = [10, 100, 1_000, 10_000];
const ROUNDS = 61;
const WARM_UP_ROUNDS = 8;
const LOOKUPS_PER_ROUND = 2_000;
const HOSTS = 5;

interface Plan {
  readonly route: RouteDefinition;
  readonly index: number;
  readonly host: string;
  readonly path: string;
  readonly fields: readonly string[];
}

const browserFields = ['accept', '*/*', 'user-agent', 'bench/1.0', 'accept-encoding', 'gzip'];

/** Ten kinds of routes in turn, so that each size has the same mix: a third with captures, some with conditions. */
function planRoute(index: number): Plan {
  const host = `api${index % HOSTS}.example.com`;
  const area = `area-${Math.floor(index / 10) % 20}`;
  const service = `service-${index}`;
  const kind = index % 10;
  const id = 100_000 + index;
  const toPlan = (
    source: string,
    tail: string,
    match: MatchDefinition = {},
    fields: readonly string[] = browserFields,
  ): Plan => ({
    index,
    route: {
      name: `route-${index}`,
      priority: 0,
      matches: [{ hosts: kind === 9 ? [`*.${host}`] : [host], paths: [toPattern(`/${area}/${service}${source}`)], ...match }],
    },
    host: kind === 9 ? `tenant.${host}` : host,
    path: `/${area}/${service}${tail}`,
    fields,
  });
  if (kind < 3) return toPlan('/items/:id', `/items/${id}`);
  if (kind === 3) return toPlan('/items/:id/lines/*', `/items/${id}/lines/7`, { methods: ['GET'] });
  if (kind < 6) return toPlan('/status', '/status');
  if (kind === 6)
    return toPlan('/beta', '/beta', { headers: { 'x-canary': { equals: 'yes' } } }, [...browserFields, 'x-canary', 'yes']);
  return toPlan('/*', '/assets/logo.svg');
}

function toPattern(source: string): PathPattern {
  const isPrefix = source.endsWith('/*');
  const parts = (isPrefix ? source.slice(1, -2) : source.slice(1)).split('/');
  return {
    source,
    isPrefix,
    segments: parts.map((part) => (part.startsWith(':') ? { capture: part.slice(1) } : { literal: part })),
  };
}

function toFreshString(text: string): string {
  return Buffer.from(text, 'latin1').latin1Slice();
}

function toSubject(plan: Plan): MatchSubject {
  return {
    listener: 'web',
    host: toFreshString(plan.host),
    path: toFreshString(plan.path),
    query: '',
    method: 'GET',
    fields: plan.fields,
    clientAddress: '10.0.0.1',
  };
}

/** Every kind of route equally often, and evenly spread: the step is prime to every size. */
function pickSpread(plans: readonly Plan[], lookup: number): Plan {
  return plans[(lookup * 7_919) % plans.length]!;
}

function pickSameTen(plans: readonly Plan[], lookup: number): Plan {
  return plans[lookup % 10]!;
}

/** Nanoseconds of one look-up. Every answer is checked, so the work cannot be optimised away. */
function timeRound(table: RouteTable, plans: readonly Plan[], pick: typeof pickSpread, round: number): number {
  const picked = Array.from({ length: LOOKUPS_PER_ROUND }, (_, lookup) => pick(plans, round * LOOKUPS_PER_ROUND + lookup));
  const subjects = picked.map(toSubject);
  let sum = 0;
  const startedNs = process.hrtime.bigint();
  for (let index = 0; index < subjects.length; index += 1) sum += table.lookup(subjects[index]!)!.routeIndex;
  const elapsedNs = Number(process.hrtime.bigint() - startedNs);
  const expected = picked.reduce((total, plan) => total + plan.index, 0);
  if (sum !== expected) throw new Error('a look-up found another route than the one asked for');
  return elapsedNs / LOOKUPS_PER_ROUND;
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)]!;
}

/** The median of the rounds' ratios: what slows the machine for a while slows both sides of one round. */
function toRatio(numerators: readonly number[], denominators: readonly number[]): number {
  return Number(median(numerators.map((value, round) => value / denominators[round]!)).toFixed(2));
}

/** Runs the measurement; one row per number of routes and one with the ratio between the largest and the smallest. */
export async function runRoutingBench(): Promise<{ name: string; rows: Record<string, string | number>[] }> {
  const contenders = SIZES.map((size) => {
    const plans = Array.from({ length: size }, (_, index) => planRoute(index));
    const startedNs = process.hrtime.bigint();
    const compiled = runAtOnce(compileRoutes(plans.map((plan) => plan.route)));
    const image = runAtOnce(writeRouteImage(compiled));
    const table = new RouteTable(image);
    const compileMs = Number(process.hrtime.bigint() - startedNs) / 1e6;
    return { size, plans, table, compileMs, sameTenNs: [] as number[], spreadNs: [] as number[] };
  });
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    for (const { table, plans, sameTenNs, spreadNs } of contenders) {
      const sameTen = timeRound(table, plans, pickSameTen, round);
      const spread = timeRound(table, plans, pickSpread, round);
      if (round < WARM_UP_ROUNDS) continue;
      sameTenNs.push(sameTen);
      spreadNs.push(spread);
    }
    // Lets other work of a larger benchmark run through between rounds.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const rows: Record<string, string | number>[] = contenders.map(({ size, sameTenNs, spreadNs, compileMs }) => ({
    routes: size,
    'same ten, ns': Math.round(median(sameTenNs)),
    'all routes, ns': Math.round(median(spreadNs)),
    'compile, ms': Number(compileMs.toFixed(1)),
  }));
  const smallest = contenders[0]!;
  const largest = contenders.at(-1)!;
  rows.push({
    routes: `${largest.size} / ${smallest.size}`,
    'same ten, ns': toRatio(largest.sameTenNs, smallest.sameTenNs),
    'all routes, ns': toRatio(largest.spreadNs, smallest.spreadNs),
    'compile, ms': '',
  });
  return { name: 'route look-up', rows };
}

if (import.meta.main) {
  const { rows } = await runRoutingBench();
  console.table(rows);
}
