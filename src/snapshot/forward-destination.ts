import type { RouteConfiguration } from '#config/configuration.ts';
import { Fallback } from '#forward/fallback.ts';
import type { ForwardDestination } from '#forward/forward.ts';
import type { ForwardTarget } from '#forward/forward-target.ts';
import { RespondTerminal } from '#reply/respond.ts';
import type { Importance } from '#services/protection/importance.ts';

type ServiceDestination = Extract<RouteConfiguration['to'], { kind: 'service' }>;

/** A service by its name, with the rules of the route on the way to it. */
type FindTarget = (service: string) => Pick<ForwardTarget, 'service' | 'rules'>;

/** Where a route forwards to, with the services in the place of their names. */
export function toForwardDestination(
  { services, sticky, fallback }: ServiceDestination,
  importance: Importance | undefined,
  find: FindTarget,
): ForwardDestination {
  return {
    services: services.map(({ service, weight }) => ({ ...find(service), weight })),
    sticky,
    importance,
    fallback: fallback && toFallback(fallback, find),
  };
}

function toFallback({ to, when }: NonNullable<ServiceDestination['fallback']>, find: FindTarget): Fallback {
  if (to.kind === 'service') return new Fallback({ kind: 'service', ...find(to.service) }, when);
  return new Fallback({ kind: 'answer', terminal: new RespondTerminal(to) }, when);
}
