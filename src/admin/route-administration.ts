/** What the admin API shows of routes. */
import type { GatewayError } from '#base/errors.ts';

export interface RouteSummary {
  readonly name: string;
  /** One readable line for each match. */
  readonly match: readonly string[];
  readonly to: string;
  /** In order of execution. */
  readonly policies: readonly string[];
  readonly services: readonly string[];
}

export const policyLevels = ['gateway', 'listener', 'route'] as const;

export interface RoutePolicyView {
  readonly name: string;
  readonly level: (typeof policyLevels)[number];
  /** Of which listener, where it stands at one. */
  readonly listener?: string | undefined;
  /** As written, secrets hidden. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly summary: string;
}

export interface RouteView extends Omit<RouteSummary, 'policies'> {
  readonly policies: readonly RoutePolicyView[];
  /** YAML of the route as written, secrets hidden. */
  readonly definition: string;
}

export interface RoutePage {
  readonly routes: readonly RouteSummary[];
  /** How many there are that were searched for. */
  readonly total: number;
  /** Where the next page begins; none behind the last. */
  readonly next?: number;
}

export interface RouteQuestion {
  readonly from: number;
  readonly max: number;
  /** Part of a name, a match, or a service. */
  readonly search: string | undefined;
}

export interface RouteAdministration {
  list(question: RouteQuestion): Promise<RoutePage>;
  find(name: string): Promise<RouteView | GatewayError>;
}
