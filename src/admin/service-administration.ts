/** What the admin API shows of services, and what it can change about them while the gateway runs. */
import type { GatewayError } from '#base/errors.ts';
import type { EndpointOrigin } from '#services/joined-endpoints.ts';
import type { Operator } from './operator.ts';

export interface EndpointView {
  /** Made of the URL, and fit to be a part of another. */
  readonly id: string;
  readonly url: string;
  readonly weight: number;
  /** Who names it. */
  readonly origins: readonly EndpointOrigin[];
  readonly draining: boolean;
  /** Active checks say so. */
  readonly unhealthy: boolean;
  /** It failed too often, and gets no exchanges for a while. */
  readonly ejected: boolean;
}

export interface ServiceView {
  readonly name: string;
  /** Grows with each change of the endpoints. */
  readonly version: number;
  readonly endpoints: readonly EndpointView[];
  /** URLs of endpoints that an operator has removed. */
  readonly removed: readonly string[];
}

export interface AddedEndpoint {
  readonly url: string;
  /** The one that it has elsewhere, or 1. */
  readonly weight?: number | undefined;
}

export interface EndpointPatch {
  /** `null`: the one that it has elsewhere. */
  readonly weight?: number | null | undefined;
  readonly draining?: boolean | undefined;
}

export interface ServiceAdministration {
  list(): readonly ServiceView[];
  find(service: string): ServiceView | GatewayError;
  add(service: string, endpoint: AddedEndpoint, operator: Operator): EndpointView | GatewayError;
  change(service: string, id: string, patch: EndpointPatch, operator: Operator): EndpointView | GatewayError;
  remove(service: string, id: string, operator: Operator): undefined | GatewayError;
}
