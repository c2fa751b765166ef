import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { ThreadMeter } from '#base/meter.ts';
import { createRandomSource } from '#base/random.ts';
import type { ChoiceStep } from '#http/exchange-journal.ts';
import { Affinity } from './affinity.ts';
import type { AttemptObserver, AttemptOutcome } from './attempt-outcome.ts';
import { AvailableEndpoints } from './available-endpoints.ts';
import type { PickSubject } from './balancing/balancer.ts';
import { createBalancer } from './balancing/create-balancer.ts';
import { ServiceLoad } from './balancing/service-load.ts';
import { Endpoint, type EndpointMeans } from './endpoint.ts';
import type { EndpointBoard } from './endpoint-board.ts';
import { type EndpointList, type EndpointRecord, formatEndpointUrl } from './endpoint-list.ts';
import { explainPick } from './explain-pick.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { OutlierWatch } from './outliers/outlier-watch.ts';
import type { PickableEndpoints } from './protection/gate.ts';
import { ServiceProtection } from './protection/protection.ts';
import { RetryBudget } from './retry-budget.ts';
import { RetryExhaustion } from './retry-exhaustion.ts';
import type { ServiceDefinition } from './service-definition.ts';
import { ServiceMeter } from './service-meter.ts';

/** What a thread lends to its services. */
export interface ServiceMeans extends EndpointMeans {
  readonly clock: Clock;
  readonly board: EndpointBoard;
  readonly logger: Logger;
  /** `undefined`: nobody wants to know. */
  readonly meter?: ThreadMeter | undefined;
}

const none: readonly Endpoint[] = Object.freeze([]);

/** A named upstream on one thread. It outlives snapshots for as long as its definition stays the same. */
export class Service {
  readonly definition: ServiceDefinition;
  /** `undefined`: clients are not kept at one endpoint. */
  readonly affinity: Affinity | undefined;
  /** Asked before the first attempt of an exchange. `undefined`: nobody has to be. */
  readonly protection: ServiceProtection | undefined;
  readonly #means: ServiceMeans;
  readonly #available: AvailableEndpoints;
  readonly #observers: readonly AttemptObserver[];
  readonly retryBudget: RetryBudget;
  readonly #exhaustion: RetryExhaustion;
  /** Of attempts beside which another one may be started. */
  readonly latency = new LatencyHistogram();
  readonly #load = new ServiceLoad();
  readonly #meter: ServiceMeter | undefined;
  #endpoints: readonly Endpoint[] = none;
  #listVersion = -1;

  constructor(definition: ServiceDefinition, means: ServiceMeans) {
    this.definition = definition;
    this.#means = means;
    const { outliers, balancing } = definition;
    const { balance, affinity } = balancing;
    const balancer = createBalancer<Endpoint>(balance, { random: createRandomSource(), load: this.#load });
    this.#available = new AvailableEndpoints(means.board, balancer, balancing);
    this.affinity = affinity && new Affinity(affinity, definition.name);
    this.protection = createProtection(definition, means, this.#available);
    const watch = outliers === undefined ? undefined : new OutlierWatch(outliers, this, means);
    this.#meter = means.meter && new ServiceMeter(definition.name, means.meter);
    this.#observers = [watch, balancer.observer, this.protection, this.#meter].filter((observer) => observer !== undefined);
    this.#exhaustion = new RetryExhaustion(means.board);
    this.retryBudget = new RetryBudget(means.wheel, this.#exhaustion);
  }

  /** All of them, whether they can be picked or not. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** Those that stay keep their connections; those that leave finish what runs. A list older than the present one is passed over. */
  setEndpoints({ version, records, slot }: EndpointList): void {
    if (version <= this.#listVersion) return;
    this.#listVersion = version;
    this.#exhaustion.slot = slot;
    const leaving = new Map(this.#endpoints.map((endpoint) => [endpoint.url, endpoint]));
    this.#endpoints = records.map((record) => this.#toEndpoint(record, leaving));
    this.affinity?.setEndpoints(this.#endpoints);
    this.#available.replace(this.#endpoints, this.#means.wheel.nowMs);
    for (const endpoint of leaving.values()) this.#dismiss(endpoint);
  }

  /**
   * The endpoint for an attempt; `undefined`: none can be picked. One that has failed is followed by its neighbour, which
   * takes nobody's turn. Whoever picks makes the attempt: it may be a probe.
   */
  pick(subject: PickSubject, tried: readonly Endpoint[] = none): Endpoint | undefined {
    const { nowMs } = this.#means.wheel;
    const preferred = tried.length > 0 ? this.#available.pickUntried(tried, nowMs) : this.#pickKept(subject, nowMs);
    const picked = preferred ?? this.#available.pick(subject, nowMs);
    return picked === undefined || this.protection === undefined ? picked : this.#pickProtected(picked, this.protection);
  }

  /**
   * An endpoint beside those that were tried; `undefined`: there is none that can be picked. It is only looked for: `letsTo`
   * is asked when the attempt is made.
   */
  pickUntried(tried: readonly Endpoint[]): Endpoint | undefined {
    const { protection } = this;
    const { nowMs } = this.#means.wheel;
    const picked = this.#available.pickUntried(tried, nowMs);
    if (picked === undefined || protection === undefined || protection.hasRoomAt(picked)) return picked;
    return this.#available.find((endpoint) => !tried.includes(endpoint) && protection.hasRoomAt(endpoint), nowMs);
  }

  /** Whether an endpoint that was looked for is to get an attempt, which is then made. */
  letsTo(endpoint: Endpoint): boolean {
    return this.protection === undefined || this.protection.letsTo(endpoint);
  }

  /** Why an exchange has got this endpoint; asked right behind the choice. */
  explainPick(picked: Endpoint, subject: PickSubject, tried: readonly Endpoint[] = none): ChoiceStep {
    const { definition, endpoints, protection, affinity } = this;
    const { board, wheel } = this.#means;
    const kept = subject.exchange === undefined ? undefined : affinity?.find(subject.exchange);
    const from = { definition, endpoints, board, available: this.#available, protection, kept, nowMs: wheel.nowMs };
    return explainPick(picked, { subject, tried }, from);
  }

  /** An attempt is over: said once for each, by whoever made it. */
  onAttemptEnded(outcome: AttemptOutcome): void {
    const observers = this.#observers;
    for (let i = 0; i < observers.length; i++) observers[i]!.onAttemptEnded(outcome);
  }

  /** The host name that an attempt at this endpoint carries. */
  authorityFor(endpoint: Endpoint, clientAuthority: string): string {
    const { host } = this.definition;
    if (host === 'client') return clientAuthority === '' ? endpoint.authority : clientAuthority;
    return host === 'endpoint' ? endpoint.authority : host.name;
  }

  /** Lets running exchanges end and closes what is unused. */
  close(): void {
    for (const endpoint of this.#endpoints) this.#dismiss(endpoint);
  }

  /** Metrics are to have what is there at the moment. */
  lookAtLoad(): void {
    this.#meter?.look(this.#endpoints, this.protection?.waitingCount ?? 0);
  }

  #dismiss(endpoint: Endpoint): void {
    endpoint.close();
    this.#meter?.forget(endpoint);
  }

  /** Where the client was before, unless that cannot be picked now. */
  #pickKept({ exchange }: PickSubject, nowMs: number): Endpoint | undefined {
    if (this.affinity === undefined || exchange === undefined) return undefined;
    const endpoint = this.affinity.find(exchange);
    return endpoint !== undefined && this.#available.has(endpoint, nowMs) ? endpoint : undefined;
  }

  /** Whoever has no place left, or is left alone for a while, gives way to another one. */
  #pickProtected(picked: Endpoint, protection: ServiceProtection): Endpoint | undefined {
    if (protection.letsTo(picked)) return picked;
    return this.#available.find((endpoint) => endpoint !== picked && protection.letsTo(endpoint), this.#means.wheel.nowMs);
  }

  /** One that is there already under the same record stays, and does not leave. */
  #toEndpoint(record: EndpointRecord, leaving: Map<string, Endpoint>): Endpoint {
    const url = formatEndpointUrl(record.url);
    const present = leaving.get(url);
    if (present === undefined || present.slot !== record.slot) {
      const endpoint = new Endpoint(record, this.definition, { ...this.#means, load: this.#load });
      this.#meter?.adopt(endpoint);
      return endpoint;
    }
    leaving.delete(url);
    present.update(record);
    return present;
  }
}

function createProtection(
  { protection, name }: ServiceDefinition,
  { clock, wheel, board }: ServiceMeans,
  available: AvailableEndpoints,
): ServiceProtection | undefined {
  if (protection === undefined) return undefined;
  const endpoints: PickableEndpoints = {
    count: () => available.countAt(wheel.nowMs),
    hasOneBelow: (activeMax) => available.find(({ active }) => active < activeMax, wheel.nowMs) !== undefined,
  };
  return new ServiceProtection(protection, { clock, wheel, board, service: name, endpoints });
}
