/**
 * A configuration on its way to the data threads, in memory that all of them share: JSON lines, and the image of the route
 * table. Receiving it costs a thread nothing. It reads services in slices, and the line of a route when a request first needs it.
 */

import type { FunctionPlace } from '#aggregate/compose-function.ts';

export interface EncodedConfiguration {
  /** One line for everything but services and routes, then one for each service, then one for each route, in their order. */
  readonly lines: SharedArrayBuffer;
  /** Where each line ends. */
  readonly lineEnds: Uint32Array;
  /** What logs name it by; empty where nothing is logged. */
  readonly hash: string;
  readonly serviceCount: number;
  /** Finds the position of a request's route. */
  readonly routeImage: SharedArrayBuffer;
  /** For how many keys its rate limits count; 0: it has none. */
  readonly allowanceKeysMax: number;
  /** It limits how many exchanges of somebody run at the same time. */
  readonly countsConcurrency: boolean;
  /** It has quotas. */
  readonly countsQuotas: boolean;
  /** How much it keeps of answers; 0: it keeps none. */
  readonly answerBytesMax: number;
  /** Names of what its policies need loaded. */
  readonly libraries: readonly string[];
  /** Functions of users that compose answers. */
  readonly functions: readonly FunctionPlace[];
}

/** Lines that are written or read between two yields: about a millisecond of work. */
export const LINES_PER_STEP = 50;
/** Secrets print as `[redacted]`, as they should anywhere else. A name that no configuration has marks their text here. */
export const SECRET_KEY = '\u0000secret';
