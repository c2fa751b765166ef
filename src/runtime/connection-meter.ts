/** Counts connections of clients to the listeners of one thread: accepted, refused, and how their handshakes went. */
import { limits } from '#base/limits.ts';
import type { SeriesFamily, ThreadMeter } from '#base/meter.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import { SIZE_BUCKET_COUNT } from './size-buckets.ts';

const counted = [
  'http1',
  'http2',
  'bytes',
  'refusedByListener',
  'refusedByAddress',
  'refusedProxyHeaders',
  'newTls12',
  'resumedTls12',
  'newTls13',
  'resumedTls13',
  'failedHandshakes',
  'challenges',
] as const;
export type CountedConnection = (typeof counted)[number];

export const ListenerCell = {
  ...(Object.fromEntries(counted.map((name, place) => [name, place])) as Record<CountedConnection, number>),
  /** Exchanges by the size of their bodies. */
  requestSizes: counted.length,
  responseSizes: counted.length + SIZE_BUCKET_COUNT,
  connections: counted.length + 2 * SIZE_BUCKET_COUNT,
  handshakes: counted.length + 2 * SIZE_BUCKET_COUNT + 1,
} as const;

export const listenerFamily: SeriesFamily = {
  name: 'listener',
  labels: ['listener'],
  cellCount: ListenerCell.handshakes + 1,
  gaugesFrom: ListenerCell.connections,
  seriesMax: limits.metricListenersMax,
};

/** What is looked at from time to time. */
export interface LookedAtListener {
  readonly settings: { readonly listener: string };
  readonly connections: { readonly size: number };
  readonly listener: { readonly handshakeCount: number };
}

export class ConnectionMeter {
  readonly #meter: ThreadMeter;
  readonly #places = new Map<string, number>();
  /** Those that had connections when they were looked at last. */
  #looked: readonly string[] = [];

  constructor(meter: ThreadMeter) {
    this.#meter = meter;
  }

  count(listener: string, what: CountedConnection): void {
    this.#meter.cells[this.#place(listener) + ListenerCell[what]]! += 1;
  }

  onAccepted(listener: string, { protocol, tls }: AcceptedConnection): void {
    this.count(listener, protocol);
    if (tls === undefined) return;
    if (tls.version === 'TLSv1.3') this.count(listener, tls.isResumed ? 'resumedTls13' : 'newTls13');
    else this.count(listener, tls.isResumed ? 'resumedTls12' : 'newTls12');
  }

  /** Notes how many connections there are. Those of listeners that are gone, and still have some, are not among them. */
  look(listeners: readonly LookedAtListener[]): void {
    const { cells } = this.#meter;
    for (const name of this.#looked)
      cells.fill(0, this.#place(name) + ListenerCell.connections, this.#place(name) + listenerFamily.cellCount);
    for (const { settings, connections, listener } of listeners) {
      const at = this.#place(settings.listener);
      cells[at + ListenerCell.connections] = connections.size;
      cells[at + ListenerCell.handshakes] = listener.handshakeCount;
    }
    this.#looked = listeners.map(({ settings }) => settings.listener);
  }

  #place(listener: string): number {
    let at = this.#places.get(listener);
    if (at === undefined) {
      at = this.#meter.take(listenerFamily, [listener]);
      this.#places.set(listener, at);
    }
    return at;
  }
}
