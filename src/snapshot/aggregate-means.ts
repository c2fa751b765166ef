/** How the calls of an aggregate reach their services, and by which rules. */
import type { AggregateMeans } from '#aggregate/compiled-aggregate.ts';
import type { Clock } from '#base/clock.ts';
import type { Keeper } from '#base/keeper.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { AggregateDestination } from '#config/aggregate-schema.ts';
import { createCallStarter } from '#forward/service-call.ts';
import type { Importance } from '#services/protection/importance.ts';
import type { Service } from '#services/service.ts';
import type { SettingsOfConfiguration } from './arrived-configuration.ts';
import { toForwardRules } from './forward-rules.ts';

interface CallingMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  readonly keeper: Keeper;
  /** Of the route. */
  readonly importance: Importance;
  readonly settings: SettingsOfConfiguration;
  readonly services: ReadonlyMap<string, Service>;
}

export function toAggregateMeans(route: string, { calls, retries }: AggregateDestination, means: CallingMeans): AggregateMeans {
  const { clock, keeper, settings, services, importance } = means;
  return {
    clock,
    keeper,
    startCall(index) {
      const { name, service } = calls[index]!;
      const ofService = { name: service, settings: settings.services[service]! };
      const ofCall = { name: `${route}.to.aggregate.calls.${name}`, settings: { retry: retries[name] } };
      const { retry } = toForwardRules(ofService, ofCall);
      return createCallStarter(services.get(service)!, { retry, importance }, means);
    },
  };
}
