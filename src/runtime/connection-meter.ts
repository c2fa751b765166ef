/** Counts connections of clients to the listeners of one thread: accepted, refused, and how their handshakes went. */
import { limits } from '#base/limits.ts';
import type { SeriesFamily, ThreadMeter } from '#base/meter.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import { SIZE_CELL_COUNT } from './size-buckets.ts';

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
  responseSizes: counted.length + SIZE_CELL_COUNT,
  connections: counted.length + 2 * SIZE_CELL_COUNT,
  handshakes: counted.length + 2 * SIZE_CELL_COUNT + 1,
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

  /** Notes how many connections there are, also of listeners that accept no more. */
  look(listeners: readonly LookedAtListener[]): void {
    const { cells } = this.#meter;
    const counts = new Map(this.#looked.map((name) => [name, { connections: 0, handshakes: 0 }]));
    for (const { settings, connections, listener } of listeners) {
      const before = counts.get(settings.listener) ?? { connections: 0, handshakes: 0 };
      counts.set(settings.listener, {
        connections: before.connections + connections.size,
        handshakes: before.handshakes + listener.handshakeCount,
      });
    }
    for (const [name, { connections, handshakes }] of counts) {
      cells[this.#place(name) + ListenerCell.connections] = connections;
      cells[this.#place(name) + ListenerCell.handshakes] = handshakes;
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
