import type { RandomSource } from '#base/random.ts';
import type { Balancer } from './balancer.ts';
import type { BalanceDefinition } from './balancing-definition.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { LeastRequests } from './least-requests.ts';
import type { Member } from './member.ts';
import { PeakEwma } from './peak-ewma.ts';
import { RandomChoice } from './random-choice.ts';
import { RoundRobin } from './round-robin.ts';
import type { ServiceLoad } from './service-load.ts';

export function createBalancer<Item extends Member>(
  balance: BalanceDefinition,
  means: { readonly random: RandomSource; readonly load: ServiceLoad },
): Balancer<Item> {
  switch (balance.kind) {
    case 'round-robin':
      return new RoundRobin();
    case 'least-requests':
      return new LeastRequests(means.random);
    case 'peak-ewma':
      return new PeakEwma(means.random);
    case 'random':
      return new RandomChoice(means.random);
    case 'hash':
      return new ConsistentHash(balance, means.load);
    default:
      return balance satisfies never;
  }
}
