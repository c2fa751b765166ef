/** Why a service has given an exchange the endpoint that it has, in words. Looks at every endpoint: for exchanges that are watched. */
import { limits } from '#base/limits.ts';
import type { ChoiceStep, LeftOutEndpoint } from '#http/exchange-journal.ts';
import type { AvailableEndpoints } from './available-endpoints.ts';
import type { PickSubject } from './balancing/balancer.ts';
import { balanceReasons, describeBalance, describeHashChoice, describeMissingKey } from './balancing/describe-balance.ts';
import { formatHashKey, readHashKey } from './balancing/hash-key.ts';
import type { Endpoint } from './endpoint.ts';
import { type EndpointBoard, EndpointFlag } from './endpoint-board.ts';
import type { ServiceProtection } from './protection/protection.ts';
import type { ServiceDefinition } from './service-definition.ts';

export interface PickedFrom {
  readonly definition: ServiceDefinition;
  readonly endpoints: readonly Endpoint[];
  readonly board: EndpointBoard;
  readonly available: AvailableEndpoints;
  readonly protection: ServiceProtection | undefined;
  /** Where a cookie says that the client was before. */
  readonly kept: Endpoint | undefined;
  readonly nowMs: number;
}

/** `tried`: the endpoints that were asked before for the same exchange. */
export function explainPick(
  picked: Endpoint,
  { subject, tried }: { readonly subject: PickSubject; readonly tried: readonly Endpoint[] },
  from: PickedFrom,
): ChoiceStep {
  const leftOut = listLeftOut(picked, tried, from);
  const { balance } = from.definition.balancing;
  return {
    balance: describeBalance(balance),
    because: describeChoice(picked, { subject, tried }, from),
    endpointCount: from.endpoints.length,
    leftOut,
  };
}

function listLeftOut(picked: Endpoint, tried: readonly Endpoint[], from: PickedFrom): LeftOutEndpoint[] {
  const leftOut: LeftOutEndpoint[] = [];
  for (const endpoint of from.endpoints) {
    if (endpoint === picked) continue;
    const because = tried.includes(endpoint) ? 'it was asked before' : findHindrance(endpoint, from);
    if (because !== undefined) leftOut.push({ endpoint: endpoint.url, because });
    if (leftOut.length >= limits.leftOutShownMax) break;
  }
  return leftOut;
}

/** Why an endpoint could not be given the exchange. */
function findHindrance(endpoint: Endpoint, { board, available, protection, nowMs }: PickedFrom): string | undefined {
  const { slot, weight, priority, zone } = endpoint;
  if (board.hasFlag(slot, EndpointFlag.draining)) return 'it is draining';
  if (board.hasFlag(slot, EndpointFlag.unhealthy)) return 'health checks have failed';
  if (weight === 0) return 'its weight is 0';
  const ejectedMs = board.ejectedForMs(slot, nowMs);
  if (ejectedMs > 0 && endpoint.availableSinceMs === undefined)
    return `it has failed too often, and is left alone for another ${Math.ceil(ejectedMs / 1_000)} s`;
  if (!available.isMember(endpoint))
    return `it waits for others to fail: priority ${priority}${zone === undefined ? '' : `, zone ${zone}`}`;
  if (protection?.hasRoomAt(endpoint) === false) return 'it has no place left, or its circuit breaker is open';
  return undefined;
}

function describeChoice(
  picked: Endpoint,
  { subject, tried }: { readonly subject: PickSubject; readonly tried: readonly Endpoint[] },
  { definition, available, kept }: PickedFrom,
): string {
  const { balance, affinity } = definition.balancing;
  if (tried.includes(picked)) return 'all others were asked before, or cannot be chosen';
  if (tried.length > 0) return 'it comes next behind those that were asked before';
  if (affinity !== undefined && picked === kept) return `the cookie ${affinity.cookie} keeps the client there`;
  if (available.memberCount === 1 && available.isMember(picked)) return 'no other endpoint takes requests';
  if (balance.kind !== 'hash') return balanceReasons[balance.kind];
  const name = formatHashKey(balance.by);
  const { exchange, clientAddress } = subject;
  const key = exchange === undefined ? undefined : readHashKey(balance.by, { exchange, clientAddress });
  return key === undefined ? describeMissingKey(name) : describeHashChoice(name, balance.boundedLoad);
}
