import { RecentMap } from '#base/recent-map.ts';
import type { Allowed } from './decision.ts';

/** Of one place of use and thread. */
const DECISIONS_MAX = 10_000;
/** What a decision may hold to be kept, so that all of them together stay small. */
const FIELD_LENGTH_MAX = 4_096;

interface KeptDecision {
  readonly decision: Allowed;
  readonly untilMs: number;
}

/** Decisions that let requests pass, by what they depend on. Those that were kept first go first when there are too many. */
export class DecisionCache {
  readonly #kept = new RecentMap<KeptDecision>(DECISIONS_MAX);

  find(key: string, nowMs: number): Allowed | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || nowMs < kept.untilMs) return kept?.decision;
    this.#kept.delete(key);
    return undefined;
  }

  keep(key: string, decision: Allowed, untilMs: number): void {
    if (lengthOf(decision) <= FIELD_LENGTH_MAX) this.#kept.set(key, { decision, untilMs });
  }
}

function lengthOf({ fields }: Allowed): number {
  let length = 0;
  for (const text of fields) length += text.length;
  return length;
}
