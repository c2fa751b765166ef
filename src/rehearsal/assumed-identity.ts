/**
 * Whom a rehearsed request is from, without a credential. Where a policy would find out who asks, it finds whoever is assumed;
 * where none does, nobody is known, as in real life.
 */
import { type Consumer, toPlainConsumer } from '#http/consumer.ts';
import { defineSlot } from '#http/exchange.ts';
import type { PolicyDefinition, PolicyPhases, PolicyServices } from '#pipeline/policy.ts';
import { identifyingPolicyNames, policyDefinitions } from '#policies/registry.ts';

export interface AssumedIdentity {
  /** As the configuration names the consumer, or `SUBJECT@ISSUER` of somebody that only a token tells of. */
  readonly name: string;
  readonly groups?: readonly string[];
  readonly scopes?: readonly string[];
  readonly roles?: readonly string[];
  /** What the token says. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export const assumedIdentity = defineSlot<AssumedIdentity>('assumed identity');

/** All policies, in the order of execution, as a rehearsal runs them. */
export const rehearsedPolicies: readonly PolicyDefinition[] = policyDefinitions.map((definition) => ({
  ...definition,
  create: (config: unknown, services: PolicyServices) => {
    const phases = definition.create(config, services);
    return identifyingPolicyNames.has(definition.name) ? assuming(phases, services) : phases;
  },
}));

function assuming(phases: PolicyPhases, { consumers }: PolicyServices): PolicyPhases {
  return {
    ...phases,
    requestHead(exchange) {
      const identity = exchange.get(assumedIdentity);
      if (identity === undefined) return phases.requestHead?.(exchange);
      const { name, groups, scopes, roles, claims } = identity;
      const known = consumers.find(name) ?? consumers.findSubject(name) ?? toPlainConsumer(name, []);
      const consumer: Consumer = {
        name: known.name,
        groups: groups ?? known.groups,
        scopes: scopes ?? known.scopes,
        roles: roles ?? known.roles,
        claims: claims ?? known.claims,
      };
      // Where its credentials do not count from the address of the client, they do not count here either.
      return consumers.admit(exchange, consumer) ? undefined : phases.requestHead?.(exchange);
    },
  };
}
