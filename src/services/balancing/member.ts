/** An endpoint as balancers see it, so that a simulation needs no connections. */
export interface Member {
  /** Names it: the same on all threads, and in all gateways with the same configuration. */
  readonly url: string;
  /** How much of the traffic it shall have now, relative to the other members: weight, slow start and failover together. */
  readonly share: number;
  /** Attempts that run there, of this thread. */
  readonly active: number;
}
