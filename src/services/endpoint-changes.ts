/** What an operator has changed about the endpoints of one service. It holds until it is undone or the process ends. */
import type { EndpointTarget } from './endpoint-source.ts';

export interface EndpointChange {
  /** An endpoint that nothing else names. */
  readonly added: EndpointTarget | undefined;
  readonly isRemoved: boolean;
  /** Counts instead of the weight that the endpoint has otherwise. */
  readonly weight: number | undefined;
  /** Gets no new exchanges. */
  readonly isDraining: boolean;
}

export const noChange: EndpointChange = Object.freeze({
  added: undefined,
  isRemoved: false,
  weight: undefined,
  isDraining: false,
});

/** By the URL of the endpoint. */
export type EndpointChanges = ReadonlyMap<string, EndpointChange>;

export function isNoChange({ added, isRemoved, weight, isDraining }: EndpointChange): boolean {
  return added === undefined && !isRemoved && weight === undefined && !isDraining;
}
