/**
 * What one slow endpoint of ten does to clients, by balancer, in simulated time; and how many keys of a hash move when an
 * endpoint leaves. Run alone, it draws bench/balancing.svg.
 *
 * Usage: node bench/balancing.ts [--rounds 5] [--seconds 120] [--utilisation 60] [--slowness 10] [--markdown]
 *
 * Rounds are seeds; seconds are simulated ones. Nothing here depends on the machine: the same settings give the same figures.
 */
import { writeFile } from 'node:fs/promises';
import { ConsistentHash } from '#services/balancing/consistent-hash.ts';
import type { Member } from '#services/balancing/member.ts';
import { ServiceLoad } from '#services/balancing/service-load.ts';
import { drawBarChart } from './balancing/bar-chart.ts';
import {
  ENDPOINTS,
  quantile,
  SERVICE_MS,
  type SimulationSettings,
  simulate,
  WARM_UP_SECONDS,
  WORKERS,
} from './balancing/simulation.ts';
import { type BenchResult, runAlone } from './support/bench-result.ts';
import { median, round } from './support/statistics.ts';

const defaults = { rounds: 5, seconds: 120, utilisation: 60, slowness: 10 };
const balancers = ['round-robin', 'random', 'least-requests', 'peak-ewma'] as const;
/** The 99th percentile with the slow endpoint, beside that without it. */
const RATIO_TARGET = 1.5;
const KEYS = 100_000;

interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lastShare: number;
}

export async function runBalancingBench(given: Partial<typeof defaults>): Promise<BenchResult> {
  return measure(given).result;
}

function measure(given: Partial<typeof defaults>): { readonly result: BenchResult; readonly drawing: string } {
  const settings = { ...defaults, ...given };
  const compared = balancers.map((balance) => ({ balance, ...compare(balance, settings) }));
  const rows = compared.map(({ balance, even, slow, worstRatio }) => ({
    balancer: balance,
    'p50, ms': round(even.p50Ms, 1),
    'p99, ms': round(even.p99Ms, 1),
    'p50 with a slow one, ms': round(slow.p50Ms, 1),
    'p99 with a slow one, ms': round(slow.p99Ms, 1),
    'p99 ratio, worst seed': round(worstRatio, 2),
    'share of the slow one, %': round(100 * slow.lastShare, 2),
  }));
  const worst = compared.find(({ balance }) => balance === 'peak-ewma')!.worstRatio;
  const notes = [
    `${ENDPOINTS} endpoints with ${WORKERS} workers each, ${SERVICE_MS} ms of work on average (exponential), arrivals by themselves (Poisson) at ${settings.utilisation} % of what they can do; one takes ${settings.slowness} times as long. Medians of ${settings.rounds} seeds, ${settings.seconds} simulated seconds each after ${WARM_UP_SECONDS} that are not counted.`,
    `Target: the p99 of peak-ewma is at most ${RATIO_TARGET} times that without the slow endpoint, with every seed: ${worst <= RATIO_TARGET ? 'met' : 'MISSED'}.`,
    'Where the slow endpoint gets more than it can do, its queue grows as long as the run lasts.',
    `Of ${KEYS} keys of a hash, ${describeMoves()}.`,
  ];
  return { result: { name: 'balancing with one slow endpoint', rows, notes }, drawing: draw(compared, settings) };
}

function compare(balance: SimulationSettings['balance'], { rounds, seconds, utilisation, slowness }: typeof defaults) {
  const pairs = Array.from({ length: rounds }, (_, index) => {
    const common = { balance, utilisation: utilisation / 100, seconds, seed: index + 1 };
    return { even: run({ ...common, slowness: 1 }), slow: run({ ...common, slowness }) };
  });
  return {
    even: toMedians(pairs.map(({ even }) => even)),
    slow: toMedians(pairs.map(({ slow }) => slow)),
    worstRatio: Math.max(...pairs.map(({ even, slow }) => slow.p99Ms / even.p99Ms)),
  };
}

function run(settings: SimulationSettings): Figures {
  const { latenciesMs, lastShare } = simulate(settings);
  return { p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99), lastShare };
}

function toMedians(figures: readonly Figures[]): Figures {
  return {
    p50Ms: median(figures.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(figures.map(({ p99Ms }) => p99Ms)),
    lastShare: median(figures.map(({ lastShare }) => lastShare)),
  };
}

function draw(
  compared: readonly { balance: string; even: Figures; slow: Figures }[],
  { utilisation, slowness }: typeof defaults,
): string {
  return drawBarChart({
    title: `99th percentile at ${utilisation} % utilisation, ten endpoints`,
    series: [
      { label: 'all alike', color: '#4c9a6a' },
      { label: `one ${slowness} times slower`, color: '#c0603f' },
    ],
    groups: compared.map(({ balance, even, slow }) => ({
      label: balance,
      values: [Math.round(even.p99Ms), Math.round(slow.p99Ms)],
    })),
    from: 10,
    to: 1_000_000,
    unit: 'ms',
  });
}

/** One of ten endpoints leaves, which has a tenth of the weight, and then one with three tenths. */
function describeMoves(): string {
  const light = toMembers([1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  const heavy = toMembers([3, 1, 1, 1, 1, 1, 1, 1]);
  const percent = (members: readonly Member[]) => round((100 * countMoves(members)) / KEYS, 1);
  return `${percent(light)} % move when an endpoint with 10 % of the weight leaves, and ${percent(heavy)} % when one with 30 % does`;
}

function toMembers(weights: readonly number[]): Member[] {
  return weights.map((share, position) => ({ url: `http://10.0.0.${position + 1}:3000`, share, active: 0 }));
}

/** Keys that have another endpoint once the first one is gone. */
function countMoves(members: readonly Member[]): number {
  const balancer = new ConsistentHash<Member>({ by: { kind: 'ip' }, boundedLoad: undefined }, new ServiceLoad());
  const weightSum = members.reduce((sum, { share }) => sum + share, 0);
  const pickAll = () =>
    Array.from({ length: KEYS }, (_, key) => balancer.pick({ clientAddress: `key-${key}`, exchange: undefined }));
  balancer.setMembers(members, weightSum);
  const before = pickAll();
  balancer.setMembers(members.slice(1), weightSum);
  return pickAll().filter((member, key) => member !== before[key]).length;
}

async function measureAndDraw(given: Partial<typeof defaults>): Promise<BenchResult> {
  const { result, drawing } = measure(given);
  await writeFile(new URL('./balancing.svg', import.meta.url), drawing);
  return result;
}

if (import.meta.main) await runAlone(measureAndDraw, defaults);
