/** Which endpoints each service has at the moment, and where they stand on the board. The control thread's own. */
import { assert } from '#base/assert.ts';
import type { Configuration } from '#config/configuration.ts';
import { type EndpointBoard, EndpointFlag, EndpointSlots } from '#services/endpoint-board.ts';
import { type EndpointChange, type EndpointChanges, isNoChange } from '#services/endpoint-changes.ts';
import type { EndpointList, EndpointLists, EndpointRecord } from '#services/endpoint-list.ts';
import type { EndpointTarget } from '#services/endpoint-source.ts';
import { type JoinedEndpoint, joinEndpoints } from '#services/joined-endpoints.ts';

/** In place of a URL: the record of the service itself. */
const SERVICE_ITSELF = '';

/** What of a service does not fit on the board. */
export interface LackOfRoom {
  readonly service: string;
  /** All endpoints that it would have. */
  readonly endpoints: number;
  /** Those of them that have no place on the board yet. */
  readonly fresh: number;
  readonly free: number;
  readonly capacity: number;
}

/** There is no room on the board. Nothing has changed. */
export class TooManyEndpoints extends Error {
  override readonly name = 'TooManyEndpoints';
  readonly lack: LackOfRoom;

  constructor(lack: LackOfRoom) {
    const { service, endpoints, fresh, free, capacity } = lack;
    const areNew = fresh === 1 ? '1 of them is new' : `${fresh} of them are new`;
    super(
      `no room for the ${endpoints} endpoints of the service \`${service}\`: ${areNew}, ${free} fit in, and the gateway holds ${capacity} services and endpoints together`,
    );
    this.lack = lack;
  }
}

/** What sources have found, by service. */
export type DiscoveredEndpoints = ReadonlyMap<string, readonly EndpointTarget[]>;

/** Lists that a configuration would have. */
export interface EndpointPlan {
  readonly configuration: Configuration;
  /** Those that are used. Where there is no room for what was found, it is what was used before, or nothing. */
  readonly discovered: DiscoveredEndpoints;
  readonly lists: EndpointLists;
}

const nothing: DiscoveredEndpoints = new Map();
const none: readonly EndpointTarget[] = [];
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

  /** What of the findings of a source is in use. */
  discoveredOf(service: string): readonly EndpointTarget[] {
    return this.#discovered.get(service) ?? none;
  }

  /** The lists that a configuration would have. They are in use from `commit` on; without one, `release` is called. */
  plan(configuration: Configuration, discovered: DiscoveredEndpoints = nothing): EndpointPlan {
    this.#changedSincePlan.clear();
    const { services } = configuration;
    const names = Object.keys(services);
    // What the configuration names has its room before anything that is found for any service.
    for (const name of names) this.#takeRoom(name, this.#join(name, services, nothing));
    const used = new Map([...discovered].map(([name, found]) => [name, this.#takeRoomForFound(name, services, found)]));
    const lists = Object.fromEntries(
      names.map((name) => {
        const records = this.#toRecords(name, this.#join(name, services, used));
        return [name, this.#toList(name, this.#lists[name], records)];
      }),
    );
    this.#plan = { configuration, discovered: used, lists };
    return this.#plan;
  }

  /**
   * Returns the lists that have changed since they were planned: data threads were told of the plan. There is room for them:
   * all that is in them had a place on the board before, or in the plan, and keeps it until now.
   */
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

  /** A source has found other endpoints. Returns the new list of the service; `undefined`: it is as before. Throws `TooManyEndpoints`. */
  setDiscovered(service: string, endpoints: readonly EndpointTarget[]): EndpointList | undefined {
    const before = this.discoveredOf(service);
    this.#discovered.set(service, endpoints);
    return this.#update(service, () => this.#discovered.set(service, before));
  }

  /** What an operator has changed about one endpoint counts from now on instead of what was changed before. Throws `TooManyEndpoints`. */
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
      throw error;
    }
    this.#changedSincePlan.add(service);
    if (before !== undefined && areSame(before.records, list.records)) return undefined;
    this.#lists = { ...this.#lists, [service]: list };
    this.#giveBackUnused();
    return list;
  }

  #renew(service: string): EndpointList {
    const joined = this.#join(service, this.#services, this.#discovered);
    this.#takeRoom(service, joined);
    const records = this.#toRecords(service, joined);
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

  /** Gives each of the endpoints a place on the board, and the service too. Throws where they do not all fit, and then none has got one. */
  #takeRoom(service: string, endpoints: ReadonlyMap<string, JoinedEndpoint>): void {
    const slots = this.#taken.get(service) ?? new Map<string, number>();
    const missing = [...endpoints.keys(), SERVICE_ITSELF].filter((url) => !slots.has(url));
    const { freeCount } = this.#slots;
    if (missing.length > freeCount) {
      const hasPlace = slots.has(SERVICE_ITSELF);
      throw new TooManyEndpoints({
        service,
        endpoints: endpoints.size,
        fresh: missing.length - (hasPlace ? 0 : 1),
        free: Math.max(0, freeCount - (hasPlace ? 0 : 1)),
        capacity: this.#board.capacity,
      });
    }
    this.#taken.set(service, slots);
    for (const url of missing) slots.set(url, this.#slots.take()!);
  }

  /** Returns what of the findings of a source can be used. */
  #takeRoomForFound(
    service: string,
    services: Configuration['services'],
    found: readonly EndpointTarget[],
  ): readonly EndpointTarget[] {
    for (const endpoints of [found, this.#keptOf(service, services)]) {
      try {
        this.#takeRoom(service, this.#join(service, services, new Map([[service, endpoints]])));
        return endpoints;
      } catch (error) {
        if (!(error instanceof TooManyEndpoints)) throw error;
      }
    }
    return none;
  }

  /** What is used of a source, where a configuration goes on with the same one. */
  #keptOf(service: string, services: Configuration['services']): readonly EndpointTarget[] {
    const isSame = JSON.stringify(this.#services[service]?.discover) === JSON.stringify(services[service]?.discover);
    return isSame ? this.discoveredOf(service) : none;
  }

  /** There is room for it. */
  #slotFor(service: string, url: string): number {
    const slot = this.#taken.get(service)?.get(url);
    assert(slot !== undefined, 'whoever makes a list has taken room for it');
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
