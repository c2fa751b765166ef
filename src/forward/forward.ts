/** Where a request ends at a service: chooses the service, and hands the exchange to a forwarding. */
import type { Exchange } from '#http/exchange.ts';
import { grpcTimeoutMs } from '#http/grpc-request.ts';
import type { RoutePlan, Terminal } from '#pipeline/plan.ts';
import { WeightedRotation } from '#services/balancing/weighted-rotation.ts';
import type { Importance } from '#services/protection/importance.ts';
import type { Service } from '#services/service.ts';
import { Forwarding, type ForwardMeans } from './forwarding.ts';

export interface WeightedService {
  readonly service: Service;
  readonly weight: number;
}

/** Sends requests to one service, or to several by weight. */
export class ForwardTerminal implements Terminal {
  readonly #services: WeightedRotation<WeightedService>;
  readonly #means: ForwardMeans;
  readonly #importance: Importance;

  constructor(services: readonly WeightedService[], importance: Importance, means: ForwardMeans) {
    this.#services = new WeightedRotation(services);
    this.#importance = importance;
    this.#means = means;
  }

  start(exchange: Exchange, plan: RoutePlan): void {
    const { service } = this.#services.next();
    exchange.serviceName = service.definition.name;
    const forwarding = new Forwarding(exchange, plan, { service, means: this.#means });
    exchange.source = forwarding;
    const timeoutMs = grpcTimeoutMs(exchange.request);
    if (timeoutMs !== undefined) forwarding.limit(timeoutMs);
    if (service.protection === undefined) forwarding.attempt(false);
    else service.protection.admit(forwarding, this.#importance);
  }
}
