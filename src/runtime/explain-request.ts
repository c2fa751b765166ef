/** What would happen to a request, found out by the same table and plans that serve traffic. Opens no sockets and sends nothing. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { runInSlices } from '#base/slices.ts';
import type { Configuration, DiscoveryConfiguration, RouteConfiguration } from '#config/configuration.ts';
import { listRouteDefinitions } from '#config/route-definitions.ts';
import { normaliseTarget, parseHost, targetFaults } from '#http/target.ts';
import { formatAddress } from '#net/address.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import type { KeyedRequest } from '#pipeline/policy.ts';
import type { Candidate } from '#routing/candidate.ts';
import { explainMatch, type NearMiss, type OutrankedRoute } from '#routing/explanation.ts';
import { compileRoutes } from '#routing/route-compiler.ts';
import type { MatchSubject } from '#routing/route-definition.ts';
import type { RouteMatch } from '#routing/route-table.ts';
import type { Importance } from '#services/protection/importance.ts';
import { decodeConfiguration } from '#snapshot/arrived-configuration.ts';
import { compileSnapshot } from '#snapshot/compile.ts';
import { encodeConfiguration } from '#snapshot/encode.ts';
import { loadLibraries } from '#snapshot/policy-needs.ts';
import type { Snapshot } from '#snapshot/snapshot.ts';
import { getField, hasField } from '#wire/fields/field-list.ts';
import { AddressFactReader } from './address-facts.ts';
import type { ContractsReading } from './contract-files.ts';
import { type EndpointChoice, type ExplainedSubject, explainEndpoints } from './explain-balancing.ts';
import { type ExplainedFallback, explainFallback } from './explain-fallback.ts';
import { explainForwarding } from './explain-forwarding.ts';
import { describeProtection } from './explain-protection.ts';
import { explainDestination, explainPolicies } from './explain-releases.ts';
import { type ExplainingMeans, toExplainingMeans } from './explaining-means.ts';
import { findNamedContracts } from './named-files.ts';
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
        /** For each service: how long it may take, and what is tried when it fails. */
        readonly forwarding: readonly string[];
        /** For each service that it may go to. */
        readonly endpoints: readonly EndpointChoice[];
        readonly importance: Importance;
        /** What the services take, one line for each setting. */
        readonly protection: readonly string[];
        /** What is special about the policies and the destination, one sentence each. */
        readonly details: readonly string[];
        /** What answers in the place of a service that does not. */
        readonly fallback: ExplainedFallback | undefined;
      }
    | undefined;
  /** Where no route takes it and its path is that of a policy: the policies that see it. */
  readonly ownPath: { readonly policies: readonly string[] } | undefined;
  readonly outranked: readonly OutrankedRoute[];
  readonly nearMisses: readonly NearMiss[];
}

interface ExplainMeans {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A configuration made ready to explain any number of requests. */
export interface ExplainedConfiguration {
  readonly configuration: Configuration;
  readonly snapshot: Snapshot;
  readonly candidates: readonly Candidate[];
  readonly facts: Pick<ExplainingMeans, 'addressLists' | 'countries' | 'contracts'>;
}

/** Explains a request; a text says why it would be refused before any route is looked at. */
export async function explainRequest(
  configuration: Configuration,
  request: RequestToExplain,
  means: ExplainMeans,
): Promise<RequestExplanation | string> {
  // What is wrong with the request is said before anything is compiled.
  const subject = findSubject(configuration, request);
  if (typeof subject === 'string') return subject;
  const explained = await prepareExplaining(configuration, means);
  return typeof explained === 'string' ? explained : explainIn(explained, request);
}

/** In slices: other work of the thread goes on meanwhile. A text says why it cannot be done. */
export async function prepareExplaining(
  configuration: Configuration,
  means: ExplainMeans,
): Promise<ExplainedConfiguration | string> {
  const { addressLists, countries, findings } = await new AddressFactReader(means).read(configuration);
  const { contracts, findings: ofContracts } = await readContracts(configuration);
  const wrong = [...findings, ...ofContracts];
  if (wrong.length > 0) return wrong.map(({ message }) => message).join('\n');
  const facts = { addressLists, countries, contracts };
  const all = toExplainingMeans({ ...means, ...facts });
  const { clock } = means;
  const encoded = await runInSlices(encodeConfiguration(configuration, all.policies), clock);
  await loadLibraries(encoded.libraries, all.policies);
  const arrived = await runInSlices(decodeConfiguration(encoded), clock);
  const snapshot = await runInSlices(compileSnapshot(arrived, undefined, all), clock);
  const { candidates } = await runInSlices(compileRoutes(listRouteDefinitions(configuration)), clock);
  return { configuration, snapshot, candidates, facts };
}

function findSubject({ listeners }: Configuration, request: RequestToExplain): RequestSubject | string {
  const listener = request.listener ?? findRequestListener(listeners);
  if (listener === '') return 'no listener reads requests: all of them pass bytes on (`tcp`)';
  if (!Object.hasOwn(listeners, listener)) return `there is no listener \`${listener}\``;
  if (listeners[listener]!.tcp !== undefined)
    return `the listener \`${listener}\` passes bytes on (\`tcp\`) and reads no requests`;
  return toSubject(request, listener);
}

/** The same where everything is compiled already. */
export function explainIn(
  { configuration, snapshot, candidates, facts }: ExplainedConfiguration,
  request: RequestToExplain,
): RequestExplanation | string {
  const subject = findSubject(configuration, request);
  if (typeof subject === 'string') return subject;
  const { listener } = subject;
  const { plans } = snapshot;
  const asked = snapshot.subjectOf(subject);
  const match = snapshot.table.lookup(asked);
  const { chosen, outranked, nearMisses } = explainMatch(candidates, asked, match?.routeIndex);
  const { method, path, clientAddress } = subject;
  const explained = { ...toShownRequest(subject), listener };
  if (match === undefined || chosen === undefined) {
    const ownPath = toOwnPath(plans.planOwnPath(listener, path));
    return { request: explained, route: undefined, ownPath, outranked, nearMisses };
  }
  const settings = configuration.routes[chosen.route]!;
  const named = { name: chosen.route, settings };
  const keyed = toKeyedSubject(subject, match);
  const sent = { method, hasKey: hasField(subject.fields, 'idempotency-key') };
  const route = {
    name: chosen.route,
    host: chosen.host,
    path: chosen.path,
    because: chosen.because,
    captures: Object.fromEntries(match.captureNames.map((name, i) => [name, match.captures[i] ?? ''])),
    policies: plans.planFor(match.routeIndex, listener).policies.map(({ name }) => name),
    destination: describeDestination(settings, configuration),
    endpoints: explainEndpoints(settings, configuration, keyed),
    forwarding: explainForwarding(configuration, named, sent),
    importance: settings.importance ?? 'normal',
    protection: describeProtection(settings, configuration),
    details: [
      ...explainPolicies(configuration, {
        route: chosen.route,
        listener,
        clientAddress,
        method,
        path,
        query: subject.query,
        exchange: toKeyedRequest(chosen.route, subject, match),
        ...facts,
      }),
      ...explainDestination(settings.to, subject, match.rest),
    ],
    fallback: explainFallback(configuration, named, { ...sent, subject: keyed }),
  };
  return { request: explained, route, ownPath: undefined, outranked, nearMisses };
}

/** Their code is loaded where there are some. */
async function readContracts(configuration: Configuration): Promise<Pick<ContractsReading, 'contracts' | 'findings'>> {
  if (findNamedContracts(configuration).length === 0) return { contracts: {}, findings: [] };
  const { ContractReader } = await import('./contract-files.ts');
  return new ContractReader().read(configuration);
}

function toShownRequest({ method, host, path, query, clientAddress }: RequestSubject) {
  return { method, host, target: query === '' ? path : `${path}?${query}`, path, query, clientAddress };
}

function toOwnPath(plan: RoutePlan | undefined): RequestExplanation['ownPath'] {
  return plan && { policies: plan.policies.map(({ name }) => name) };
}

interface RequestSubject extends MatchSubject {
  /** Host and port as the client names them. */
  readonly authority: string;
}

function toSubject(request: RequestToExplain, listener: string): RequestSubject | string {
  const normalised = normaliseTarget(request.url, request.method);
  if (typeof normalised === 'string') return `the request would be refused with 400: ${targetFaults[normalised]}`;
  const authority = normalised.authority ?? request.headers.find(([name]) => name === 'host')?.[1] ?? '';
  const host = authority === '' ? '' : parseHost(authority);
  if (host === undefined) return `the request would be refused with 400: ${JSON.stringify(authority)} is not a host`;
  return {
    listener,
    host,
    authority,
    path: normalised.path,
    query: normalised.query,
    method: request.method,
    fields: request.headers.filter(([name]) => name !== 'host').flat(),
    clientAddress: request.clientAddress ?? '127.0.0.1',
  };
}

/** What a hash or an affinity may look at. */
function toKeyedSubject(subject: RequestSubject, { captureNames, captures }: RouteMatch): ExplainedSubject {
  const { authority, fields, query, clientAddress } = subject;
  const field = (name: string) => (name === 'host' ? authority : getField(fields, name));
  return { clientAddress, exchange: { request: { fields, query }, captureNames, captures, consumer: undefined, field } };
}

/** What a policy may look at. */
function toKeyedRequest(route: string, subject: RequestSubject, match: RouteMatch): KeyedRequest {
  const { clientAddress, exchange } = toKeyedSubject(subject, match);
  return { ...exchange, plan: { routeName: route }, request: { ...exchange.request, clientAddress } };
}

function describeDestination({ to }: RouteConfiguration, { services }: Configuration): string {
  switch (to.kind) {
    case 'respond':
      return `a fixed answer with status ${to.status}`;
    case 'redirect':
      return `a redirect with status ${to.status}`;
    case 'jwks':
      return 'the keys of the tokens that the gateway makes';
    case 'files':
      return `the files of ${to.folder}`;
    case 'aggregate':
      return `${to.calls.length} calls, whose answers become one`;
    case 'batch':
      return `a batch of at most ${to.requestsMax} requests, ${to.parallel === 1 ? 'one after the other' : `up to ${to.parallel} at the same time`}, each by its own route`;
    case 'service':
      return to.services
        .map(({ service, weight }) => describeService(service, to.services.length > 1 ? weight : undefined, services))
        .join(', ');
    default:
      return to satisfies never;
  }
}

function describeService(name: string, weight: number | undefined, services: Configuration['services']): string {
  const service = services[name];
  const endpoints =
    service?.endpoints.map(({ url: { host, port, path } }) => formatAddress(path === undefined ? { host, port } : { path })) ??
    [];
  if (service?.discover !== undefined) endpoints.push(describeDiscovery(service.discover));
  return `service ${name}${weight === undefined ? '' : ` (weight ${weight})`} at ${endpoints.join(', ')}`;
}

function describeDiscovery(discover: DiscoveryConfiguration): string {
  switch (discover.kind) {
    case 'dns':
      return `what DNS says of ${discover.name}`;
    case 'file':
      return `what ${discover.file} lists`;
    case 'consul':
      return `what Consul says of ${discover.service}`;
    default:
      return discover satisfies never;
  }
}
