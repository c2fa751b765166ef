/**
 * What a route look-up costs, by the number of routes. Usage: `node bench/routing.ts`.
 *
 * Each size is asked two mixes of requests: ten that exist at every size ("same ten": the structure alone), and requests
 * spread over all routes ("all routes": also the processor's caches, since a larger table is larger). Each mix is as many
 * requests with strings of their own, cut from bytes as a parser would, whatever the number of routes: how much is read besides
 * the table is the same at each size. A pass goes through all of them; the one before it, which nobody times, brings into the
 * caches what stays there under such requests. Sizes take turns within each round and the median of the rounds counts. The target is
 * a ratio of at most 1.2 between 10,000 routes and ten for the same ten requests. With "all routes" the rest is what a
 * table of 65 bytes for each route costs that does not stay in the second-level cache beside the requests, and branches that
 * no processor foresees.
 */

import { runAtOnce } from '#base/slices.ts';
import { compileRoutes } from '#routing/route-compiler.ts';
import type { MatchDefinition, MatchSubject, PathPattern, RouteDefinition } from '#routing/route-definition.ts';
import { writeRouteImage } from '#routing/route-image-writer.ts';
import { RouteTable } from '#routing/route-table.ts';

const SIZES = [10, 100, 1_000, 10_000];
const ROUNDS = 31;
const WARM_UP_ROUNDS = 8;
const REQUESTS = 10_000;
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

/** Requests, and the sum of the positions of their routes. */
interface Mix {
  readonly subjects: readonly MatchSubject[];
  readonly sum: number;
  readonly costsNs: number[];
}

function toMix(plans: readonly Plan[], pick: (request: number) => number): Mix {
  const picked = Array.from({ length: REQUESTS }, (_, request) => plans[pick(request)]!);
  return { subjects: picked.map(toSubject), sum: picked.reduce((sum, { index }) => sum + index, 0), costsNs: [] };
}

/** Nanoseconds of one look-up. Every answer is checked, so the work cannot be optimised away. */
function timeLookups(table: RouteTable, { subjects, sum }: Mix): number {
  lookUpAll(table, subjects);
  const startedNs = process.hrtime.bigint();
  const found = lookUpAll(table, subjects);
  const elapsedNs = Number(process.hrtime.bigint() - startedNs);
  if (found !== sum) throw new Error('a look-up found another route than the one asked for');
  return elapsedNs / subjects.length;
}

function lookUpAll(table: RouteTable, subjects: readonly MatchSubject[]): number {
  let sum = 0;
  for (const subject of subjects) sum += table.lookup(subject)!.routeIndex;
  return sum;
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
    const sameTen = toMix(plans, (request) => request % SIZES[0]!);
    // Every kind of route equally often, and evenly spread: the step is prime to every size.
    const spread = toMix(plans, (request) => (request * 7_919) % size);
    return { size, table, compileMs, sameTen, spread };
  });
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    for (const { table, sameTen, spread } of contenders) {
      for (const mix of [sameTen, spread]) {
        const costNs = timeLookups(table, mix);
        if (round >= WARM_UP_ROUNDS) mix.costsNs.push(costNs);
      }
    }
    // Lets other work of a larger benchmark run through between rounds.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const rows: Record<string, string | number>[] = contenders.map(({ size, sameTen, spread, compileMs }) => ({
    routes: size,
    'same ten, ns': Math.round(median(sameTen.costsNs)),
    'all routes, ns': Math.round(median(spread.costsNs)),
    'compile, ms': Number(compileMs.toFixed(1)),
  }));
  const smallest = contenders[0]!;
  const largest = contenders.at(-1)!;
  rows.push({
    routes: `${largest.size} / ${smallest.size}`,
    'same ten, ns': toRatio(largest.sameTen.costsNs, smallest.sameTen.costsNs),
    'all routes, ns': toRatio(largest.spread.costsNs, smallest.spread.costsNs),
    'compile, ms': '',
  });
  return { name: 'route look-up', rows };
}

if (import.meta.main) {
  const { rows } = await runRoutingBench();
  console.table(rows);
}
