/** Where a request ends at a service: chooses the service, and hands the exchange to a forwarding. */
import { createIdSource } from '#base/ids.ts';
import type { Exchange } from '#http/exchange.ts';
import { grpcTimeoutMs } from '#http/grpc-request.ts';
import type { ResponseHead } from '#http/response.ts';
import { mirrorSlot } from '#pipeline/mirror-order.ts';
import type { RoutePlan, Terminal } from '#pipeline/plan.ts';
import { WeightedRotation } from '#services/balancing/weighted-rotation.ts';
import type { Service } from '#services/service.ts';
import type { Fallback } from './fallback.ts';
import { Forwarding, type ForwardMeans } from './forwarding.ts';
import { MirroredSource } from './mirrored-source.ts';
import { StickyCookie, type StickyCookieDefinition } from './sticky-cookie.ts';
import { StickySplit } from './sticky-split.ts';

export interface WeightedService {
  readonly service: Service;
  readonly weight: number;
}

/** What keeps requests together at one of several services. */
export type StickyDefinition =
  | (StickyCookieDefinition & { readonly kind: 'cookie' })
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'ip' };

export interface ForwardDestination {
  /** At least one, with at least one weight above 0. */
  readonly services: readonly WeightedService[];
  readonly sticky?: StickyDefinition | undefined;
  readonly fallback?: Fallback | undefined;
}

interface ServiceShare extends WeightedService {
  readonly name: string;
}

/** Sends requests to one service, or to several by weight. */
export class ForwardTerminal implements Terminal {
  readonly responseHead: ((exchange: Exchange, response: ResponseHead) => void) | undefined;
  readonly #services: WeightedRotation<WeightedService>;
  readonly #split: StickySplit<ServiceShare> | undefined;
  readonly #cookie: StickyCookie | undefined;
  readonly #fallback: Fallback | undefined;
  readonly #means: ForwardMeans;

  constructor({ services, sticky, fallback }: ForwardDestination, means: ForwardMeans) {
    this.#services = new WeightedRotation(services);
    const shares = services.map(({ service, weight }) => ({ name: service.definition.name, service, weight }));
    this.#split = sticky === undefined ? undefined : new StickySplit(sticky, shares);
    const cookie = sticky?.kind === 'cookie' ? new StickyCookie(sticky, createIdSource()) : undefined;
    this.#cookie = cookie;
    this.responseHead = cookie && ((exchange, response) => cookie.addTo(exchange, response));
    this.#fallback = fallback;
    this.#means = means;
  }

  start(exchange: Exchange, plan: RoutePlan): void {
    const service = this.#split === undefined ? this.#services.next().service : this.#choose(this.#split, exchange);
    exchange.serviceName = service.definition.name;
    const forwarding = new Forwarding(exchange, plan, { service, fallback: this.#fallback, means: this.#means });
    exchange.source = forwarding;
    const timeoutMs = grpcTimeoutMs(exchange.request);
    if (timeoutMs !== undefined) forwarding.limit(timeoutMs);
    const order = exchange.get(mirrorSlot);
    if (order === undefined) return forwarding.attempt(false);
    const { mirrors, services } = this.#means;
    const copy = mirrors.begin(exchange, plan, { order, service: services.get(order.service)! });
    if (copy !== undefined) exchange.source = new MirroredSource(forwarding, copy);
    forwarding.attempt(false);
    // Behind the request itself, so that it waits for nothing.
    if (!exchange.request.hasBody) copy?.send();
  }

  /** Requests that say nothing to tell them by take turns. A client that can be given a cookie stays where its first one goes. */
  #choose(split: StickySplit<ServiceShare>, exchange: Exchange): Service {
    const key = split.keyOf(exchange.request) ?? this.#cookie?.give(exchange);
    return key === undefined ? this.#services.next().service : split.shareFor(key).service;
  }
}
