import type { Clock } from '#base/clock.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { Affinity } from '#services/affinity.ts';
import type { Importance } from '#services/protection/importance.ts';
import type { Service } from '#services/service.ts';
import type { Fallback } from './fallback.ts';
import type { ForwardRules } from './forward-rules.ts';
import type { Mirrors } from './mirrors.ts';

/** What a thread lends to its exchanges. */
export interface ForwardMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly mirrors: Mirrors;
  /** By name: where copies of requests may go. */
  readonly services: ReadonlyMap<string, Service>;
}

/** Where an exchange goes, and by which rules. */
export interface ForwardTarget {
  readonly service: Service;
  readonly rules: ForwardRules;
  /** What is still to be tried when the service does not answer. */
  readonly fallback: Fallback | undefined;
  /** Of all services of the route: what none of them is to see. `undefined`: there is nothing to hide. */
  readonly affinities: readonly Affinity[] | undefined;
  /** Of the route: who goes first where not all can. */
  readonly importance: Importance;
  readonly means: ForwardMeans;
}
