/** What a request was answered from where it could have been answered from what is kept: for logs and metrics. */

/** In the order in which they are counted. */
export const cacheResults = [
  /** From what is kept, which is fresh. */
  'hit',
  /** From what is kept, which is not fresh, while it is asked for anew. */
  'stale',
  /** From what is kept, because the service failed. */
  'stale-on-error',
  /** From what is kept, after the service has said that it still holds. */
  'revalidated',
  /** By what another request has asked the service for at the same time. */
  'coalesced',
  /** By the service; nothing that serves was kept. */
  'miss',
  /** By the service, which was asked whether what is kept still holds, and it does not. */
  'refreshed',
  /** By the service, because the request or its answer is not for a cache. */
  'bypass',
] as const;

export type CacheResult = (typeof cacheResults)[number];
