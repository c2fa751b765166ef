import { AggregateTerminal } from '#aggregate/aggregate-terminal.ts';
import type { CallCounter } from '#aggregate/call-counts.ts';
import type { AggregateMeans } from '#aggregate/compiled-aggregate.ts';
import { createIdSource } from '#base/ids.ts';
import type { BatchMeans } from '#batch/batch-settings.ts';
import { BatchTerminal } from '#batch/batch-terminal.ts';
import type { RouteConfiguration } from '#config/configuration.ts';
import { OpenFileCount } from '#files/file-answer.ts';
import { FileMemory } from '#files/file-memory.ts';
import { FilesTerminal } from '#files/files-terminal.ts';
import { ForwardTerminal } from '#forward/forward.ts';
import type { ForwardRules } from '#forward/forward-rules.ts';
import type { ForwardMeans } from '#forward/forward-target.ts';
import type { InjectionTarget } from '#http/inject.ts';
import type { Terminal } from '#pipeline/plan.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import type { TokenKeys } from '#pipeline/token-keys.ts';
import { JwksTerminal } from '#reply/jwks.ts';
import { RedirectTerminal } from '#reply/redirect.ts';
import { RespondTerminal } from '#reply/respond.ts';
import type { Service } from '#services/service.ts';
import { toAggregateMeans } from './aggregate-means.ts';
import type { SettingsOfConfiguration } from './arrived-configuration.ts';
import { toForwardDestination } from './forward-destination.ts';
import { toForwardRules } from './forward-rules.ts';

/** What a thread lends to the ends of routes. */
export interface TerminalMeans extends Omit<ForwardMeans, 'services'>, Pick<PolicyServices, 'keeper' | 'later'> {
  /** Functions of users that have been loaded. */
  readonly findFunction: AggregateMeans['findFunction'];
  /** Who counts calls of aggregates; `undefined`: nobody does. */
  readonly findCounter: (route: string, call: string) => CallCounter | undefined;
  /** The whole gateway, for exchanges that begin inside of it. */
  readonly gateway: InjectionTarget;
  readonly nextRequestId: () => string;
}

/** What a configuration brings along besides the route. */
interface Surroundings {
  readonly settings: SettingsOfConfiguration;
  readonly services: ReadonlyMap<string, Service>;
  readonly tokenKeys: TokenKeys | undefined;
}

/** Makes the ends of routes: one kind of terminal for each kind of destination. */
export class RouteTerminals {
  readonly #surroundings: Surroundings;
  readonly #means: TerminalMeans;
  readonly #forwardMeans: ForwardMeans;
  readonly #batchMeans: BatchMeans;

  constructor(surroundings: Surroundings, means: TerminalMeans) {
    const { settings, services } = surroundings;
    const { clock, wheel, random, mirrors } = means;
    this.#surroundings = surroundings;
    this.#means = means;
    this.#forwardMeans = { clock, wheel, random, mirrors, services };
    this.#batchMeans = {
      wheel,
      target: means.gateway,
      nowMs: () => clock.monotonicMs(),
      nextRequestId: means.nextRequestId,
      headLimitsOf: (listener) => settings.listeners[listener]!.limits,
    };
  }

  create(name: string, route: RouteConfiguration): Terminal {
    const { to, importance = 'normal' } = route;
    const { settings, services, tokenKeys } = this.#surroundings;
    switch (to.kind) {
      case 'respond':
        return new RespondTerminal(to);
      case 'redirect':
        return new RedirectTerminal(to);
      case 'jwks':
        return new JwksTerminal(tokenKeys, to.maxAgeMs);
      case 'files':
        return new FilesTerminal(to, {
          clock: this.#means.clock,
          memory: this.#means.keeper.keep('files that were seen', () => new FileMemory()),
          openFiles: this.#means.keeper.keep('files that are open', () => new OpenFileCount()),
          nextBoundary: createIdSource(),
        });
      case 'aggregate':
        return new AggregateTerminal(name, to, toAggregateMeans(name, to, { ...this.#means, importance, settings, services }));
      case 'batch':
        return new BatchTerminal(to, this.#batchMeans);
      case 'service':
        return new ForwardTerminal(
          toForwardDestination(to, route.importance, (service) => ({
            service: services.get(service)!,
            rules: this.#toRules(service, name, route),
          })),
          this.#forwardMeans,
        );
      default:
        return to satisfies never;
    }
  }

  #toRules(service: string, route: string, settings: RouteConfiguration): ForwardRules {
    const ofService = { name: service, settings: this.#surroundings.settings.services[service]! };
    return toForwardRules(ofService, { name: route, settings });
  }
}
