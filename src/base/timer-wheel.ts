/**
 * Deadlines for many connections at the cost of one interval per thread. Entries sit in slots of `tickMs`, so a timer
 * fires up to one tick late, never early. Moving a deadline later costs one assignment: the entry is looked at when its
 * old slot comes round and put into the new one.
 */
import type { Clock } from './clock.ts';

const SLOTS = 512;

/** Something with one deadline. `Infinity` means none. The owner calls `arm` again after lowering it. */
export abstract class WheelTimer {
  deadlineMs = Number.POSITIVE_INFINITY;
  /** The slot list that holds this timer; only the wheel touches these three. */
  wheelSlot = -1;
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

  get armedCount(): number {
    return this.#armed;
  }

  /** Sets the deadline `delayMs` from now. A later deadline than before costs nothing more than the assignment. */
  arm(timer: WheelTimer, delayMs: number): void {
    const deadlineMs = this.nowMs + delayMs;
    const isEarlier = deadlineMs < timer.deadlineMs;
    timer.deadlineMs = deadlineMs;
    if (timer.wheelSlot >= 0) {
      if (!isEarlier) return;
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
    if (timer.wheelSlot >= 0) this.#unlink(timer);
  }

  /** Runs everything that is due at the clock's time. */
  advance(): void {
    this.nowMs = this.#clock.monotonicMs();
    const tickNow = Math.floor(this.nowMs / this.tickMs);
    // After a long stall each slot needs to be looked at only once.
    if (tickNow - this.#tick > SLOTS) this.#tick = tickNow - SLOTS;
    while (this.#tick < tickNow) {
      this.#tick += 1;
      this.#runSlot(this.#tick % SLOTS);
    }
  }

  #runSlot(slot: number): void {
    const due: WheelTimer[] = [];
    for (let timer = this.#slots[slot]; timer !== undefined; timer = this.#slots[slot]) {
      this.#unlink(timer);
      due.push(timer);
    }
    for (const timer of due) {
      // An earlier timer of this slot may have armed this one anew, or taken its deadline away.
      if (timer.wheelSlot >= 0 || timer.deadlineMs === Number.POSITIVE_INFINITY) continue;
      if (timer.deadlineMs > this.nowMs) {
        this.#link(timer);
        continue;
      }
      timer.deadlineMs = Number.POSITIVE_INFINITY;
      timer.onDeadline(this.nowMs);
    }
  }

  #link(timer: WheelTimer): void {
    const dueTick = Math.max(Math.ceil(timer.deadlineMs / this.tickMs), this.#tick + 1);
    // Beyond one turn of the wheel: parked in the last slot of this turn and looked at again there.
    const slot = Math.min(dueTick, this.#tick + SLOTS - 1) % SLOTS;
    const first = this.#slots[slot];
    timer.wheelSlot = slot;
    timer.wheelNext = first;
    timer.wheelPrevious = undefined;
    if (first !== undefined) first.wheelPrevious = timer;
    this.#slots[slot] = timer;
    this.#armed += 1;
  }

  #unlink(timer: WheelTimer): void {
    const { wheelNext, wheelPrevious, wheelSlot } = timer;
    if (wheelPrevious !== undefined) wheelPrevious.wheelNext = wheelNext;
    else this.#slots[wheelSlot] = wheelNext;
    if (wheelNext !== undefined) wheelNext.wheelPrevious = wheelPrevious;
    timer.wheelSlot = -1;
    timer.wheelNext = undefined;
    timer.wheelPrevious = undefined;
    this.#armed -= 1;
  }
}
