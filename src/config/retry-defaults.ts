/** What `retry` says where nothing is written, for who has no schema at hand: a test holds both together. */
import { limits } from '#base/limits.ts';
import type { ServiceRetry } from './retry-schema.ts';

/** For a route that wants further attempts where its service wants none. */
export const defaultRetry: ServiceRetry = {
  attempts: 2,
  on: ['connect', 'refused', 'reset', 'timeout'],
  grpcStatuses: [],
  methods: [],
  bodyMax: limits.replayBodyBytesMax,
  backoff: { base: 25, max: 250 },
  retryAfterMax: 1_000,
  budget: { ratio: 0.2, minPerSecond: 3 },
};
