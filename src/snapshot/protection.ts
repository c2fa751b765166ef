import type { ServiceConfiguration } from '#config/configuration.ts';
import type { ProtectionDefinition } from '#services/protection/protection-definition.ts';

/** `undefined`: the service has no protection. `slot` is the service's own record on the endpoint board. */
export function toProtectionDefinition(
  { breaker, concurrency }: ServiceConfiguration,
  slot: number,
): ProtectionDefinition | undefined {
  if (breaker === undefined && concurrency === undefined) return undefined;
  return {
    breaker: breaker && {
      per: breaker.per,
      failureShare: breaker.failures,
      overMs: breaker.over,
      requestsMin: breaker.minRequests,
      openForMs: breaker.openFor,
      probes: breaker.probes,
    },
    concurrency: concurrency && {
      runningMax: concurrency.max,
      perEndpointMax: concurrency.perEndpoint,
      adaptive: concurrency.adaptive && { limitMin: concurrency.adaptive.min, limitMax: concurrency.adaptive.max },
      queueMax: concurrency.queue,
      queueTimeoutMs: concurrency.queueTimeout,
    },
    slot,
  };
}
