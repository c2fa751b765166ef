import { AggregateTerminal } from '#aggregate/aggregate-terminal.ts';
import type { CallCounter } from '#aggregate/call-counts.ts';
import type { AggregateMeans } from '#aggregate/compiled-aggregate.ts';
import { createIdSource } from '#base/ids.ts';
import type { BatchMeans } from '#batch/batch-settings.ts';
import { BatchTerminal } from '#batch/batch-terminal.ts';
import type { ListenerConfiguration, RouteConfiguration } from '#config/configuration.ts';
import { OpenFileCount } from '#files/file-answer.ts';
import { FileMemory } from '#files/file-memory.ts';
import { FilesTerminal } from '#files/files-terminal.ts';
import { ForwardTerminal } from '#forward/forward.ts';
import type { ForwardRules } from '#forward/forward-rules.ts';
import type { ForwardMeans } from '#forward/forward-target.ts';
import { createServiceCaller } from '#forward/service-call.ts';
import type { InjectionTarget } from '#http/inject.ts';
import { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { NEVER_SHED, type PlannedPolicy, RoutePlan, type Terminal } from '#pipeline/plan.ts';
import type { PolicyDefinition, PolicyPhases, PolicyServices } from '#pipeline/policy.ts';
import { rescue } from '#pipeline/rescue.ts';
import { TokenKeys } from '#pipeline/token-keys.ts';
import { JwksTerminal } from '#reply/jwks.ts';
import { RedirectTerminal } from '#reply/redirect.ts';
import { RespondTerminal } from '#reply/respond.ts';
import type { Service } from '#services/service.ts';
import { toAggregateMeans } from './aggregate-means.ts';
import type { SettingsOfConfiguration } from './arrived-configuration.ts';
import { toForwardDestination } from './forward-destination.ts';
import { toForwardRules } from './forward-rules.ts';

type MadeHere = 'consumers' | 'place' | 'tokenKeys' | 'callService';

export interface PlanMeans extends Omit<ForwardMeans, 'services'>, Omit<PolicyServices, MadeHere> {
  /** In execution order. */
  readonly policies: readonly PolicyDefinition[];
  /** Functions of users that have been loaded. */
  readonly findFunction: AggregateMeans['findFunction'];
  /** Who counts calls of aggregates; `undefined`: nobody does. */
  readonly findCounter: (route: string, call: string) => CallCounter | undefined;
  /** The whole gateway, for exchanges that begin inside of it. */
  readonly gateway: InjectionTarget;
  readonly nextRequestId: () => string;
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
  readonly #services: ReadonlyMap<string, Service>;
  readonly #means: PlanMeans;
  readonly #policyServices: Omit<PolicyServices, 'place'>;
  readonly #forwardMeans: ForwardMeans;
  readonly #batchMeans: BatchMeans;
  readonly #inherited = new Map<PolicyDefinition, Map<unknown, PolicyPhases>>();
  readonly #listenersWithPolicies: readonly string[];
  readonly #ownPathPlans = new Map<string, OwnPathPlan>();
  /** What is done for requests that nobody takes; `undefined`: nothing but the error. */
  readonly #missingRoute: PlannedRoute | undefined;

  constructor(settings: SettingsOfConfiguration, services: ReadonlyMap<string, Service>, means: PlanMeans) {
    this.#settings = settings;
    this.#services = services;
    this.#means = means;
    const { consumers, tokenKeys } = settings;
    const { clock, wheel, random, mirrors } = means;
    this.#policyServices = {
      ...means,
      consumers: new ConsumerDirectory(consumers),
      tokenKeys: tokenKeys && new TokenKeys(tokenKeys),
      callService: createServiceCaller(services, { clock, wheel, random }),
    };
    this.#forwardMeans = { clock, wheel, random, mirrors, services };
    this.#batchMeans = {
      wheel,
      target: means.gateway,
      nowMs: () => clock.monotonicMs(),
      nextRequestId: means.nextRequestId,
      headLimitsOf: (listener) => settings.listeners[listener]!.limits,
    };
    const listeners = Object.entries(settings.listeners);
    this.#listenersWithPolicies = listeners
      .filter(([, { policies }]) => policies !== undefined && Object.keys(policies).length > 0)
      .map(([name]) => name);
    this.#makeInherited('gateway', settings.policies);
    for (const [listener, { policies }] of listeners) this.#makeInherited(`listener ${listener}`, policies);
    this.#missingRoute = this.#planMissingRoute();
  }

  plan(name: string, route: RouteConfiguration): PlannedRoute {
    const terminal = this.#toTerminal(name, route);
    const own = this.#makeOwn(`route ${name}`, route.policies);
    const rank = toShedRank(route);
    const common = new RoutePlan(name, this.#collectPolicies(undefined, route, { own }), terminal, rank);
    if (this.#listenersWithPolicies.length === 0) return new PlannedRoute(common, undefined);
    const byListener = this.#listenersWithPolicies.map((listener): [string, RoutePlan] => [
      listener,
      new RoutePlan(name, this.#collectPolicies(listener, route, { own }), terminal, rank),
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

  #toTerminal(name: string, route: RouteConfiguration): Terminal {
    const { to } = route;
    switch (to.kind) {
      case 'respond':
        return new RespondTerminal(to);
      case 'redirect':
        return new RedirectTerminal(to);
      case 'jwks':
        return new JwksTerminal(this.#policyServices.tokenKeys, to.maxAgeMs);
      case 'files':
        return new FilesTerminal(to, {
          clock: this.#means.clock,
          memory: this.#means.keeper.keep('files that were seen', () => new FileMemory()),
          openFiles: this.#means.keeper.keep('files that are open', () => new OpenFileCount()),
          nextBoundary: createIdSource(),
        });
      case 'aggregate':
        return new AggregateTerminal(
          name,
          to,
          toAggregateMeans(name, to, {
            ...this.#means,
            importance: route.importance ?? 'normal',
            settings: this.#settings,
            services: this.#services,
          }),
        );
      case 'batch':
        return new BatchTerminal(to, this.#batchMeans);
      case 'service':
        return new ForwardTerminal(
          toForwardDestination(to, route.importance, (service) => ({
            service: this.#services.get(service)!,
            rules: this.#toRules(service, name, route),
          })),
          this.#forwardMeans,
        );
      default:
        return to satisfies never;
    }
  }

  #toRules(service: string, route: string, settings: RouteConfiguration): ForwardRules {
    const ofService = { name: service, settings: this.#settings.services[service]! };
    return toForwardRules(ofService, { name: route, settings });
  }
}

/** Which policies are looked at, in execution order, and those that a route has made for itself. */
interface CollectedPolicies {
  readonly policies?: readonly PolicyDefinition[];
  readonly own?: ReadonlyMap<PolicyDefinition, PolicyPhases>;
}

const missingRouteTerminal: Terminal = { start: (exchange) => rescue(exchange, gatewayErrors.noRoute()) };

const shedRanks = { low: 0, normal: 1, high: 2, critical: NEVER_SHED } as const;

/** An answer of the gateway itself costs no more than to refuse it. */
function toShedRank({ to, importance = 'normal' }: RouteConfiguration): number {
  return to.kind === 'service' || to.kind === 'aggregate' ? shedRanks[importance] : NEVER_SHED;
}
