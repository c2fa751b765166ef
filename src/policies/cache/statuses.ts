/** What this cache knows of statuses (RFC 9110 §15). */

/** RFC 9110 §15.1: answers with these may be kept although they say nothing of it. */
const heuristicallyCacheable: ReadonlySet<number> = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501]);

/** Those whose meaning for a cache is known. What 206 and 304 mean is seen to elsewhere. */
const understood: ReadonlySet<number> = new Set([
  200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409,
  410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 426, 500, 501, 502, 503, 504, 505,
]);

/** RFC 5861 §4: with these, the service has failed. */
const failures: ReadonlySet<number> = new Set([500, 502, 503, 504]);

export const isHeuristicallyCacheable = (status: number): boolean => heuristicallyCacheable.has(status);
export const isUnderstood = (status: number): boolean => understood.has(status);
export const isFailure = (status: number): boolean => failures.has(status);
