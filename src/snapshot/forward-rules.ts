/** The rules by which requests of one route are sent to one service: what the route says, else what the service says. */
import type { RouteConfiguration, ServiceConfiguration } from '#config/configuration.ts';
import { defaultRetry } from '#config/retry-defaults.ts';
import type { ServiceRetry } from '#config/retry-schema.ts';
import { type ForwardRules, idempotentMethods, type RetryCondition, type RetryRules } from '#forward/forward-rules.ts';
import type { TimeLimit } from '#http/upstream-call.ts';
import { toGrpcStatusCode } from '#wire/grpc/grpc-status.ts';

interface Named<Settings> {
  readonly name: string;
  readonly settings: Settings;
}

type NamedService = Named<Pick<ServiceConfiguration, 'timeouts' | 'retry' | 'hedge'>>;
type NamedRoute = Named<Pick<RouteConfiguration, 'timeouts' | 'retry'>>;

export function toForwardRules(service: NamedService, route: NamedRoute): ForwardRules {
  const { hedge, timeouts } = service.settings;
  const ofService = (key: string, ms: number): TimeLimit => ({ ms, setting: `services.${service.name}.timeouts.${key}` });
  const ofRoute = (key: 'firstByte' | 'idle' | 'attempt' | 'request'): TimeLimit | undefined => {
    const ms = route.settings.timeouts?.[key];
    return ms === undefined ? undefined : { ms, setting: `routes.${route.name}.timeouts.${key}` };
  };
  return {
    retry: toRetryRules(service, route),
    hedge: hedge && { after: hedge.after, attemptsMax: hedge.max },
    timeouts: {
      firstByte: ofRoute('firstByte') ?? ofService('firstByte', timeouts.firstByte),
      idle: ofRoute('idle') ?? ofService('idle', timeouts.idle),
    },
    attemptLimit: ofRoute('attempt') ?? (timeouts.attempt === undefined ? undefined : ofService('attempt', timeouts.attempt)),
    requestLimit: ofRoute('request') ?? (timeouts.request === undefined ? undefined : ofService('request', timeouts.request)),
  };
}

function toRetryRules(service: NamedService, route: NamedRoute): RetryRules {
  const ofService = service.settings.retry;
  const ofRoute = route.settings.retry;
  const isOff = ofRoute === false || (ofRoute === undefined && ofService === false);
  const base: ServiceRetry = ofService === false ? defaultRetry : ofService;
  const changes = ofRoute === undefined || ofRoute === false ? {} : ofRoute;
  const { attempts = base.attempts, on = base.on, methods = base.methods, bodyMax = base.bodyMax } = changes;
  const { backoff = base.backoff, retryAfterMax = base.retryAfterMax, grpcStatuses = base.grpcStatuses } = changes;
  return {
    furtherAttemptsMax: isOff ? 0 : attempts,
    conditions: new Set(on.filter((each): each is RetryCondition => typeof each === 'string')),
    statuses: new Set(on.filter((each) => typeof each === 'number')),
    grpcStatuses: new Set(grpcStatuses.map(toGrpcStatusCode)),
    methods: methods.length === 0 ? idempotentMethods : new Set([...idempotentMethods, ...methods]),
    bodyBytesMax: bodyMax,
    bodySetting: `${changes.bodyMax === undefined ? `services.${service.name}` : `routes.${route.name}`}.retry.bodyMax`,
    backoff: { baseMs: backoff.base, maxMs: backoff.max },
    retryAfterMaxMs: retryAfterMax,
    budget: base.budget,
    budgetSetting: `services.${service.name}.retry.budget`,
  };
}
