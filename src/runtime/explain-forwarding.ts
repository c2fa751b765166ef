/** What is known beforehand of how a request is sent to a service: how long it may take, and what is tried when it fails. */
import type { Configuration, RouteConfiguration } from '#config/configuration.ts';
import type { ForwardRules, RetryRules } from '#forward/forward-rules.ts';
import { safeMethods } from '#forward/forward-rules.ts';
import { formatDuration } from '#schema/duration-text.ts';
import { toForwardRules } from '#snapshot/forward-rules.ts';
import { toGrpcStatusName } from '#wire/grpc/grpc-status.ts';

/** One line for each service; none where nothing is sent anywhere. */
export function explainForwarding(
  { services }: Configuration,
  route: { readonly name: string; readonly settings: RouteConfiguration },
  request: { readonly method: string; readonly hasKey: boolean },
): string[] {
  const { to } = route.settings;
  if (to.kind !== 'service') return [];
  return to.services.map(({ service }) => {
    const rules = toForwardRules({ name: service, settings: services[service]! }, route);
    return `${service}: ${[...listTimes(rules), ...listAttempts(rules, request)].join('; ')}`;
  });
}

function listTimes({ timeouts, attemptLimit, requestLimit }: ForwardRules): string[] {
  const times = { attempt: attemptLimit, request: requestLimit, 'first byte': timeouts.firstByte, idle: timeouts.idle };
  return Object.entries(times).flatMap(([name, limit]) =>
    limit === undefined ? [] : [`${name} ${formatDuration(limit.ms)} (${limit.setting})`],
  );
}

function listAttempts({ retry, hedge }: ForwardRules, request: { readonly method: string; readonly hasKey: boolean }): string[] {
  const isRepeatable = retry.methods.has(request.method) || request.hasKey;
  const reasons = listReasons(retry, isRepeatable);
  const count = retry.furtherAttemptsMax;
  const further =
    count === 0 || reasons.length === 0
      ? 'no further attempt'
      : `up to ${count} further ${count === 1 ? 'attempt' : 'attempts'} after ${reasons.join(', ')}`;
  if (hedge === undefined || !safeMethods.has(request.method)) return [further];
  const after = hedge.after.kind === 'fixed' ? formatDuration(hedge.after.ms) : `p${hedge.after.share * 100}`;
  return [further, `hedged after ${after}`];
}

/** What is not to be done twice is tried again only where nobody has worked on it. Whoever names a status of gRPC says that calls may be. */
function listReasons({ conditions, statuses, grpcStatuses }: RetryRules, isRepeatable: boolean): string[] {
  const ofGrpc = [...grpcStatuses].map((code) => `grpc-status ${toGrpcStatusName(code)}`);
  const reasons: string[] = [...conditions].filter((each) => isRepeatable || each === 'connect' || each === 'refused');
  return [...reasons, ...(isRepeatable ? [...statuses].map(String) : []), ...ofGrpc];
}
