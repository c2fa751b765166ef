/** How the calls of an aggregate reach their services, and by which rules. */
import type { CallCounter } from '#aggregate/call-counts.ts';
import type { AggregateMeans } from '#aggregate/compiled-aggregate.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { AggregateDestination } from '#config/aggregate-schema.ts';
import { createCallStarter } from '#forward/service-call.ts';
import type { Importance } from '#services/protection/importance.ts';
import type { Service } from '#services/service.ts';
import type { SettingsOfConfiguration } from './arrived-configuration.ts';
import { toForwardRules } from './forward-rules.ts';

interface CallingMeans extends Pick<AggregateMeans, 'clock' | 'keeper' | 'later' | 'findFunction'> {
  readonly findCounter: (route: string, call: string) => CallCounter | undefined;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  /** Of the route. */
  readonly importance: Importance;
  readonly settings: SettingsOfConfiguration;
  readonly services: ReadonlyMap<string, Service>;
}

export function toAggregateMeans(route: string, { calls, retries }: AggregateDestination, means: CallingMeans): AggregateMeans {
  const { clock, keeper, later, findFunction, settings, services, importance } = means;
  return {
    clock,
    keeper,
    later,
    findFunction,
    findCounter: (call) => means.findCounter(route, call),
    startCall(index) {
      const { name, service } = calls[index]!;
      const ofService = { name: service, settings: settings.services[service]! };
      const ofCall = { name: `${route}.to.aggregate.calls.${name}`, settings: { retry: retries[name] } };
      const { retry } = toForwardRules(ofService, ofCall);
      return createCallStarter(services.get(service)!, { retry, importance }, means);
    },
  };
}
