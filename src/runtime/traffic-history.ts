/** What went through a route, a service or all of them in the last five minutes: counted in steps of five seconds. */
import type { ConfigurationTraffic } from '#admin/configuration-administration.ts';
import type { Traffic } from '#admin/traffic-administration.ts';
import { quantileMs } from '#base/duration-buckets.ts';
import { RouteCell, routeFamily, STATUS_CLASS_COUNT } from './request-meter.ts';

/** What rates are of: so many steps, and the one that is not over. */
const WINDOW_STEPS = 11;
/** How many are remembered at all. */
export const HISTORY_STEPS = 60;

/** The time is the same for all. */
export interface TrafficSteps {
  /** Number of the one that is not over. */
  present: number;

  /** How long those before were, and when they were over; the last comes last. */
  readonly over: { readonly step: number; readonly durationMs: number; readonly endedAtMs: number }[];
}

interface Step {
  readonly step: number;
  readonly cells: Float64Array;
}

interface StepTraffic {
  readonly step: number;
  readonly traffic: Traffic;
}

export class TrafficHistory {
  readonly #steps: TrafficSteps;
  /** Those with traffic that count for the last minute; the last may be the present one. */
  readonly #recent: Step[] = [];
  readonly #points: StepTraffic[] = [];
  /** Of a step that counts no more, for the next one. */
  #spare: Float64Array | undefined;

  constructor(steps: TrafficSteps) {
    this.#steps = steps;
  }

  /** Nothing has come for so long that nothing is remembered. */
  get isForgotten(): boolean {
    return this.#recent.length === 0 && this.#points.length === 0;
  }

  add(difference: Float64Array): void {
    const { present } = this.#steps;
    let last = this.#recent.at(-1);
    if (last?.step !== present) {
      last = { step: present, cells: this.#spare ?? new Float64Array(routeFamily.cellCount) };
      this.#spare = undefined;
      this.#recent.push(last);
    }
    for (let i = 0; i < difference.length; i++) last.cells[i]! += difference[i]!;
  }

  /** The present step is over, and has lasted so long. */
  turn(durationMs: number, inFlight: number): void {
    const { present } = this.#steps;
    const last = this.#recent.at(-1);
    if (last?.step === present || inFlight > 0) {
      const traffic = toTraffic(last?.step === present ? last.cells : undefined, durationMs, inFlight);
      this.#points.push({ step: present, traffic });
    }
    while (this.#recent.length > 0 && this.#recent[0]!.step <= present - WINDOW_STEPS)
      this.#spare = this.#recent.shift()!.cells.fill(0);
    while (this.#points.length > 0 && this.#points[0]!.step <= present - HISTORY_STEPS) this.#points.shift();
  }

  /** Of the last minute. `durationMs`: how long that was. */
  describe(durationMs: number, inFlight: number): Traffic {
    const sum = new Float64Array(routeFamily.cellCount);
    for (const { cells } of this.#recent) for (let i = 0; i < cells.length; i++) sum[i]! += cells[i]!;
    return toTraffic(sum, durationMs, inFlight);
  }

  /** Of the last minute. */
  get requestCount(): number {
    let count = 0;
    for (const { cells } of this.#recent) count += countRequests(cells);
    return count;
  }

  furtherAttemptsPerSecond(durationMs: number): number {
    let count = 0;
    for (const { cells } of this.#recent) count += cells[RouteCell.furtherAttempts]!;
    return perSecond(count, durationMs);
  }

  /** By the number of the step; those without traffic are not there. */
  get points(): ReadonlyMap<number, Traffic> {
    return new Map(this.#points.map(({ step, traffic }) => [step, traffic]));
  }
}

/** How long the time is that `describe` tells of. */
export function windowMs({ over }: TrafficSteps, presentMs: number): number {
  return over.slice(-WINDOW_STEPS).reduce((sum, { durationMs }) => sum + durationMs, presentMs);
}

export function toTraffic(cells: Float64Array | undefined, durationMs: number, inFlight: number): Traffic {
  if (cells === undefined) return { ...quiet, inFlight };
  return {
    requestsPerSecond: perSecond(countRequests(cells), durationMs),
    errorsPerSecond: perSecond(cells[RouteCell.classes + 5]!, durationMs),
    clientErrorsPerSecond: perSecond(cells[RouteCell.classes + 4]!, durationMs),
    inFlight,
    p50Ms: round(quantileMs(cells, 0.5, RouteCell.buckets)),
    p90Ms: round(quantileMs(cells, 0.9, RouteCell.buckets)),
    p99Ms: round(quantileMs(cells, 0.99, RouteCell.buckets)),
    bytesInPerSecond: perSecond(cells[RouteCell.requestBytes]!, durationMs),
    bytesOutPerSecond: perSecond(cells[RouteCell.responseBytes]!, durationMs),
  };
}

export function toConfigurationTraffic(cells: Float64Array): ConfigurationTraffic {
  return {
    requests: countRequests(cells),
    errors: cells[RouteCell.classes + 5]!,
    p95Ms: round(quantileMs(cells, 0.95, RouteCell.buckets)),
  };
}

function countRequests(cells: Float64Array): number {
  let count = 0;
  for (let digit = 0; digit < STATUS_CLASS_COUNT; digit++) count += cells[RouteCell.classes + digit]!;
  return count;
}

export const quiet: Traffic = {
  requestsPerSecond: 0,
  errorsPerSecond: 0,
  clientErrorsPerSecond: 0,
  inFlight: 0,
  p50Ms: 0,
  p90Ms: 0,
  p99Ms: 0,
  bytesInPerSecond: 0,
  bytesOutPerSecond: 0,
};

function perSecond(count: number, durationMs: number): number {
  return durationMs <= 0 ? 0 : round((count * 1_000) / durationMs);
}

/** More digits would say nothing, and be long to read. */
const DIGITS = 6;

function round(value: number): number {
  return Number(value.toPrecision(DIGITS));
}
