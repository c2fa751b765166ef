/** The limits that hold for some consumers, and where it is counted what is taken from them. */
import type { Allowance, StoreAllowance } from '#base/allowances.ts';
import type { Consumer } from '#http/consumer.ts';
import { formatPolicyField } from '#pipeline/limit-fields.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import type { RateLimitConfig } from './config.ts';

export type LimitRule = RateLimitConfig['limits'][number];

export interface CountedLimits {
  readonly rules: readonly LimitRule[];
  /** The value of `ratelimit-policy`. */
  readonly policyField: string;
  readonly allowance: Allowance;
  /** Asked first, where it is there. */
  readonly stored: StoreAllowance | undefined;
}

type CountingServices = Pick<PolicyServices, 'allowances' | 'storeAllowances'>;

/** `name`: whoever counts by the same name with the same rules goes on with the same counts, as after a reload. */
function openLimits(
  rules: readonly LimitRule[],
  { name, config, services }: { readonly name: string; readonly config: RateLimitConfig; readonly services: CountingServices },
): CountedLimits {
  const { allowances, storeAllowances } = services;
  const store = config.store === 'redis' ? storeAllowances : undefined;
  const isLocalFirst = config.shared === 'local-first';
  const policyField = formatPolicyField(rules);
  if (store !== undefined && isLocalFirst)
    return {
      rules,
      policyField,
      allowance: store.openLocalFirst(name, rules, allowances.openRaisable(name, rules)),
      stored: undefined,
    };
  return { rules, policyField, allowance: allowances.open(name, rules), stored: store?.open(name, rules) };
}

/** The limits of each tier, and those of all others. */
export class LimitTiers {
  readonly #tiers: readonly { readonly group: string; readonly limits: CountedLimits }[];
  readonly #others: CountedLimits;

  constructor(config: RateLimitConfig, name: string, services: CountingServices) {
    this.#others = openLimits(config.limits, { name, config, services });
    this.#tiers = config.tiers.map(({ group, limits }) => ({
      group,
      limits: openLimits(limits, { name: `${name} of ${group}`, config, services }),
    }));
  }

  for(consumer: Consumer | undefined): CountedLimits {
    if (consumer === undefined) return this.#others;
    for (const { group, limits } of this.#tiers) if (consumer.groups.includes(group)) return limits;
    return this.#others;
  }
}
