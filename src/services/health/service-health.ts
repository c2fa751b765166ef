/** What the control thread knows of the endpoints of services, for people. */
import type { Clock } from '#base/clock.ts';
import { type EndpointBoard, EndpointFlag } from '../endpoint-board.ts';
import { type EndpointLists, type EndpointRecord, formatEndpointUrl } from '../endpoint-list.ts';
import type { CheckResult } from './endpoint-check.ts';
import type { HealthState } from './health-verdict.ts';

/** What checks know of one endpoint. */
export interface CheckedEndpoint {
  readonly state: HealthState;
  /** `undefined`: none is over yet. */
  readonly last: CheckResult | undefined;
}

export interface EndpointHealth {
  readonly endpoint: string;
  /** `unchecked`: its service has no checks. */
  readonly state: HealthState | 'unchecked';
  /** `undefined`: none is over yet. */
  readonly lastCheck: { readonly at: string; readonly durationMs: number; readonly reason: string | undefined } | undefined;
  /** 0: it is not ejected. */
  readonly ejectedForMs: number;
  readonly isDraining: boolean;
}

export interface ServiceHealth {
  readonly service: string;
  readonly endpoints: readonly EndpointHealth[];
}

/** Where what is told comes from. */
export interface HealthFacts {
  readonly board: EndpointBoard;
  readonly clock: Clock;
  findCheck(service: string, url: string): CheckedEndpoint | undefined;
}

/** All endpoints, checked or not, in the order of the lists. */
export function describeHealth(lists: EndpointLists, facts: HealthFacts): ServiceHealth[] {
  return Object.entries(lists).map(([service, { records }]) => ({
    service,
    endpoints: records.map((record) => describeEndpoint(service, record, facts)),
  }));
}

function describeEndpoint(
  service: string,
  { url, slot }: EndpointRecord,
  { board, clock, findCheck }: HealthFacts,
): EndpointHealth {
  const endpoint = formatEndpointUrl(url);
  const check = findCheck(service, endpoint);
  const last = check?.last;
  return {
    endpoint,
    state: check?.state ?? 'unchecked',
    lastCheck: last && { at: new Date(last.atWallMs).toISOString(), durationMs: last.durationMs, reason: last.reason },
    ejectedForMs: board.ejectedForMs(slot, clock.monotonicMs()),
    isDraining: board.hasFlag(slot, EndpointFlag.draining),
  };
}
