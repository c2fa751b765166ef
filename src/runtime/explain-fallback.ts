/** What would answer in the place of a route's service, when, and by which rules. */

import { formatBytes } from '#base/byte-text.ts';
import type { Configuration, RouteConfiguration } from '#config/configuration.ts';
import { safeMethods } from '#forward/forward-rules.ts';
import { formatDuration } from '#schema/duration-text.ts';
import { toForwardRules } from '#snapshot/forward-rules.ts';
import { type EndpointChoice, type ExplainedSubject, explainEndpoints } from './explain-balancing.ts';
import { explainForwarding } from './explain-forwarding.ts';
import { describeProtection } from './explain-protection.ts';

export interface ExplainedFallback {
  /** What answers: `service NAME`, or a fixed answer. */
  readonly to: string;
  /** For each service that it stands in for: when it does. */
  readonly instead: readonly string[];
  /** How an endpoint is chosen there; none for a fixed answer. */
  readonly endpoints: readonly EndpointChoice[];
  /** How long the service may take, and what is tried when it fails too. */
  readonly forwarding: readonly string[];
  readonly protection: readonly string[];
}

export interface RequestWithFallback {
  readonly method: string;
  /** It may be done twice, says the client. */
  readonly hasKey: boolean;
  readonly subject: ExplainedSubject;
}

type ServiceDestination = Extract<RouteConfiguration['to'], { kind: 'service' }>;
type FallbackSettings = NonNullable<ServiceDestination['fallback']>;

export function explainFallback(
  configuration: Configuration,
  route: { readonly name: string; readonly settings: RouteConfiguration },
  request: RequestWithFallback,
): ExplainedFallback | undefined {
  const { to } = route.settings;
  if (to.kind !== 'service' || to.fallback === undefined) return undefined;
  const { fallback } = to;
  const instead = to.services
    // A service is no fallback for itself.
    .filter(({ service }) => fallback.to.kind !== 'service' || fallback.to.service !== service)
    .map(({ service }) => `${service}: ${listConditions(configuration, { route, service, fallback }, request).join('; ')}`);
  if (fallback.to.kind !== 'service')
    return { to: `a fixed answer with status ${fallback.to.status}`, instead, endpoints: [], forwarding: [], protection: [] };
  const { service } = fallback.to;
  const there: RouteConfiguration = { ...route.settings, to: { kind: 'service', services: [{ service, weight: 1 }] } };
  return {
    to: `service ${service}`,
    instead,
    endpoints: explainEndpoints(there, configuration, request.subject),
    forwarding: explainForwarding(configuration, { name: route.name, settings: there }, request),
    protection: describeProtection(there, { ...configuration, overload: undefined }),
  };
}

interface Standing {
  readonly route: { readonly name: string; readonly settings: RouteConfiguration };
  /** The one that does not answer. */
  readonly service: string;
  readonly fallback: FallbackSettings;
}

function listConditions(
  { services }: Configuration,
  { route, service, fallback: { to, when } }: Standing,
  { method, hasKey }: RequestWithFallback,
): string[] {
  const conditions = [`on ${when.join(', ')}`];
  // An answer of the gateway itself needs neither the request nor time.
  if (to.kind !== 'service') return conditions;
  const { retry, requestLimit } = toForwardRules({ name: service, settings: services[service]! }, route);
  const unsure = (['failure', 'timeout'] as const).filter((reason) => when.includes(reason));
  if (unsure.length > 0 && !retry.methods.has(method) && !hasKey)
    conditions.push(`on ${unsure.join(' and ')} only while nobody has worked on it, since ${method} is not to be done twice`);
  if (!safeMethods.has(method))
    conditions.push(`a body goes along up to ${formatBytes(retry.bodyBytesMax)} (${retry.bodySetting})`);
  if (requestLimit !== undefined && when.includes('timeout'))
    conditions.push(`not once ${formatDuration(requestLimit.ms)} are over (${requestLimit.setting})`);
  return conditions;
}
