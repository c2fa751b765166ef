import type { Secret } from '#base/secret.ts';
import type { HashKey } from './hash-key.ts';

export interface HashSettings {
  readonly by: HashKey;
  /** How many times the mean an endpoint may have to do before its keys go to the next one; `undefined`: as much as comes. */
  readonly boundedLoad: number | undefined;
}

export type BalanceDefinition =
  | { readonly kind: 'round-robin' | 'least-requests' | 'peak-ewma' | 'random' }
  | ({ readonly kind: 'hash' } & HashSettings);

export interface AffinityDefinition {
  readonly cookie: string;
  readonly secret: Secret;
  /** Tells one secret from another without saying either: a secret itself looks like any other when definitions are compared. */
  readonly fingerprint: string;
  /** `undefined`: until the client's session ends. */
  readonly ttlMs: number | undefined;
  readonly path: string;
  readonly sameSite: 'lax' | 'strict' | 'none';
}

/** What a configuration says of the choice among the endpoints of a service. */
export interface BalancingDefinition {
  readonly balance: BalanceDefinition;
  /** How long the share of an endpoint that joins grows; `undefined`: it has all of it at once. */
  readonly slowStartMs: number | undefined;
  /** Where the gateway stands. */
  readonly zone: string | undefined;
  readonly affinity: AffinityDefinition | undefined;
}
