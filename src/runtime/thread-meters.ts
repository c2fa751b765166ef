/**
 * What threads have counted, as the control thread finds it. The memory belongs to the number of a thread and outlives it: whoever
 * has the number next goes on counting there, so what was counted never becomes less.
 */
import { cellsOf, type FoundSeries, findSeries, makeMeterMemory, readMeterVersion, readOverflowCount } from '#base/meter.ts';
import { runAtOnce } from '#base/slices.ts';
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
    if (counted === undefined) return;
    runAtOnce(readOne(counted, thread));
    for (const { family, at } of counted.listed) counted.cells.fill(0, at + family.gaugesFrom, at + family.cellCount);
  }

  /** Looks for series that are new, in steps. */
  *read(): Generator<undefined, void, void> {
    for (const [thread, counted] of this.#counted.entries()) yield* readOne(counted, thread);
  }

  /** All series that have been read, thread by thread. The same one is the same object, until it has become another one. */
  list(): (readonly ThreadSeries[])[] {
    return this.#counted.map(({ listed }) => listed);
  }

  /** How many series have had no room of their own, in all threads. */
  get overflowCount(): number {
    return this.#counted.reduce((sum, { memory }) => sum + readOverflowCount(memory), 0);
  }
}

function* readOne(counted: Counted, thread: number): Generator<undefined, void, void> {
  const { memory, cells } = counted;
  const version = readMeterVersion(memory);
  if (version === counted.version) return;
  const found = yield* findSeries(memory, meterFamilies, counted.known);
  // Somebody else may have read them meanwhile.
  const { known } = counted;
  const listed = found.map((series) => {
    const before = known[series.entry];
    return before?.generation === series.generation ? before : { ...series, thread, cells };
  });
  counted.known = [];
  for (const series of listed) counted.known[series.entry] = series;
  counted.listed = listed;
  counted.version = version;
}
