/** What stands between a route and its services, in words. */
import type { Configuration, RouteConfiguration, ServiceConfiguration } from '#config/configuration.ts';
import { formatDuration } from '#schema/duration-text.ts';

export function describeProtection({ to, importance }: RouteConfiguration, configuration: Configuration): string[] {
  if (to.kind !== 'service') return [];
  const { services, overload } = configuration;
  const ofServices = to.services.flatMap(({ service: name }) => {
    const service = services[name];
    const lines = service === undefined ? [] : [describeConcurrency(service), describeBreaker(service)];
    const prefix = to.services.length > 1 ? `${name}: ` : '';
    return lines.flatMap((line) => (line === undefined ? [] : [`${prefix}${line}`]));
  });
  return overload === undefined ? ofServices : [...ofServices, describeOverload(overload, importance)];
}

function describeOverload(
  { delay }: NonNullable<Configuration['overload']>,
  importance: RouteConfiguration['importance'],
): string {
  const when = `when work in a data thread waits for more than ${formatDuration(delay)}`;
  return importance === 'critical'
    ? `overload: never refused, also ${when}`
    : `overload: refused ${when}, less important ones first`;
}

function describeConcurrency({ concurrency }: ServiceConfiguration): string | undefined {
  if (concurrency === undefined) return undefined;
  const { max, perEndpoint, adaptive, queue, queueTimeout } = concurrency;
  const parts = [
    max !== undefined && `at most ${max} requests at a time`,
    perEndpoint !== undefined && `at most ${perEndpoint} at one endpoint and thread`,
    adaptive !== undefined && `an adaptive limit from ${adaptive.min} to ${adaptive.max} per thread`,
    queue === 0 ? 'none waits' : `${queue ?? 'a part of that'} wait for up to ${formatDuration(queueTimeout)}`,
  ];
  return `concurrency: ${parts.filter((part) => part !== false).join(', ')}`;
}

function describeBreaker({ breaker }: ServiceConfiguration): string | undefined {
  if (breaker === undefined) return undefined;
  const { per, failures, over, minRequests, openFor } = breaker;
  const share = `${Math.round(failures * 100_000) / 1_000}%`;
  return `breaker of the ${per}: opens for ${formatDuration(openFor)} when ${share} of ${minRequests} or more attempts fail within ${formatDuration(over)}`;
}
