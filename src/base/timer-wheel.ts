/**
 * Deadlines for many connections at the cost of one interval per thread. Entries sit in slots of `tickMs`. Reading the
 * clock for each deadline would cost more than the rest, so deadlines are set from the last tick's time, which lags by up
 * to a tick; a timer therefore fires at least one tick behind its deadline: never early, up to two ticks late. Moving a deadline
 * later costs one assignment: the entry is looked at when its old slot comes round and put into the new one.
 */
import type { Clock } from './clock.ts';

const SLOTS = 512;

/** Something with one deadline, in the wheel's time. `Infinity` means none. The owner calls `arm` again after lowering it. */
export abstract class WheelTimer {
  deadlineMs = Number.POSITIVE_INFINITY;
  /** The tick whose slot holds this timer, -1 for none; only the wheel touches these three. */
  wheelTick = -1;
  wheelNext: WheelTimer | undefined = undefined;
  wheelPrevious: WheelTimer | undefined = undefined;

  /** Called once when the deadline has passed; the timer is unarmed by then. */
  abstract onDeadline(nowMs: number): void;
}

export class TimerWheel {
  readonly tickMs: number;
  readonly #clock: Clock;
  readonly #slots: (WheelTimer | undefined)[] = new Array(SLOTS).fill(undefined);
  #tick: number;
  #armed = 0;
  #interval: NodeJS.Timeout | undefined;
  /** The time of the last tick: good enough for deadlines, and free to read. */
  nowMs: number;

  constructor(clock: Clock, tickMs = 100) {
    this.#clock = clock;
    this.tickMs = tickMs;
    this.nowMs = clock.monotonicMs();
    this.#tick = Math.floor(this.nowMs / tickMs);
  }

  /** Starts ticking by itself. Without this, `advance` must be called. */
  start(): void {
    this.#interval ??= setInterval(() => this.advance(), this.tickMs).unref();
  }

  stop(): void {
    clearInterval(this.#interval);
    this.#interval = undefined;
  }

  /** Timers that stand in a slot; among them disarmed ones whose slot has not come round. */
  get armedCount(): number {
    return this.#armed;
  }

  /** Sets the deadline `delayMs` from now. A later deadline than before costs nothing more than the assignment. */
  arm(timer: WheelTimer, delayMs: number): void {
    timer.deadlineMs = this.nowMs + delayMs;
    if (timer.wheelTick >= 0) {
      if (timer.wheelTick <= this.#dueTick(timer)) return;
      this.#unlink(timer);
    }
    this.#link(timer);
  }

  /** Takes the deadline away but leaves the entry where it is; it goes when its slot comes round. */
  disarm(timer: WheelTimer): void {
    timer.deadlineMs = Number.POSITIVE_INFINITY;
  }

  /** Takes the timer out at once; for an owner that ends. */
  remove(timer: WheelTimer): void {
    timer.deadlineMs = Number.POSITIVE_INFINITY;
    if (timer.wheelTick >= 0) this.#unlink(timer);
  }

  /** Runs everything that is due at the clock's time. */
  advance(): void {
    this.nowMs = this.#clock.monotonicMs();
    const tickNow = Math.floor(this.nowMs / this.tickMs);
    // After a long stall each slot needs to be looked at only once.
    if (tickNow - this.#tick > SLOTS) this.#tick = tickNow - SLOTS;
    while (this.#tick < tickNow) {
      this.#tick += 1;
      let isDone = false;
      try {
        this.#runSlot(this.#tick % SLOTS);
        isDone = true;
      } finally {
        // A timer threw: the others of its slot are still there, and the next advance looks at them.
        if (!isDone) this.#tick -= 1;
      }
    }
  }

  #runSlot(slot: number): void {
    // Ends, because nothing is ever put into the slot of the tick that runs.
    for (let timer = this.#slots[slot]; timer !== undefined; timer = this.#slots[slot]) {
      this.#unlink(timer);
      if (timer.deadlineMs === Number.POSITIVE_INFINITY) continue;
      if (timer.deadlineMs > this.nowMs - this.tickMs) {
        this.#link(timer);
        continue;
      }
      timer.deadlineMs = Number.POSITIVE_INFINITY;
      timer.onDeadline(this.nowMs);
    }
  }

  /** The first tick at which the timer may fire; where the interval then comes too early in the tick, it waits for the next. */
  #dueTick(timer: WheelTimer): number {
    return Math.floor(timer.deadlineMs / this.tickMs) + 1;
  }

  #link(timer: WheelTimer): void {
    const dueTick = Math.max(this.#dueTick(timer), this.#tick + 1);
    // Beyond one turn of the wheel: parked in the last slot of this turn and looked at again there.
    const tick = Math.min(dueTick, this.#tick + SLOTS - 1);
    const slot = tick % SLOTS;
    const first = this.#slots[slot];
    timer.wheelTick = tick;
    timer.wheelNext = first;
    timer.wheelPrevious = undefined;
    if (first !== undefined) first.wheelPrevious = timer;
    this.#slots[slot] = timer;
    this.#armed += 1;
  }

  #unlink(timer: WheelTimer): void {
    const { wheelNext, wheelPrevious, wheelTick } = timer;
    if (wheelPrevious !== undefined) wheelPrevious.wheelNext = wheelNext;
    else this.#slots[wheelTick % SLOTS] = wheelNext;
    if (wheelNext !== undefined) wheelNext.wheelPrevious = wheelPrevious;
    timer.wheelTick = -1;
    timer.wheelNext = undefined;
    timer.wheelPrevious = undefined;
    this.#armed -= 1;
  }
}
