/** How many things somebody may do at the same time, and who keeps count. */
export interface ConcurrencyLimit {
  /** A place for the key, which is given back once; `NO_PLACE`: all are taken. */
  take(key: string): number;
  give(place: number): void;
}

export interface ConcurrencyLimits {
  /** Whoever opens the same name shares the places, also later and with another `max`. */
  open(name: string, max: number): ConcurrencyLimit;
}

export const NO_PLACE = -1;
