/**
 * The files that may break a house rule, each with its reason. An exception covers one rule in one file; one that is no
 * longer needed fails the tidy test. Functions that are longer than the rest say why beside themselves (`biome-ignore`).
 */

export interface Exception {
  readonly rule: string;
  readonly file: string;
  readonly reason: string;
}

export const exceptions: readonly Exception[] = [
  { rule: 'wall-clock', file: 'src/base/clock.ts', reason: 'is the clock that everything else takes' },
  { rule: 'monotonic-clock', file: 'src/base/clock.ts', reason: 'is the clock that everything else takes' },
  { rule: 'timers', file: 'src/base/timer-wheel.ts', reason: 'is the timer wheel that everything else uses' },
];
