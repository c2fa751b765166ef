/** The time of day of what the steady clock has seen, in the forms that lines have. Each is put together once for each millisecond, or second. */
import type { Clock } from '#base/clock.ts';

/** `007`: the digits behind the point of a duration or a time. */
export const threeDigits: readonly string[] = Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0'));
/** Written out once: most numbers are small, and making text of one is slower than finding it. */
const wholeMillis: readonly string[] = Array.from({ length: 1000 }, (_, i) => `${i}.`);
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

export class LineTime {
  readonly #clock: Clock;
  /** What to add to monotonic time to get the time of day. */
  #wallOffsetMs: number;
  #second = Number.NaN;
  #secondText = '';
  #commonText = '';

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wallOffsetMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Now and then: the wall clock may be set. */
  refresh(): void {
    this.#wallOffsetMs = this.#clock.wallMs() - this.#clock.monotonicMs();
  }

  wallMs(monotonicMs: number): number {
    return Math.floor(this.#wallOffsetMs + monotonicMs);
  }

  /** `2026-11-27T06:39:27.123Z` */
  isoText(monotonicMs: number): string {
    const wallMs = this.wallMs(monotonicMs);
    const second = this.#findSecond(wallMs);
    return `${this.#secondText}${threeDigits[wallMs - second * 1000]}Z`;
  }

  /** `27/Nov/2026:06:39:27 +0000`, as web servers write it. */
  commonText(monotonicMs: number): string {
    this.#findSecond(this.wallMs(monotonicMs));
    return this.#commonText;
  }

  #findSecond(wallMs: number): number {
    const second = Math.floor(wallMs / 1000);
    if (second === this.#second) return second;
    this.#second = second;
    const iso = new Date(wallMs).toISOString();
    this.#secondText = iso.slice(0, 20);
    this.#commonText = `${iso.slice(8, 10)}/${months[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
    return second;
  }
}

/** Microseconds are as exact as it gets; whole numbers are written faster than fractions. */
export function toMs(durationMs: number): string {
  const micros = Math.round(durationMs * 1000);
  const millis = Math.floor(micros / 1000);
  return (wholeMillis[millis] ?? `${millis}.`) + threeDigits[micros - millis * 1000];
}
