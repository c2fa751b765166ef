import type { ErrorKind } from '#base/errors.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { AttemptOutcome } from '../attempt-outcome.ts';

/**
 * Errors that speak against an endpoint: it is not reached, breaks off or does not answer in time. Others are left out,
 * because the gateway's own limits or one odd request bring them about.
 */
const failures: ReadonlySet<ErrorKind> = new Set(
  [
    upstreamErrors.unresolved,
    upstreamErrors.unreachable,
    upstreamErrors.connectTimeout,
    upstreamErrors.tls,
    upstreamErrors.noHttp2,
    upstreamErrors.lostBeforeAnswer,
    upstreamErrors.truncatedHead,
    upstreamErrors.truncatedBody,
    upstreamErrors.firstByteTimeout,
    upstreamErrors.idleTimeout,
    upstreamErrors.attemptTimeout,
    upstreamErrors.requestTimeout,
  ].map(({ kind }) => kind),
);

/** What an outcome says of its endpoint. */
export const Verdict = { nothing: 0, success: 1, failure: 2 } as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Tells failures of an endpoint from everything else that may become of an attempt. */
export class EndpointFailures {
  readonly #statuses: ReadonlySet<number>;
  /** Most answers are below it, and need not be looked up. */
  readonly #statusMin: number;

  constructor(statuses: readonly number[]) {
    this.#statuses = new Set(statuses);
    this.#statusMin = Math.min(...statuses);
  }

  judge({ isCancelled, error, status }: AttemptOutcome): Verdict {
    if (isCancelled) return Verdict.nothing;
    if (error !== undefined) return failures.has(error.kind) ? Verdict.failure : Verdict.nothing;
    return status >= this.#statusMin && this.#statuses.has(status) ? Verdict.failure : Verdict.success;
  }
}
