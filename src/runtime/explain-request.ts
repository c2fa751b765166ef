/** What would happen to a request, found out by the same table and plans that serve traffic. Opens no sockets and sends nothing. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import type { Configuration, RouteConfiguration } from '#config/configuration.ts';
import { Mirrors } from '#forward/mirrors.ts';
import { normaliseTarget, parseHost, targetFaults } from '#http/target.ts';
import { formatAddress } from '#net/address.ts';
import { NameResolver } from '#net/name-resolver.ts';
import { ReadBuffers } from '#net/read-buffers.ts';
import { policyDefinitions } from '#policies/registry.ts';
import type { NearMiss, OutrankedRoute } from '#routing/explanation.ts';
import type { MatchSubject } from '#routing/route-definition.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import { compileSnapshot } from '#snapshot/compile.ts';
import { runAtOnce } from '#snapshot/slices.ts';
import { explainDestination, explainPolicies } from './explain-releases.ts';
import { findRequestListener } from './request-listener.ts';

export interface RequestToExplain {
  readonly method: string;
  /** A whole URL, or a path with query. */
  readonly url: string;
  /** Lower-case names and values. */
  readonly headers: readonly (readonly [string, string])[];
  readonly listener?: string | undefined;
  readonly clientAddress?: string | undefined;
}

export interface RequestExplanation {
  readonly request: {
    readonly method: string;
    readonly host: string;
    readonly target: string;
    readonly path: string;
    readonly query: string;
    readonly listener: string;
    readonly clientAddress: string;
  };
  readonly route:
    | {
        readonly name: string;
        readonly host: string | undefined;
        readonly path: string;
        readonly because: readonly string[];
        readonly captures: Readonly<Record<string, string>>;
        /** In execution order. */
        readonly policies: readonly string[];
        readonly destination: string;
        /** What is special about the policies and the destination, one sentence each. */
        readonly details: readonly string[];
      }
    | undefined;
  readonly outranked: readonly OutrankedRoute[];
  readonly nearMisses: readonly NearMiss[];
}

/** Explains a request; a text says why it would be refused before any route is looked at. */
export async function explainRequest(
  configuration: Configuration,
  request: RequestToExplain,
  means: { readonly clock: Clock; readonly logger: Logger },
): Promise<RequestExplanation | string> {
  const { listeners } = configuration;
  const listener = request.listener ?? findRequestListener(listeners);
  if (listener === '') return 'no listener reads requests: all of them pass bytes on (`tcp`)';
  if (!Object.hasOwn(listeners, listener)) return `there is no listener \`${listener}\``;
  if (listeners[listener]!.tcp !== undefined)
    return `the listener \`${listener}\` passes bytes on (\`tcp\`) and reads no requests`;
  const subject = toSubject(request, listener);
  if (typeof subject === 'string') return subject;
  const { clock } = means;
  const wheel = new TimerWheel(clock);
  const resolver = new NameResolver({ servers: [], ttlMinMs: 0, ttlMaxMs: 0 }, clock);
  const board = new EndpointBoard();
  const all = {
    ...means,
    wheel,
    resolver,
    buffers: new ReadBuffers(),
    mirrors: new Mirrors({ ...means, wheel }),
    // Nothing runs.
    random: () => 0,
    later: () => () => undefined,
    policies: policyDefinitions,
    texts: {},
    board,
    endpoints: {},
  };
  const { table } = runAtOnce(compileSnapshot(configuration, undefined, all));
  const match = table.lookup(subject);
  const { chosen, outranked, nearMisses } = table.explain(subject);
  const { method, host, path, query, clientAddress } = subject;
  const target = query === '' ? path : `${path}?${query}`;
  const route =
    match === undefined || chosen === undefined
      ? undefined
      : {
          name: chosen.route,
          host: chosen.host,
          path: chosen.path,
          because: chosen.because,
          captures: Object.fromEntries(match.route.captureNames.map((name, i) => [name, match.captures[i] ?? ''])),
          policies: match.route.value.planFor(listener).policies.map(({ name }) => name),
          destination: describeDestination(configuration.routes[chosen.route]!, configuration),
          details: [
            ...explainPolicies(configuration, { route: chosen.route, listener }),
            ...explainDestination(configuration.routes[chosen.route]!.to, subject),
          ],
        };
  return { request: { method, host, target, path, query, listener, clientAddress }, route, outranked, nearMisses };
}

function toSubject(request: RequestToExplain, listener: string): MatchSubject | string {
  const normalised = normaliseTarget(request.url, request.method);
  if (typeof normalised === 'string') return `the request would be refused with 400: ${targetFaults[normalised]}`;
  const authority = normalised.authority ?? request.headers.find(([name]) => name === 'host')?.[1] ?? '';
  const host = authority === '' ? '' : parseHost(authority);
  if (host === undefined) return `the request would be refused with 400: ${JSON.stringify(authority)} is not a host`;
  return {
    listener,
    host,
    path: normalised.path,
    query: normalised.query,
    method: request.method,
    fields: request.headers.filter(([name]) => name !== 'host').flat(),
    clientAddress: request.clientAddress ?? '127.0.0.1',
  };
}

function describeDestination({ to }: RouteConfiguration, { services }: Configuration): string {
  switch (to.kind) {
    case 'respond':
      return `a fixed answer with status ${to.status}`;
    case 'redirect':
      return `a redirect with status ${to.status}`;
    case 'service':
      return to.services
        .map(({ service, weight }) => describeService(service, to.services.length > 1 ? weight : undefined, services))
        .join(', ');
    default:
      return to satisfies never;
  }
}

function describeService(name: string, weight: number | undefined, services: Configuration['services']): string {
  const endpoints =
    services[name]?.endpoints.map(({ url: { host, port, path } }) =>
      formatAddress(path === undefined ? { host, port } : { path }),
    ) ?? [];
  return `service ${name}${weight === undefined ? '' : ` (weight ${weight})`} at ${endpoints.join(', ')}`;
}
