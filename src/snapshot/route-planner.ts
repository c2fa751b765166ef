import type { ListenerConfiguration, RouteConfiguration } from '#config/configuration.ts';
import { createServiceCaller } from '#forward/service-call.ts';
import type { RouteLogging } from '#http/exchange.ts';
import { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { NEVER_SHED, type PlannedPolicy, RoutePlan, type Terminal } from '#pipeline/plan.ts';
import type { PolicyDefinition, PolicyPhases, PolicyServices } from '#pipeline/policy.ts';
import { rescue } from '#pipeline/rescue.ts';
import { TokenKeys } from '#pipeline/token-keys.ts';
import type { Service } from '#services/service.ts';
import type { SettingsOfConfiguration } from './arrived-configuration.ts';
import { RouteTerminals, type TerminalMeans } from './route-terminals.ts';

type MadeHere = 'consumers' | 'place' | 'tokenKeys' | 'callService';

export interface PlanMeans extends TerminalMeans, Omit<PolicyServices, MadeHere> {
  /** In execution order. */
  readonly policies: readonly PolicyDefinition[];
}

/** A route with its plans: one for all listeners, and one more for each listener that has policies of its own. */
export class PlannedRoute {
  readonly #common: RoutePlan;
  readonly #byListener: ReadonlyMap<string, RoutePlan> | undefined;

  constructor(common: RoutePlan, byListener: ReadonlyMap<string, RoutePlan> | undefined) {
    this.#common = common;
    this.#byListener = byListener;
  }

  planFor(listener: string): RoutePlan {
    return this.#byListener === undefined ? this.#common : (this.#byListener.get(listener) ?? this.#common);
  }
}

interface OwnPathPlan {
  readonly paths: ReadonlySet<string>;
  readonly plan: RoutePlan;
}

/** What is written under `policies`, by the name of the policy. */
type PolicyBlocks = ListenerConfiguration['policies'];

/**
 * Makes the plans of routes. The policies of the gateway and of listeners are made at once, also for those that fetch
 * something ahead, and shared by all routes that inherit them. Those of a route are made with its plan.
 */
export class RoutePlanner {
  readonly #settings: SettingsOfConfiguration;
  readonly #means: PlanMeans;
  readonly #policyServices: Omit<PolicyServices, 'place'>;
  readonly #terminals: RouteTerminals;
  readonly #inherited = new Map<PolicyDefinition, Map<unknown, PolicyPhases>>();
  readonly #listenersWithPolicies: readonly string[];
  readonly #ownPathPlans = new Map<string, OwnPathPlan>();
  /** What is done for requests that nobody takes; `undefined`: nothing but the error. */
  readonly #missingRoute: PlannedRoute | undefined;

  constructor(settings: SettingsOfConfiguration, services: ReadonlyMap<string, Service>, means: PlanMeans) {
    this.#settings = settings;
    this.#means = means;
    const { clock, wheel, random } = means;
    const tokenKeys = settings.tokenKeys && new TokenKeys(settings.tokenKeys);
    this.#policyServices = {
      ...means,
      consumers: new ConsumerDirectory(settings.consumers),
      tokenKeys,
      callService: createServiceCaller(services, { clock, wheel, random }),
    };
    this.#terminals = new RouteTerminals({ settings, services, tokenKeys }, means);
    const listeners = Object.entries(settings.listeners);
    this.#listenersWithPolicies = listeners
      .filter(([, { policies }]) => policies !== undefined && Object.keys(policies).length > 0)
      .map(([name]) => name);
    this.#makeInherited('gateway', settings.policies);
    for (const [listener, { policies }] of listeners) this.#makeInherited(`listener ${listener}`, policies);
    this.#missingRoute = this.#planMissingRoute();
  }

  plan(name: string, route: RouteConfiguration): PlannedRoute {
    const terminal = this.#terminals.create(name, route);
    const own = this.#makeOwn(`route ${name}`, route.policies);
    const traits = { shedRank: toShedRank(route), pathPattern: findPathPattern(route), logging: toLogging(route) };
    const common = new RoutePlan(name, this.#collectPolicies(undefined, route, { own }), terminal, traits);
    if (this.#listenersWithPolicies.length === 0) return new PlannedRoute(common, undefined);
    const byListener = this.#listenersWithPolicies.map((listener): [string, RoutePlan] => [
      listener,
      new RoutePlan(name, this.#collectPolicies(listener, route, { own }), terminal, traits),
    ]);
    return new PlannedRoute(common, new Map(byListener));
  }

  /** What becomes of a request that no route takes; `undefined`: nothing but the error. */
  planMissing(listener: string, path: string): RoutePlan | undefined {
    return this.planOwnPath(listener, path) ?? this.#missingRoute?.planFor(listener);
  }

  #planMissingRoute(): PlannedRoute | undefined {
    const covering = this.#means.policies.filter(({ coversMissingRoutes }) => coversMissingRoutes);
    if (!covering.some((policy) => this.#inherited.has(policy))) return undefined;
    const planFor = (listener: string | undefined) =>
      new RoutePlan(undefined, this.#collectPolicies(listener, {}, { policies: covering }), missingRouteTerminal);
    return new PlannedRoute(planFor(undefined), new Map(this.#listenersWithPolicies.map((name) => [name, planFor(name)])));
  }

  /** What becomes of a request that no route takes, where a policy of the gateway or of its listener answers its path. */
  planOwnPath(listener: string, path: string): RoutePlan | undefined {
    const known = this.#ownPathPlans.get(listener);
    const { paths, plan } = known ?? this.#makeOwnPathPlan(listener);
    return paths.has(path) ? plan : undefined;
  }

  #makeOwnPathPlan(listener: string): OwnPathPlan {
    const { policies } = this.#means;
    const paths = new Set<string>();
    for (const policy of policies) {
      const block = this.#findInherited(policy, listener);
      if (block !== undefined && block !== false) for (const path of policy.ownPaths?.(block) ?? []) paths.add(path);
    }
    const planned = paths.size === 0 ? [] : this.#collectPolicies(listener, {}, {});
    const made = { paths, plan: new RoutePlan(undefined, planned, missingRouteTerminal) };
    this.#ownPathPlans.set(listener, made);
    return made;
  }

  /** `undefined`: neither the listener nor the gateway says anything of the policy. */
  #findInherited({ name }: PolicyDefinition, listener: string | undefined): unknown {
    const atListener = listener === undefined ? undefined : this.#settings.listeners[listener]?.policies;
    return atListener?.[name] ?? this.#settings.policies?.[name];
  }

  #makeInherited(place: string, blocks: PolicyBlocks): void {
    for (const policy of this.#means.policies) {
      const block = blocks?.[policy.name];
      if (block === undefined || block === false) continue;
      const made = this.#inherited.get(policy) ?? new Map<unknown, PolicyPhases>();
      this.#inherited.set(policy, made.set(block, policy.create(block, { ...this.#policyServices, place })));
    }
  }

  #makeOwn(place: string, blocks: PolicyBlocks): ReadonlyMap<PolicyDefinition, PolicyPhases> {
    const made = new Map<PolicyDefinition, PolicyPhases>();
    for (const policy of this.#means.policies) {
      const block = blocks?.[policy.name];
      if (block !== undefined && block !== false) made.set(policy, policy.create(block, { ...this.#policyServices, place }));
    }
    return made;
  }

  #collectPolicies(
    listener: string | undefined,
    route: Pick<RouteConfiguration, 'policies'>,
    { policies = this.#means.policies, own }: CollectedPolicies,
  ): PlannedPolicy[] {
    const planned: PlannedPolicy[] = [];
    for (const policy of policies) {
      // A route that says anything of a policy has the last word.
      const isOwn = route.policies?.[policy.name] !== undefined;
      const inherited = this.#findInherited(policy, listener);
      const phases = isOwn ? own?.get(policy) : this.#inherited.get(policy)?.get(inherited);
      if (phases !== undefined) planned.push({ name: policy.name, phases, answersPreflights: policy.answersPreflights });
    }
    return planned;
  }
}

/** Which policies are looked at, in execution order, and those that a route has made for itself. */
interface CollectedPolicies {
  readonly policies?: readonly PolicyDefinition[];
  readonly own?: ReadonlyMap<PolicyDefinition, PolicyPhases>;
}

const missingRouteTerminal: Terminal = { start: (exchange) => rescue(exchange, gatewayErrors.noRoute()) };

function toLogging({ accessLog }: RouteConfiguration): RouteLogging | undefined {
  if (accessLog === undefined) return undefined;
  return accessLog === false ? { share: 0, keepsFailed: false } : { share: accessLog.sample, keepsFailed: true };
}

const shedRanks = { low: 0, normal: 1, high: 2, critical: NEVER_SHED } as const;

/** An answer of the gateway itself costs no more than to refuse it. */
function toShedRank({ to, importance = 'normal' }: RouteConfiguration): number {
  return to.kind === 'service' || to.kind === 'aggregate' ? shedRanks[importance] : NEVER_SHED;
}

/** The one path of all that the route takes. */
function findPathPattern({ matches }: RouteConfiguration): string | undefined {
  const [path, ...more] = matches.flatMap(({ paths }) => paths ?? [undefined]);
  return path !== undefined && more.length === 0 && 'source' in path ? path.source : undefined;
}
