/**
 * Where the exchanges of one route are counted: looked for once, then hung on each plan of the route. Which numbers stand there, the
 * counter knows.
 */

/** What was counted together with a method and a status. */
interface StatusPlace {
  readonly method: string;
  readonly status: number;
  /** Of the series. */
  readonly labels: readonly string[];
  readonly at: number;
}

/** Of the exchanges that came through one listener and were answered by one service. */
export class ServiceTally {
  readonly service: string;
  /** Where its numbers begin. */
  readonly at: number;
  /** Of the method and status that came last. */
  last: StatusPlace | undefined = undefined;
  /** By method and status, as one number. */
  readonly places = new Map<number, StatusPlace>();
  /** Statuses that are counted each for itself. */
  readonly statuses = new Set<number>();
  next: ServiceTally | undefined;

  constructor(service: string, at: number, next: ServiceTally | undefined) {
    this.service = service;
    this.at = at;
    this.next = next;
  }
}

/** What is counted together for a listener. */
export type ListenerPlaces = Pick<ListenerTally, 'listener' | 'inFlightAt' | 'sizesAt'>;

/** Of the exchanges that came through one listener. */
export class ListenerTally {
  readonly listener: string;
  /** Where it stands how many are under way. */
  readonly inFlightAt: number;
  /** Where sizes of bodies are counted. */
  readonly sizesAt: number;
  /** How many of this thread are under way: none of them may find its place given to others. */
  runningCount = 0;
  services: ServiceTally | undefined = undefined;
  next: ListenerTally | undefined;

  constructor({ listener, inFlightAt, sizesAt }: ListenerPlaces, next: ListenerTally | undefined) {
    this.listener = listener;
    this.inFlightAt = inFlightAt;
    this.sizesAt = sizesAt;
    this.next = next;
  }
}

export class PlanTally {
  listeners: ListenerTally | undefined = undefined;
}
