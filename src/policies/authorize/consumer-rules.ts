/** What a consumer has to be and have, apart from expressions. */

import { findClaim } from '#http/claims.ts';
import type { Consumer } from '#http/consumer.ts';
import type { AuthorizeConfig } from './config.ts';

export type RefusedBy = 'no consumer' | 'consumer' | 'group' | 'role' | 'scope' | `claim ${string}`;

export class ConsumerRules {
  readonly #consumers: ReadonlySet<string> | undefined;
  readonly #groups: ReadonlySet<string> | undefined;
  readonly #roles: ReadonlySet<string> | undefined;
  readonly #allScopes: readonly string[];
  readonly #anyScope: readonly string[] | undefined;
  readonly #claims: readonly (readonly [name: string, values: readonly unknown[]])[];

  constructor({ consumers, groups, roles, scopes, claims }: AuthorizeConfig) {
    this.#consumers = consumers && new Set(consumers);
    this.#groups = groups && new Set(groups);
    this.#roles = roles && new Set(roles);
    this.#allScopes = scopes !== undefined && 'allOf' in scopes ? scopes.allOf : [];
    this.#anyScope = scopes !== undefined && 'anyOf' in scopes ? scopes.anyOf : undefined;
    this.#claims = Object.entries(claims ?? {});
  }

  /** The first rule that is not met. */
  findReason(consumer: Consumer | undefined): RefusedBy | undefined {
    if (consumer === undefined) return 'no consumer';
    if (this.#consumers?.has(consumer.name) === false) return 'consumer';
    if (this.#groups !== undefined && !hasOneOf(consumer.groups, this.#groups)) return 'group';
    if (this.#roles !== undefined && !hasOneOf(consumer.roles, this.#roles)) return 'role';
    if (!this.#allowsScopes(consumer.scopes)) return 'scope';
    for (const [name, values] of this.#claims) if (!holdsOneOf(findClaim(consumer.claims, name), values)) return `claim ${name}`;
    return undefined;
  }

  #allowsScopes(held: readonly string[]): boolean {
    for (const scope of this.#allScopes) if (!held.includes(scope)) return false;
    return this.#anyScope === undefined || this.#anyScope.some((scope) => held.includes(scope));
  }
}

function hasOneOf(held: readonly string[], wanted: ReadonlySet<string>): boolean {
  for (const one of held) if (wanted.has(one)) return true;
  return false;
}

/** Of the same type too: `"1"` is not 1. A claim that is a list holds several values. */
function holdsOneOf(claim: unknown, values: readonly unknown[]): boolean {
  return Array.isArray(claim) ? claim.some((item) => values.includes(item)) : values.includes(claim);
}
