/** Which endpoints each service has at the moment, and where they stand on the board. The control thread's own. */
import type { Configuration } from '#config/configuration.ts';
import { type EndpointBoard, EndpointFlag, EndpointSlots } from '#services/endpoint-board.ts';
import { type EndpointChange, type EndpointChanges, isNoChange } from '#services/endpoint-changes.ts';
import type { EndpointList, EndpointLists, EndpointRecord } from '#services/endpoint-list.ts';
import type { EndpointTarget } from '#services/endpoint-source.ts';
import { type JoinedEndpoint, joinEndpoints } from '#services/joined-endpoints.ts';

/** In place of a URL: the record of the service itself. */
const SERVICE_ITSELF = '';

/** There is no room on the board. */
export class TooManyEndpoints extends Error {
  override readonly name = 'TooManyEndpoints';

  constructor(service: string) {
    super(`the service \`${service}\` has no room for its endpoints: there are as many as the gateway can hold`);
  }
}

/** What sources have found, by service. */
export type DiscoveredEndpoints = ReadonlyMap<string, readonly EndpointTarget[]>;

/** Lists that a configuration would have. */
export interface EndpointPlan {
  readonly configuration: Configuration;
  readonly discovered: DiscoveredEndpoints;
  readonly lists: EndpointLists;
}

const nothing: DiscoveredEndpoints = new Map();
const noChanges: EndpointChanges = new Map();
const noServices: Configuration['services'] = {};

export class EndpointRegistry {
  readonly #board: EndpointBoard;
  readonly #slots: EndpointSlots;
  /** By service and URL. */
  readonly #taken = new Map<string, Map<string, number>>();
  #services: Configuration['services'] = noServices;
  #discovered: Map<string, readonly EndpointTarget[]> = new Map();
  /** Of operators, by service. They outlive configurations. */
  readonly #changes = new Map<string, Map<string, EndpointChange>>();
  #lists: EndpointLists = {};
  /** What may be in use soon. */
  #plan: EndpointPlan | undefined;
  /** Services that have changed since there is a plan. */
  readonly #changedSincePlan = new Set<string>();
  #version = 0;

  constructor(board: EndpointBoard) {
    this.#board = board;
    this.#slots = new EndpointSlots(board);
  }

  /** As they are known to the data threads. */
  get lists(): EndpointLists {
    return this.#lists;
  }

  changesOf(service: string): EndpointChanges {
    return this.#changes.get(service) ?? noChanges;
  }

  /** The endpoints of a service in use, by URL; `undefined` when there is no such service. */
  endpointsOf(service: string): ReadonlyMap<string, JoinedEndpoint> | undefined {
    return Object.hasOwn(this.#services, service) ? this.#join(service, this.#services, this.#discovered) : undefined;
  }

  /** The lists that a configuration would have. They are in use from `commit` on; without one, `release` is called. */
  plan(configuration: Configuration, discovered: DiscoveredEndpoints = nothing): EndpointPlan {
    this.#changedSincePlan.clear();
    const { services } = configuration;
    const lists = Object.fromEntries(
      Object.keys(services).map((name) => {
        const records = this.#toRecords(name, this.#join(name, services, discovered));
        return [name, this.#toList(name, this.#lists[name], records)];
      }),
    );
    this.#plan = { configuration, discovered, lists };
    return this.#plan;
  }

  /** Returns the lists that have changed since they were planned: data threads were told of the plan. */
  commit({ configuration, discovered, lists }: EndpointPlan): EndpointLists {
    const changed = [...this.#changedSincePlan].filter((service) => Object.hasOwn(configuration.services, service));
    const found = changed.flatMap((service) => {
      const endpoints = this.#discovered.get(service);
      return endpoints === undefined || !discovered.has(service) ? [] : [[service, endpoints] as const];
    });
    this.#services = configuration.services;
    this.#discovered = new Map([...discovered, ...found]);
    this.#lists = lists;
    const renewed = changed.map((service) => [service, this.#renew(service)] as const);
    this.#lists = { ...lists, ...Object.fromEntries(renewed) };
    this.release();
    return Object.fromEntries(renewed);
  }

  /** Gives back what no list in use holds. */
  release(): void {
    this.#plan = undefined;
    this.#giveBackUnused();
  }

  /** Nothing is in use any more, and nothing of it is remembered. */
  clear(): void {
    this.#services = noServices;
    this.#discovered = new Map();
    this.#changes.clear();
    this.#lists = {};
    this.release();
  }

  /** A source has found other endpoints. Returns the new list of the service; `undefined`: it is as before. */
  setDiscovered(service: string, endpoints: readonly EndpointTarget[]): EndpointList | undefined {
    const before = this.#discovered.get(service) ?? [];
    this.#discovered.set(service, endpoints);
    return this.#update(service, () => this.#discovered.set(service, before));
  }

  /** What an operator has changed about one endpoint counts from now on instead of what was changed before. */
  setChange(service: string, url: string, change: EndpointChange): EndpointList | undefined {
    const before = this.#changes.get(service) ?? new Map<string, EndpointChange>();
    const changes = new Map(before);
    if (isNoChange(change)) changes.delete(url);
    else changes.set(url, change);
    this.#changes.set(service, changes);
    return this.#update(service, () => this.#changes.set(service, before));
  }

  #update(service: string, undo: () => void): EndpointList | undefined {
    if (!Object.hasOwn(this.#services, service)) return undefined;
    const before = this.#lists[service];
    let list: EndpointList;
    try {
      list = this.#renew(service);
    } catch (error) {
      undo();
      this.#giveBackUnused();
      throw error;
    }
    this.#changedSincePlan.add(service);
    if (before !== undefined && areSame(before.records, list.records)) return undefined;
    this.#lists = { ...this.#lists, [service]: list };
    this.#giveBackUnused();
    return list;
  }

  #renew(service: string): EndpointList {
    const records = this.#toRecords(service, this.#join(service, this.#services, this.#discovered));
    return { version: ++this.#version, records, slot: this.#slotFor(service, SERVICE_ITSELF) };
  }

  #join(
    service: string,
    services: Configuration['services'],
    discovered: DiscoveredEndpoints,
  ): ReadonlyMap<string, JoinedEndpoint> {
    return joinEndpoints({
      configured: services[service]?.endpoints ?? [],
      discovered: discovered.get(service) ?? [],
      changes: this.changesOf(service),
    });
  }

  /** The same list where nothing has changed. */
  #toList(service: string, before: EndpointList | undefined, records: readonly EndpointRecord[]): EndpointList {
    if (before !== undefined && areSame(before.records, records)) return before;
    return { version: ++this.#version, records, slot: this.#slotFor(service, SERVICE_ITSELF) };
  }

  #toRecords(service: string, endpoints: ReadonlyMap<string, JoinedEndpoint>): EndpointRecord[] {
    return [...endpoints].map(([key, endpoint]) => {
      const slot = this.#slotFor(service, key);
      this.#board.setFlag(slot, EndpointFlag.draining, endpoint.isDraining);
      return { url: endpoint.url, weight: endpoint.weight, priority: endpoint.priority ?? 0, zone: endpoint.zone, slot };
    });
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

  #giveBackUnused(): void {
    for (const [service, slots] of this.#taken) {
      const lists = [this.#lists[service], this.#plan?.lists[service]];
      const held = new Set(
        lists.flatMap((list) => (list === undefined ? [] : [list.slot, ...list.records.map(({ slot }) => slot)])),
      );
      for (const [url, slot] of slots) {
        if (held.has(slot)) continue;
        slots.delete(url);
        this.#slots.giveBack(slot);
      }
      if (slots.size === 0) this.#taken.delete(service);
    }
  }
}

function areSame(one: readonly EndpointRecord[], other: readonly EndpointRecord[]): boolean {
  return one.length === other.length && one.every((record, i) => JSON.stringify(record) === JSON.stringify(other[i]));
}
