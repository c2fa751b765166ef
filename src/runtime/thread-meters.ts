/**
 * What threads have counted, as the control thread finds it. The memory belongs to the number of a thread and outlives it: whoever
 * has the number next goes on counting there, so what was counted never becomes less.
 */
import {
  cellsOf,
  clearGauges,
  type FoundSeries,
  makeMeterMemory,
  readMeterVersion,
  readOverflowCount,
  readSeries,
} from '#base/meter.ts';
import { meterFamilies } from './meter-families.ts';

/** A series of one thread. */
export interface ThreadSeries extends FoundSeries {
  readonly thread: number;
  /** Of all series of the thread. */
  readonly cells: Float64Array;
}

interface Counted {
  readonly memory: SharedArrayBuffer;
  readonly cells: Float64Array;
  /** By their entries. */
  known: (ThreadSeries | undefined)[];
  listed: readonly ThreadSeries[];
  /** Of the memory when they were listed. */
  version: number;
}

export class ThreadMeters {
  readonly #counted: Counted[] = [];

  /** Memory for the thread with this number: that of the one who had it before, where there was one. */
  provide(thread: number): SharedArrayBuffer {
    const present = this.#counted[thread];
    if (present !== undefined) return present.memory;
    const memory = makeMeterMemory();
    this.#counted[thread] = { memory, cells: cellsOf(memory), known: [], listed: [], version: 0 };
    return memory;
  }

  /** The thread is gone: nothing of what it had is under way any more. */
  forget(thread: number): void {
    const counted = this.#counted[thread];
    if (counted !== undefined) clearGauges(counted.memory, meterFamilies);
  }

  /** All series, thread by thread. The same one is the same object, until it has become another one. */
  list(): (readonly ThreadSeries[])[] {
    return this.#counted.map((counted, thread) => this.#listOf(counted, thread));
  }

  /** How many series have had no room of their own, in all threads. */
  get overflowCount(): number {
    return this.#counted.reduce((sum, { memory }) => sum + readOverflowCount(memory), 0);
  }

  #listOf(counted: Counted, thread: number): readonly ThreadSeries[] {
    const { memory, cells, known } = counted;
    const version = readMeterVersion(memory);
    if (version === counted.version) return counted.listed;
    const found = readSeries(memory, meterFamilies, known).map((series) => {
      const before = known[series.entry];
      return before === series ? before : { ...series, thread, cells };
    });
    counted.known = [];
    for (const series of found) counted.known[series.entry] = series;
    counted.listed = found;
    counted.version = version;
    return found;
  }
}
