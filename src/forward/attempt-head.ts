import type { Exchange } from '#http/exchange.ts';
import type { AttemptHead } from '#http/upstream-call.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import type { Endpoint } from '#services/endpoint.ts';
import { hideCookies } from './affinity-cookies.ts';
import type { ForwardTarget } from './forward-target.ts';

/** What one attempt says, after the policies of its phase. They may have ended the exchange instead. */
export function toAttemptHead(
  exchange: Exchange,
  plan: RoutePlan,
  { service, rules, affinities }: ForwardTarget,
  endpoint: Endpoint,
): AttemptHead {
  const { method, target, authority: asked } = exchange.request;
  const authority = service.authorityFor(endpoint, asked);
  const { timeouts } = rules;
  const fields = affinities && hideCookies(exchange.request.fields, affinities);
  if (plan.upstreamRequest === undefined) return { method, target, authority, fields, timeouts, trace: undefined };
  // An attempt has fields of its own, so that a second one starts from what the client sent.
  const upstream: UpstreamRequest = {
    service: service.definition.name,
    purpose: exchange.fallbackReason === undefined ? 'route' : 'fallback',
    method,
    target,
    authority,
    fields: fields ?? [...exchange.request.fields],
  };
  plan.shapeUpstreamRequest(exchange, upstream);
  return {
    method: upstream.method,
    target: upstream.target,
    authority: upstream.authority,
    fields: upstream.fields,
    timeouts,
    trace: undefined,
  };
}
