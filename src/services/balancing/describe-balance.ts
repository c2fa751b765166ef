/** How a service chooses among its endpoints, in words. */
import type { BalanceDefinition } from './balancing-definition.ts';
import { formatHashKey } from './hash-key.ts';

export function describeBalance(balance: BalanceDefinition): string {
  return balance.kind === 'hash' ? `hash of ${formatHashKey(balance.by)}` : balance.kind;
}

/** Why the balancer takes the endpoint that it takes. */
export const balanceReasons: Readonly<Record<Exclude<BalanceDefinition['kind'], 'hash'>, string>> = {
  'round-robin': 'endpoints take turns by their weights',
  'least-requests': 'it takes the one of two, drawn by weight, where less runs',
  'peak-ewma': 'it takes the one of two, drawn by weight, that will probably answer sooner',
  random: 'it draws by weight',
};

/** The same for a hash. `bound` is what its members may have to do, if that is limited. */
export function describeHashChoice(name: string, boundedLoad: number | undefined): string {
  const bound = boundedLoad === undefined ? '' : `, as long as at most ${boundedLoad} times the mean runs there`;
  return `the hash of its ${name} leads there${bound}`;
}

export function describeMissingKey(name: string): string {
  return `the request has no ${name}, so endpoints take turns`;
}
