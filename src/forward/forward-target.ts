import type { Clock } from '#base/clock.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { Service } from '#services/service.ts';
import type { ForwardRules } from './forward-rules.ts';

/** What a thread lends to its exchanges. */
export interface ForwardMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Where an exchange goes, and by which rules. */
export interface ForwardTarget {
  readonly service: Service;
  readonly rules: ForwardRules;
  readonly means: ForwardMeans;
}
