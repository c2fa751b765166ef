/**
 * Active checks of endpoints, on the control thread. What they find out stands on the endpoint board, where all data threads see
 * it at their next pick. Follows the lists of endpoints as they change.
 */
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import { NameResolver, type NameResolverOptions } from '#net/name-resolver.ts';
import type { EndpointBoard } from '../endpoint-board.ts';
import { type EndpointList, type EndpointLists, type EndpointRecord, formatEndpointUrl } from '../endpoint-list.ts';
import { type CheckMeans, type CheckTurns, EndpointCheck } from './endpoint-check.ts';
import type { CheckedService } from './endpoint-probe.ts';
import type { CheckedEndpoint } from './service-health.ts';

export interface HealthChecksOptions {
  readonly clock: Clock;
  readonly board: EndpointBoard;
  readonly logger: Logger;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** By the name of the service. */
export type CheckedServices = ReadonlyMap<string, CheckedService>;

/** Checks begin and end up to two ticks late. */
const TICK_MS = 50;

/** How a service is checked, with a text that tells whether that has changed. */
interface Definition {
  readonly checked: CheckedService;
  readonly text: string;
}

interface ServiceChecks {
  readonly definition: Definition;
  readonly list: EndpointList;
  /** By URL. */
  readonly checks: ReadonlyMap<string, EndpointCheck>;
}

export class HealthChecks implements CheckTurns {
  readonly #options: HealthChecksOptions;
  readonly #means: CheckMeans;
  readonly #services = new Map<string, ServiceChecks>();
  /** In the order in which they asked. */
  readonly #waiting = new Set<EndpointCheck>();
  readonly #running = new Set<EndpointCheck>();
  #resolver: NameResolver | undefined = undefined;
  #resolverDefinition = '';
  #definitions: ReadonlyMap<string, Definition> = new Map();

  constructor(options: HealthChecksOptions) {
    this.#options = options;
    this.#means = { ...options, wheel: new TimerWheel(options.clock, TICK_MS) };
  }

  /** A configuration is the present one now. Endpoints that stay keep their state, and their checks where those stay too. */
  follow(checked: CheckedServices, lists: EndpointLists, dns: NameResolverOptions): void {
    const resolverDefinition = JSON.stringify(dns);
    if (resolverDefinition !== this.#resolverDefinition) {
      this.#resolver?.close();
      this.#resolver = new NameResolver(dns, this.#options.clock);
      this.#resolverDefinition = resolverDefinition;
    }
    this.#definitions = new Map(
      [...checked].map(([name, one]) => [name, { checked: one, text: JSON.stringify([one, resolverDefinition]) }]),
    );
    this.followLists(lists);
  }

  /** Services have other endpoints than before. */
  followLists(lists: EndpointLists): void {
    for (const name of [...this.#services.keys()])
      if (!this.#definitions.has(name) || lists[name] === undefined) this.#leave(name);
    for (const [name, definition] of this.#definitions) {
      const list = lists[name];
      if (list !== undefined) this.#followService(name, definition, list);
    }
    const { wheel } = this.#means;
    if (this.#services.size > 0) wheel.start();
    else wheel.stop();
  }

  /** `undefined`: it is not checked. */
  find(service: string, url: string): CheckedEndpoint | undefined {
    return this.#services.get(service)?.checks.get(url);
  }

  stop(): void {
    for (const name of [...this.#services.keys()]) this.#leave(name);
    this.#means.wheel.stop();
    this.#resolver?.close();
    this.#resolver = undefined;
    this.#resolverDefinition = '';
    this.#definitions = new Map();
  }

  /** Runs what is due at the clock's time; by itself this happens every 50 ms. */
  advance(): void {
    this.#means.wheel.advance();
  }

  // From checks

  awaitTurn(check: EndpointCheck): void {
    this.#waiting.add(check);
    this.#runWaiting();
  }

  leaveTurn(check: EndpointCheck): void {
    this.#waiting.delete(check);
    if (this.#running.delete(check)) this.#runWaiting();
  }

  // Inside

  #runWaiting(): void {
    for (const check of this.#waiting) {
      if (this.#running.size >= limits.healthChecksAtOnceMax) return;
      this.#waiting.delete(check);
      this.#running.add(check);
      check.run();
    }
  }

  #followService(name: string, definition: Definition, list: EndpointList): void {
    const { checked } = definition;
    const before = this.#services.get(name);
    const isSame = before?.definition.text === definition.text;
    if (isSame && before?.list === list) return;
    const checks = new Map<string, EndpointCheck>();
    const leaving = new Map(before?.checks);
    for (const record of list.records) {
      const url = formatEndpointUrl(record.url);
      const present = leaving.get(url);
      if (present?.slot === record.slot) {
        leaving.delete(url);
        if (!isSame) present.replace(record, checked, this.#resolver!);
        checks.set(url, present);
      } else checks.set(url, this.#createCheck(record, checked));
    }
    this.#stopAll(leaving);
    this.#services.set(name, { definition, list, checks });
  }

  #createCheck(record: EndpointRecord, checked: CheckedService): EndpointCheck {
    return new EndpointCheck(record, checked, { resolver: this.#resolver!, means: this.#means, turns: this });
  }

  #leave(name: string): void {
    this.#stopAll(this.#services.get(name)?.checks ?? new Map());
    this.#services.delete(name);
  }

  #stopAll(checks: ReadonlyMap<string, EndpointCheck>): void {
    // First, so that none of them takes the place of another that stops.
    for (const check of checks.values()) this.#waiting.delete(check);
    for (const check of checks.values()) check.stop();
  }
}
