/** Which endpoint of a service a request would get, where that can be known without sending: as if all were available and idle. */
import type { Configuration, RouteConfiguration } from '#config/configuration.ts';
import { Affinity } from '#services/affinity.ts';
import type { BalanceDefinition, BalancingDefinition } from '#services/balancing/balancing-definition.ts';
import { balanceReasons, describeBalance, describeHashChoice, describeMissingKey } from '#services/balancing/describe-balance.ts';
import { formatHashKey, type KeyedExchange, readHashKey } from '#services/balancing/hash-key.ts';
import { HashRing } from '#services/balancing/hash-ring.ts';
import type { Member } from '#services/balancing/member.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import { type EndpointList, formatEndpointUrl } from '#services/endpoint-list.ts';
import { type Placed, planFailover } from '#services/failover.ts';
import { toBalancingDefinition } from '#snapshot/balancing.ts';
import { EndpointRegistry } from './endpoint-registry.ts';

export interface EndpointChoice {
  readonly service: string;
  /** Among the services of the route; `undefined` where there is only one. */
  readonly weight: number | undefined;
  /** `round-robin`, or `hash of header.x-user`. */
  readonly balance: string;
  /** `undefined`: that depends on what else is going on. */
  readonly endpoint: string | undefined;
  readonly because: string;
  readonly candidates: readonly ExplainedCandidate[];
}

export interface ExplainedCandidate {
  readonly url: string;
  readonly weight: number;
  readonly priority: number;
  readonly zone: string | undefined;
  /** Of the traffic of the service, in percent. 0: it waits for others to fail, or its weight is 0. */
  readonly percent: number;
}

/** What is known of the request. */
export interface ExplainedSubject {
  readonly clientAddress: string;
  readonly exchange: KeyedExchange;
}

interface Candidate extends Placed, Member {
  share: number;
}

/** One choice for each service that the route may go to. */
export function explainEndpoints(
  { to }: RouteConfiguration,
  configuration: Configuration,
  subject: ExplainedSubject,
): EndpointChoice[] {
  if (to.kind !== 'service') return [];
  const { lists } = new EndpointRegistry(new EndpointBoard()).plan(configuration);
  return to.services.map(({ service, weight }) => {
    const balancing = toBalancingDefinition(configuration.services[service]!, configuration.zone);
    const candidates = toCandidates(lists[service]!, balancing.zone);
    return {
      service,
      weight: to.services.length > 1 ? weight : undefined,
      balance: describeBalance(balancing.balance),
      ...choose(service, balancing, { candidates, subject }),
      candidates: toExplained(candidates),
    };
  });
}

function toCandidates({ records }: EndpointList, zone: string | undefined): Candidate[] {
  const candidates = records.map(
    ({ url, weight, priority, zone: own }): Candidate => ({
      url: formatEndpointUrl(url),
      weight,
      priority,
      zone: own,
      share: 0,
      active: 0,
    }),
  );
  for (const { available, scale } of planFailover(candidates, () => true, zone)) {
    for (const candidate of available) candidate.share = candidate.weight * scale;
  }
  return candidates;
}

function toExplained(candidates: readonly Candidate[]): ExplainedCandidate[] {
  const sum = candidates.reduce((total, { share }) => total + share, 0);
  return candidates.map(({ url, weight, priority, zone, share }) => ({
    url,
    weight,
    priority,
    zone,
    percent: Math.round((1_000 * share) / sum) / 10,
  }));
}

interface Choice {
  readonly endpoint: string | undefined;
  readonly because: string;
}

function choose(
  service: string,
  { balance, affinity }: BalancingDefinition,
  { candidates, subject }: { candidates: readonly Candidate[]; subject: ExplainedSubject },
): Choice {
  const balanced = chooseByBalancer(balance, candidates, subject);
  if (affinity === undefined) return balanced;
  const kept = new Affinity<Candidate>(affinity, service);
  kept.setEndpoints(candidates);
  const endpoint = kept.find(subject.exchange);
  if (endpoint !== undefined && endpoint.weight > 0)
    return { endpoint: endpoint.url, because: `the cookie ${affinity.cookie} keeps the client there` };
  return { ...balanced, because: `${balanced.because}; from then on the cookie ${affinity.cookie} keeps the client there` };
}

function chooseByBalancer(balance: BalanceDefinition, candidates: readonly Candidate[], subject: ExplainedSubject): Choice {
  const members = candidates.filter(({ share }) => share > 0);
  if (members.length === 1) return { endpoint: members[0]!.url, because: 'no other endpoint takes requests' };
  if (balance.kind !== 'hash') return { endpoint: undefined, because: balanceReasons[balance.kind] };
  const name = formatHashKey(balance.by);
  if (balance.by.kind === 'consumer')
    return { endpoint: undefined, because: 'the hash of the name of who asks decides, which only policies find out' };
  if (balance.by.kind === 'claim') return { endpoint: undefined, because: 'the token decides, which only policies look at' };
  const key = readHashKey(balance.by, subject);
  if (key === undefined) return { endpoint: undefined, because: describeMissingKey(name) };
  const weightSum = candidates.reduce((sum, { weight }) => sum + weight, 0);
  const because = describeHashChoice(name, balance.boundedLoad);
  return { endpoint: new HashRing(members, weightSum).find(key).url, because };
}
