/** What came of a replay: how many exchanges changed, alike ones together, each with a few examples. */
import type { Difference } from '#http/answer-diff/difference.ts';
import { toShown } from '#http/answer-diff/difference.ts';
import type { RecordedExchange } from '#telemetry/recording/recorded-exchange.ts';
import { describeChange, type ReplayChange, toGroupKey } from './replay-change.ts';

export interface ReplayExample {
  /** `FILE:LINE`. */
  readonly place: string;
  readonly id: string;
  readonly request: string;
  readonly differences: readonly Difference[];
}

export interface ReplayGroup {
  /** Of the recording. */
  readonly route: string | undefined;
  readonly changes: readonly string[];
  readonly count: number;
  readonly examples: readonly ReplayExample[];
}

export interface ReplayOutcome {
  readonly replayed: number;
  readonly changed: number;
  /** In part, or not at all, for these reasons. */
  readonly uncompared: Readonly<Record<string, number>>;
  /** Not replayed, for these reasons. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Lines that could not be read. */
  readonly damaged: number;
  /** The largest first. */
  readonly groups: readonly ReplayGroup[];
  /** Exchanges that changed in so many ways that some are in no group. */
  readonly ungrouped: number;
}

const GROUPS_MAX = 200;
const EXAMPLES_MAX = 3;
const SHOWN_DIFFERENCES_MAX = 5;

interface MutableGroup {
  readonly route: string | undefined;
  readonly changes: readonly string[];
  count: number;
  readonly examples: ReplayExample[];
}

export interface ReportedExchange {
  readonly place: string;
  readonly recorded: RecordedExchange;
  readonly changes: readonly ReplayChange[];
  readonly differences: readonly Difference[];
  readonly uncompared: string | undefined;
}

export class ReplayReport {
  readonly #groups = new Map<string, MutableGroup>();
  readonly #uncompared = new Map<string, number>();
  readonly #skipped = new Map<string, number>();
  #replayed = 0;
  #changed = 0;
  #damaged = 0;
  #ungrouped = 0;

  addDamaged(): void {
    this.#damaged += 1;
  }

  skip(reason: string): void {
    count(this.#skipped, reason);
  }

  add({ place, recorded, changes, differences, uncompared }: ReportedExchange): void {
    this.#replayed += 1;
    if (uncompared !== undefined) count(this.#uncompared, uncompared);
    if (changes.length === 0) return;
    this.#changed += 1;
    const { route } = recorded.decision;
    const key = `${route ?? ''} ${toGroupKey(changes)}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= GROUPS_MAX) {
        this.#ungrouped += 1;
        return;
      }
      group = { route, changes: [...new Set(changes.map(describeChange))], count: 0, examples: [] };
      this.#groups.set(key, group);
    }
    group.count += 1;
    if (group.examples.length >= EXAMPLES_MAX) return;
    const { id, request } = recorded;
    const shown = `${request.method} ${request.authority}${toShown(request.target)}`;
    group.examples.push({ place, id, request: shown, differences: differences.slice(0, SHOWN_DIFFERENCES_MAX) });
  }

  get outcome(): ReplayOutcome {
    return {
      replayed: this.#replayed,
      changed: this.#changed,
      uncompared: Object.fromEntries(this.#uncompared),
      skipped: Object.fromEntries(this.#skipped),
      damaged: this.#damaged,
      groups: [...this.#groups.values()].sort((one, other) => other.count - one.count),
      ungrouped: this.#ungrouped,
    };
  }
}

/** Reasons are few and fixed. */
function count(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}
