/** The routes of the present configuration as the admin API shows them. */
import { stringify } from 'yaml';
import { adminErrors } from '#admin/admin-errors.ts';
import type {
  RouteAdministration,
  RoutePage,
  RoutePolicyView,
  RouteQuestion,
  RouteSummary,
  RouteView,
} from '#admin/route-administration.ts';
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { runInSlices } from '#base/slices.ts';
import type { Configuration, RouteConfiguration } from '#config/configuration.ts';
import type { HiddenSecrets } from '#config/hidden-secrets.ts';
import { policyDefinitions } from '#policies/registry.ts';
import { isMap } from '#schema/forms.ts';

export interface RouteOverviewMeans {
  readonly clock: Clock;
  findConfiguration(): Configuration | undefined;
  /** The present configuration as it is written. */
  findWritten(): unknown;
  loadHiddenSecrets(): Promise<HiddenSecrets>;
}

type Match = RouteConfiguration['matches'][number];
type Destination = RouteConfiguration['to'];

interface FoundPolicy {
  readonly definition: (typeof policyDefinitions)[number];
  readonly level: RoutePolicyView['level'];
  readonly listener?: string;
  readonly block: unknown;
}

const ROUTES_PER_STEP = 50;

export class RouteOverview implements RouteAdministration {
  readonly #means: RouteOverviewMeans;

  constructor(means: RouteOverviewMeans) {
    this.#means = means;
  }

  async list(question: RouteQuestion): Promise<RoutePage> {
    return runInSlices(this.#findPage(question), this.#means.clock);
  }

  async find(name: string): Promise<RouteView | GatewayError> {
    const configuration = this.#means.findConfiguration();
    const routes = configuration?.routes ?? {};
    if (configuration === undefined || !Object.hasOwn(routes, name)) return adminErrors.noRoute();
    const route = routes[name]!;
    const hidden = await this.#means.loadHiddenSecrets();
    const shown = hidden.hideInValue(toPartOf(this.#means.findWritten(), name));
    return {
      ...toSummary(name, route),
      policies: findPolicies(configuration, route).map((found) => toPolicyView(found, name, shown)),
      definition: stringify(readAt(shown, 'routes', name) ?? null, { aliasDuplicateObjects: false }),
    };
  }

  *#findPage({ from, max, search }: RouteQuestion): Generator<undefined, RoutePage, void> {
    const configuration = this.#means.findConfiguration();
    const wanted = search?.toLowerCase() ?? '';
    const routes: RouteSummary[] = [];
    let total = 0;
    let seen = 0;
    for (const [name, route] of Object.entries(configuration?.routes ?? {})) {
      seen += 1;
      if (seen % ROUTES_PER_STEP === 0) yield;
      if (wanted !== '' && !isFound(name, route, wanted)) continue;
      if (total >= from && total < from + max) {
        const policies = [...new Set(findPolicies(configuration!, route).map(({ definition }) => definition.name))];
        routes.push({ ...toSummary(name, route), policies });
      }
      total += 1;
    }
    const next = from + max;
    return { routes, total, ...(next < total && { next }) };
  }
}

function isFound(name: string, route: RouteConfiguration, wanted: string): boolean {
  if (name.toLowerCase().includes(wanted)) return true;
  const { match, to, services } = toSummary(name, route);
  return [to, ...match, ...services].some((text) => text.toLowerCase().includes(wanted));
}

function toSummary(name: string, { matches, to }: RouteConfiguration): Omit<RouteSummary, 'policies'> {
  return { name, match: matches.map(describeMatch), to: describeDestination(to), services: listServices(to) };
}

/** `GET shop.example.com/orders/*`, and what else must hold. The values of conditions are not shown: they may be secrets. */
function describeMatch({ hosts, paths, methods, headers, query, cookies, clientIps, listeners }: Match): string {
  const where = (hosts ?? ['']).flatMap((host) => (paths ?? ['/*']).map((path) => host + describePath(path)));
  const named = (kind: string, conditions: object | undefined) => Object.keys(conditions ?? {}).map((name) => `${kind} ${name}`);
  const conditions = [
    ...named('header', headers),
    ...named('query', query),
    ...named('cookie', cookies),
    ...(clientIps === undefined ? [] : ['client address']),
  ];
  return [
    ...(methods === undefined ? [] : [methods.join(', ')]),
    where.join(', '),
    ...(conditions.length === 0 ? [] : [`with ${conditions.join(', ')}`]),
    ...(listeners === undefined ? [] : [`through ${listeners.join(', ')}`]),
  ].join(' ');
}

function describePath(path: NonNullable<Match['paths']>[number] | string): string {
  if (typeof path === 'string') return path;
  return 'regex' in path ? ` ~ ${path.regex}` : path.source;
}

function describeDestination(to: Destination): string {
  switch (to.kind) {
    case 'service':
      return to.services.length === 1
        ? `service ${to.services[0]!.service}`
        : `services ${to.services.map(({ service, weight }) => `${service} (weight ${weight})`).join(', ')}`;
    case 'aggregate':
      return `aggregate of ${to.calls.length} calls`;
    case 'batch':
      return 'batch';
    case 'redirect':
      return `redirect ${to.status}`;
    case 'respond':
      return `answer ${to.status}`;
    case 'jwks':
      return 'keys of tokens';
    case 'files':
      return `files of ${to.folder}`;
    default:
      return to satisfies never;
  }
}

function listServices(to: Destination): string[] {
  if (to.kind === 'aggregate') return [...new Set(to.calls.map(({ service }) => service))];
  if (to.kind !== 'service') return [];
  const { fallback } = to;
  const others = fallback?.to.kind === 'service' ? [fallback.to.service] : [];
  return [...new Set([...to.services.map(({ service }) => service), ...others])];
}

/** In order of execution. A policy that listeners set differently is there once for each place whose settings count somewhere. */
function findPolicies({ policies, listeners }: Configuration, route: RouteConfiguration): FoundPolicy[] {
  const through = new Set(route.matches.flatMap((match) => match.listeners ?? Object.keys(listeners)));
  return policyDefinitions.flatMap((definition): FoundPolicy[] => {
    const { name } = definition;
    const own = route.policies?.[name];
    if (own !== undefined) return own === false ? [] : [{ definition, level: 'route', block: own }];
    const found: FoundPolicy[] = [];
    let isCovered = true;
    for (const listener of through) {
      const block = listeners[listener]?.policies?.[name];
      if (block === undefined) isCovered = false;
      else if (block !== false) found.push({ definition, level: 'listener', listener, block });
    }
    const general = policies?.[name];
    if (!isCovered && general !== undefined && general !== false) found.push({ definition, level: 'gateway', block: general });
    return found;
  });
}

function toPolicyView({ definition, level, listener, block }: FoundPolicy, route: string, shown: unknown): RoutePolicyView {
  const { name, describe, summary } = definition;
  const holder =
    level === 'route' ? readAt(shown, 'routes', route) : level === 'listener' ? readAt(shown, 'listeners', listener!) : shown;
  const settings = readAt(holder, 'policies', name);
  return {
    name,
    level,
    ...(listener !== undefined && { listener }),
    settings: isMap(settings) ? settings : { value: settings },
    summary: describe?.(block) ?? summary,
  };
}

/** As much of a written configuration as concerns one route. */
function toPartOf(written: unknown, route: string): unknown {
  if (!isMap(written)) return {};
  const listeners = Object.entries(isMap(written['listeners']) ? written['listeners'] : {}).map(([name, listener]) => [
    name,
    { policies: readAt(listener, 'policies') },
  ]);
  return {
    policies: written['policies'],
    listeners: Object.fromEntries(listeners),
    routes: { [route]: readAt(written, 'routes', route) },
  };
}

function readAt(value: unknown, ...path: readonly string[]): unknown {
  let present = value;
  for (const step of path) present = isMap(present) ? present[step] : undefined;
  return present;
}
