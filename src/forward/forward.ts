/** Where a request ends at a service: chooses the service, and hands the exchange to a forwarding. */
import type { Exchange } from '#http/exchange.ts';
import type { RoutePlan, Terminal } from '#pipeline/plan.ts';
import { WeightedRotation } from '#services/balancing/weighted-rotation.ts';
import type { Importance } from '#services/protection/importance.ts';
import type { Service } from '#services/service.ts';
import type { ForwardRules } from './forward-rules.ts';
import type { ForwardMeans, ForwardTarget } from './forward-target.ts';
import { Forwarding } from './forwarding.ts';

export interface WeightedService {
  readonly service: Service;
  readonly weight: number;
  readonly rules: ForwardRules;
}

/** Sends requests to one service, or to several by weight. */
export class ForwardTerminal implements Terminal {
  readonly #targets: WeightedRotation<WeightedService & ForwardTarget>;
  readonly #importance: Importance;

  constructor(services: readonly WeightedService[], importance: Importance, means: ForwardMeans) {
    this.#targets = new WeightedRotation(services.map((service) => ({ ...service, means })));
    this.#importance = importance;
  }

  start(exchange: Exchange, plan: RoutePlan): void {
    const target = this.#targets.next();
    exchange.serviceName = target.service.definition.name;
    const forwarding = new Forwarding(exchange, plan, target);
    exchange.source = forwarding;
    forwarding.start(this.#importance);
  }
}
