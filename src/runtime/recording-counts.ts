/** What all threads count of what they record, and how much is on its way from them to whoever writes it down. */
import { formatMetric } from '#base/metric-text.ts';

/** An exchange that was to be recorded is not: too much waits to be written (`slow`), too many run (`busy`), the disk refused it (`failed`). */
const cells = ['pendingBytes', 'recorded', 'slow', 'busy', 'failed', 'tunnels'] as const;
type Cell = (typeof cells)[number];

export class RecordingCounts {
  readonly memory: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  constructor(memory = new SharedArrayBuffer(cells.length * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#cells = new BigInt64Array(memory);
  }

  get pendingBytes(): number {
    return this.read('pendingBytes');
  }

  read(cell: Cell): number {
    return Number(Atomics.load(this.#cells, cells.indexOf(cell)));
  }

  add(cell: Cell, count = 1): void {
    Atomics.add(this.#cells, cells.indexOf(cell), BigInt(count));
  }

  get metricsText(): string {
    const lost = (['slow', 'busy', 'failed'] as const).map((reason) => ({ labels: { reason }, value: this.read(reason) }));
    return [
      formatMetric(recorded, [{ labels: {}, value: this.read('recorded') }]),
      formatMetric(dropped, lost),
      formatMetric(skipped, [{ labels: { reason: 'tunnel' }, value: this.read('tunnels') }]),
    ].join('');
  }
}

const recorded = { name: 'gatehouse_recording_exchanges_total', type: 'counter', help: 'Exchanges that were recorded.' } as const;
const dropped = {
  name: 'gatehouse_recording_exchanges_dropped_total',
  type: 'counter',
  help: 'Exchanges that were to be recorded and are not.',
} as const;
const skipped = {
  name: 'gatehouse_recording_exchanges_skipped_total',
  type: 'counter',
  help: 'Exchanges that recordings leave out for what they are.',
} as const;
