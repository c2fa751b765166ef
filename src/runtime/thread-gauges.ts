/** What a thread says of itself every second: how far its event loop is behind, how busy it is, its memory, its connections. */
import { type EventLoopUtilization, monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { SeriesFamily, ThreadMeter } from '#base/meter.ts';

/** Places of what a thread says of itself. */
export const ThreadCell = {
  cpuSeconds: 0,
  delayP50Ms: 1,
  delayP99Ms: 2,
  delayMaxMs: 3,
  utilization: 4,
  heapUsedBytes: 5,
  heapTotalBytes: 6,
  externalBytes: 7,
  connections: 8,
} as const;

export const threadFamily: SeriesFamily = { name: 'thread', labels: [], cellCount: 9, gaugesFrom: 1, seriesMax: 1 };

const LOOK_EVERY_MS = 1_000;
/** How often the system looks how late it is: the least delay that is seen. It does so without running any JavaScript. */
const RESOLUTION_MS = 20;
const NANOS_PER_MS = 1e6;
const MICROS_PER_SECOND = 1e6;

export interface GaugedThread {
  countConnections(): number;
  /** Something else wants to be looked at as often. */
  onLook(): void;
}

export class ThreadGauges {
  readonly #thread: GaugedThread;
  readonly #cells: Float64Array;
  readonly #at: number;
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #utilization: EventLoopUtilization = performance.eventLoopUtilization();
  #cpuMicros = readCpuMicros();

  constructor(meter: ThreadMeter, thread: GaugedThread) {
    this.#thread = thread;
    this.#cells = meter.cells;
    this.#at = meter.take(threadFamily, []);
    this.#delay.enable();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }

  #look(): void {
    this.#set(ThreadCell.delayP50Ms, this.#toDelayMs(this.#delay.percentile(50)));
    this.#set(ThreadCell.delayP99Ms, this.#toDelayMs(this.#delay.percentile(99)));
    this.#set(ThreadCell.delayMaxMs, this.#toDelayMs(this.#delay.max));
    this.#delay.reset();
    const utilization = performance.eventLoopUtilization();
    this.#set(ThreadCell.utilization, performance.eventLoopUtilization(utilization, this.#utilization).utilization);
    this.#utilization = utilization;
    const heap = getHeapStatistics();
    this.#set(ThreadCell.heapUsedBytes, heap.used_heap_size);
    this.#set(ThreadCell.heapTotalBytes, heap.total_heap_size);
    this.#set(ThreadCell.externalBytes, heap.external_memory);
    this.#set(ThreadCell.connections, this.#thread.countConnections());
    const cpuMicros = readCpuMicros();
    this.#cells[this.#at + ThreadCell.cpuSeconds]! += (cpuMicros - this.#cpuMicros) / MICROS_PER_SECOND;
    this.#cpuMicros = cpuMicros;
    this.#thread.onLook();
  }

  /** What is measured is the time from one look to the next. Without a look in all the time, nothing is. */
  #toDelayMs(nanos: number): number {
    return this.#delay.count === 0 ? 0 : Math.max(0, nanos / NANOS_PER_MS - RESOLUTION_MS);
  }

  #set(cell: number, value: number): void {
    this.#cells[this.#at + cell] = value;
  }
}

function readCpuMicros(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
