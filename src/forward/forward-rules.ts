/** What a service, and the route on the way to it, say about time and further attempts. Compiled once per snapshot. */
import type { AnswerTimeouts, TimeLimit } from '#http/upstream-call.ts';
import type { BudgetSettings } from '#services/retry-budget.ts';

/** Ways to fail after which another attempt may be made. */
export type RetryCondition = 'connect' | 'refused' | 'reset' | 'timeout';

export interface RetryRules {
  /** Besides the first one; 0: none. */
  readonly furtherAttemptsMax: number;
  readonly conditions: ReadonlySet<RetryCondition>;
  /** Of answers that are thrown away for another attempt. */
  readonly statuses: ReadonlySet<number>;
  /** Numbers of statuses with which calls of gRPC end that are thrown away for another attempt. */
  readonly grpcStatuses: ReadonlySet<number>;
  /** Requests with these may be done twice. */
  readonly methods: ReadonlySet<string>;
  /** A request with a longer body is sent once. */
  readonly bodyBytesMax: number;
  readonly bodySetting: string;
  readonly backoff: BackoffRules;
  readonly retryAfterMaxMs: number;
  readonly budget: BudgetSettings;
  readonly budgetSetting: string;
}

export interface BackoffRules {
  readonly baseMs: number;
  readonly maxMs: number;
}

export interface HedgeRules {
  readonly after:
    | { readonly kind: 'fixed'; readonly ms: number }
    /** As long as this share of the attempts take at most. */
    | { readonly kind: 'quantile'; readonly share: number };
  /** Attempts beside the first one. */
  readonly attemptsMax: number;
}

export interface ForwardRules {
  readonly retry: RetryRules;
  readonly hedge: HedgeRules | undefined;
  readonly timeouts: AnswerTimeouts;
  /** From the beginning of an attempt to the head of its answer. */
  readonly attemptLimit: TimeLimit | undefined;
  /** From the head of the request to the end of its answer. */
  readonly requestLimit: TimeLimit | undefined;
}

/** Safe to do twice (RFC 9110 §9.2.2; QUERY: RFC 10008 §2). */
export const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'QUERY']);

/** Change nothing (RFC 9110 §9.2.1), so that nobody minds when two attempts run at the same time. */
export const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY']);
