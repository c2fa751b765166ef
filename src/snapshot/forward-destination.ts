import type { RouteConfiguration } from '#config/configuration.ts';
import { Fallback } from '#forward/fallback.ts';
import type { ForwardDestination } from '#forward/forward.ts';
import { RespondTerminal } from '#reply/respond.ts';
import type { Service } from '#services/service.ts';

type ServiceDestination = Extract<RouteConfiguration['to'], { kind: 'service' }>;

/** Where a route forwards to, with the services in the place of their names. */
export function toForwardDestination(
  { services, sticky, fallback }: ServiceDestination,
  byName: ReadonlyMap<string, Service>,
): ForwardDestination {
  return {
    services: services.map(({ service, weight }) => ({ service: byName.get(service)!, weight })),
    sticky,
    fallback: fallback && toFallback(fallback, byName),
  };
}

function toFallback({ to, when }: NonNullable<ServiceDestination['fallback']>, byName: ReadonlyMap<string, Service>): Fallback {
  if (to.kind === 'service') return new Fallback({ kind: 'service', service: byName.get(to.service)! }, when);
  return new Fallback({ kind: 'answer', terminal: new RespondTerminal(to) }, when);
}
