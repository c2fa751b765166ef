/** Where a request ends at a service: chooses the service, and hands the exchange to a forwarding. */
import { createIdSource } from '#base/ids.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import { mirrorSlot } from '#pipeline/mirror-order.ts';
import type { RoutePlan, Terminal } from '#pipeline/plan.ts';
import { WeightedRotation } from '#services/balancing/weighted-rotation.ts';
import type { Importance } from '#services/protection/importance.ts';
import type { Service } from '#services/service.ts';
import { listAffinities } from './affinity-cookies.ts';
import type { Fallback } from './fallback.ts';
import type { ForwardRules } from './forward-rules.ts';
import type { ForwardMeans, ForwardTarget } from './forward-target.ts';
import { Forwarding } from './forwarding.ts';
import { MirroredSource } from './mirrored-source.ts';
import { StickyCookie, type StickyCookieDefinition } from './sticky-cookie.ts';
import { StickySplit } from './sticky-split.ts';

export interface WeightedService {
  readonly service: Service;
  readonly weight: number;
  readonly rules: ForwardRules;
}

/** What keeps requests together at one of several services. */
export type StickyDefinition =
  | (StickyCookieDefinition & { readonly kind: 'cookie' })
  | { readonly kind: 'header' | 'claim'; readonly name: string }
  | { readonly kind: 'ip' }
  | { readonly kind: 'consumer' };

export interface ForwardDestination {
  /** At least one, with at least one weight above 0. */
  readonly services: readonly WeightedService[];
  readonly sticky?: StickyDefinition | undefined;
  readonly fallback?: Fallback | undefined;
  /** Without one, `normal`. */
  readonly importance?: Importance | undefined;
}

interface ServiceShare extends WeightedService, ForwardTarget {
  readonly name: string;
}

/** Sends requests to one service, or to several by weight. */
export class ForwardTerminal implements Terminal {
  readonly responseHead: ((exchange: Exchange, response: ResponseHead) => void) | undefined;
  readonly services: readonly string[];
  readonly standIn: string | undefined;
  readonly #targets: WeightedRotation<ServiceShare>;
  readonly #split: StickySplit<ServiceShare> | undefined;
  readonly #cookie: StickyCookie | undefined;
  readonly #means: ForwardMeans;

  constructor({ services, sticky, fallback, importance = 'normal' }: ForwardDestination, means: ForwardMeans) {
    const standIn = fallback?.to.kind === 'service' ? fallback.to.service : undefined;
    const reached = services.map(({ service }) => service);
    this.services = reached.map(({ definition }) => definition.name);
    this.standIn = standIn?.definition.name;
    const affinities = listAffinities(standIn === undefined ? reached : [...reached, standIn]);
    const shares = services.map((each) => ({
      ...each,
      name: each.service.definition.name,
      // Whoever has just failed stands in for others only.
      fallback: standIn === each.service ? undefined : fallback,
      affinities,
      importance,
      means,
    }));
    this.#targets = new WeightedRotation(shares);
    this.#split = sticky === undefined ? undefined : new StickySplit(sticky, shares);
    const cookie = sticky?.kind === 'cookie' ? new StickyCookie(sticky, createIdSource()) : undefined;
    this.#cookie = cookie;
    this.responseHead = cookie && ((exchange, response) => cookie.addTo(exchange, response));
    this.#means = means;
  }

  start(exchange: Exchange, plan: RoutePlan): void {
    const target = this.#split === undefined ? this.#targets.next() : this.#choose(this.#split, exchange);
    exchange.serviceName = target.name;
    const forwarding = new Forwarding(exchange, plan, target);
    exchange.source = forwarding;
    const order = exchange.get(mirrorSlot);
    if (order === undefined) return forwarding.start();
    const { mirrors, services } = this.#means;
    const copy = mirrors.begin(exchange, plan, { order, service: services.get(order.service)!, affinities: target.affinities });
    if (copy !== undefined) exchange.source = new MirroredSource(forwarding, copy);
    forwarding.start();
    // Behind the request itself, so that it waits for nothing.
    if (!exchange.request.hasBody) copy?.send();
  }

  /** Requests that say nothing to tell them by take turns. A client that can be given a cookie stays where its first one goes. */
  #choose(split: StickySplit<ServiceShare>, exchange: Exchange): ServiceShare {
    const key = split.keyOf(exchange.request, exchange.consumer) ?? this.#cookie?.give(exchange);
    return key === undefined ? this.#targets.next() : split.shareFor(key);
  }
}
