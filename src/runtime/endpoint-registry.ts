/** Which endpoints each service has at the moment, and where they stand on the board. The control thread's own. */
import type { Configuration } from '#config/configuration.ts';
import type { EndpointUrl } from '#schema/endpoint-url.ts';
import { type EndpointBoard, EndpointSlots } from '#services/endpoint-board.ts';
import { type EndpointList, type EndpointLists, type EndpointRecord, formatEndpointUrl } from '#services/endpoint-list.ts';

/** In place of a URL: the record of the service itself. */
const SERVICE_ITSELF = '';

/** An endpoint as somebody names it who does not know of boards. */
export interface EndpointTarget {
  readonly url: EndpointUrl;
  readonly weight: number;
  /** Without one, 0. */
  readonly priority?: number | undefined;
  readonly zone?: string | undefined;
}

/** There is no room on the board. */
export class TooManyEndpoints extends Error {
  override readonly name = 'TooManyEndpoints';

  constructor(service: string) {
    super(`the service \`${service}\` has no room for its endpoints: there are as many as the gateway can hold`);
  }
}

export class EndpointRegistry {
  readonly #slots: EndpointSlots;
  /** By service and URL. */
  readonly #taken = new Map<string, Map<string, number>>();
  #lists: EndpointLists = {};
  #version = 0;

  constructor(board: EndpointBoard) {
    this.#slots = new EndpointSlots(board);
  }

  /** As they are known to the data threads. */
  get lists(): EndpointLists {
    return this.#lists;
  }

  /** The lists that a configuration would have. They are in use from `commit` on; without one, `release` is called. */
  plan({ services }: Configuration): EndpointLists {
    return Object.fromEntries(
      Object.entries(services).map(([name, { endpoints }]) => [name, this.#toList(name, this.#lists[name], endpoints)]),
    );
  }

  commit(lists: EndpointLists): void {
    this.#lists = lists;
    this.release();
  }

  /** Gives back what no list in use holds. */
  release(): void {
    for (const [service, slots] of this.#taken) {
      const list = this.#lists[service];
      const held = new Set([list?.slot, ...(list?.records ?? []).map(({ slot }) => slot)]);
      for (const [url, slot] of slots) {
        if (held.has(slot)) continue;
        slots.delete(url);
        this.#slots.giveBack(slot);
      }
      if (slots.size === 0) this.#taken.delete(service);
    }
  }

  /** The same list where nothing has changed. */
  #toList(service: string, before: EndpointList | undefined, targets: readonly EndpointTarget[]): EndpointList {
    const records = this.#toRecords(service, targets);
    if (before !== undefined && areSame(before.records, records)) return before;
    return { version: ++this.#version, records, slot: this.#slotFor(service, SERVICE_ITSELF) };
  }

  /** One endpoint that is named twice has both weights, and the place where it was named first. */
  #toRecords(service: string, targets: readonly EndpointTarget[]): EndpointRecord[] {
    const records = new Map<string, EndpointRecord>();
    for (const { url, weight, priority = 0, zone } of targets) {
      const key = formatEndpointUrl(url);
      const earlier = records.get(key) ?? { weight: 0, priority, zone };
      records.set(key, { ...earlier, url, weight: earlier.weight + weight, slot: this.#slotFor(service, key) });
    }
    return [...records.values()];
  }

  #slotFor(service: string, url: string): number {
    let slots = this.#taken.get(service);
    if (slots === undefined) {
      slots = new Map();
      this.#taken.set(service, slots);
    }
    const slot = slots.get(url) ?? this.#slots.take();
    if (slot === undefined) throw new TooManyEndpoints(service);
    slots.set(url, slot);
    return slot;
  }
}

function areSame(one: readonly EndpointRecord[], other: readonly EndpointRecord[]): boolean {
  return one.length === other.length && one.every((record, i) => JSON.stringify(record) === JSON.stringify(other[i]));
}
