/** The trace that an exchange belongs to: what is told of it to whoever is asked next, and what is noted for its spans. */
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import type { ReceivedTrace, TracePropagation } from './trace-propagation.ts';

/** What a span is made of that is about one request to an upstream. It is looked at when the exchange is over. */
export interface TracedAttempt {
  readonly service: { readonly definition: { readonly name: string } };
  readonly endpoint: { readonly url: string };
  readonly startedMs: number;
  readonly headMs: number;
  readonly endedMs: number;
  readonly status: number;
  /** -1: there is none. */
  readonly grpcStatus: number;
  readonly error: GatewayError | undefined;
  readonly isCancelled: boolean;
  readonly wasReused: boolean;
}

export interface NotedAttempt {
  readonly attempt: TracedAttempt;
  readonly spanId: string;
  readonly parentId: string;
  /** How many there were before, for the same purpose. */
  readonly resendCount: number;
  method: string;
  /** Path and query; empty: it was never sent. */
  target: string;
}

/** What traces of one thread have in common. */
export interface TraceMeans {
  readonly propagation: TracePropagation;
  readonly nextSpanId: () => string;
}

export interface TraceStart {
  readonly traceId: string;
  /** Of the exchange itself. */
  readonly spanId: string;
  /** Of the span that the exchange came in; `undefined`: the trace begins here. */
  readonly parentId: string | undefined;
  /** That span is of another process. */
  readonly isParentRemote: boolean;
  readonly isSampled: boolean;
  readonly isRandom: boolean;
  readonly received: ReceivedFields;
}

type ReceivedFields = Pick<ReceivedTrace, 'state' | 'hasFields'>;

/** What one request to an upstream says of its trace, in whatever version of HTTP. */
export interface SentTrace {
  toFields(): string[];
  /** As lines, each behind the end of the line before. */
  toHttp1Text(): string;
}

const none: readonly NotedAttempt[] = Object.freeze([]);

/**
 * `undefined` at an exchange: the fields of its request go on as they came. Most exchanges are not recorded, so this is also what
 * their only request to an upstream says: nothing more is made for them.
 */
export class ExchangeTrace implements TraceStart, SentTrace {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly isParentRemote: boolean;
  readonly isSampled: boolean;
  readonly isRandom: boolean;
  readonly received: ReceivedFields;
  readonly #means: TraceMeans;
  #attempts: NotedAttempt[] | undefined = undefined;

  constructor({ traceId, spanId, parentId, isParentRemote, isSampled, isRandom, received }: TraceStart, means: TraceMeans) {
    this.traceId = traceId;
    this.spanId = spanId;
    this.parentId = parentId;
    this.isParentRemote = isParentRemote;
    this.isSampled = isSampled;
    this.isRandom = isRandom;
    this.received = received;
    this.#means = means;
  }

  /** For a span within the one of the exchange. */
  nextSpanId(): string {
    return this.#means.nextSpanId();
  }

  get attempts(): readonly NotedAttempt[] {
    return this.#attempts ?? none;
  }

  /** An attempt begins. `parentId`: of the span that it belongs to, where that is not the one of the exchange. */
  noteAttempt(attempt: TracedAttempt, resendCount: number, parentId: string = this.spanId): void {
    if (!this.isSampled) return;
    this.#attempts ??= [];
    // An answer can be made of hundreds of calls.
    if (this.#attempts.length >= limits.spansOfExchangeMax) return;
    this.#attempts.push({ attempt, spanId: this.nextSpanId(), parentId, resendCount, method: '', target: '' });
  }

  /** What a request to an upstream says. `attempt`: it is noted what that asks for; `undefined`: it has no span of its own. */
  sendTo(attempt: TracedAttempt | undefined, method: string, target: string): SentTrace {
    const noted = attempt === undefined ? undefined : this.#attempts?.findLast((each) => each.attempt === attempt);
    if (noted === undefined) return this;
    noted.method = method;
    noted.target = target;
    const { propagation } = this.#means;
    return {
      toFields: () => propagation.write(this, noted.spanId),
      toHttp1Text: () => propagation.writeHttp1(this, noted.spanId),
    };
  }

  /** Of a request that has no span of its own. */
  toFields(): string[] {
    return this.#means.propagation.write(this, this.spanId);
  }

  toHttp1Text(): string {
    return this.#means.propagation.writeHttp1(this, this.spanId);
  }

  /** `undefined`: the request's own. */
  cleanFields(fields: readonly string[] | undefined, own: readonly string[]): readonly string[] | undefined {
    if (!this.received.hasFields && fields === undefined) return undefined;
    return this.#means.propagation.clean(fields ?? own);
  }

  /** That of an exchange that this one has made. */
  createChild(): ExchangeTrace {
    const received = { ...this.received, hasFields: true };
    const { traceId, spanId: parentId, isSampled, isRandom } = this;
    const spanId = this.nextSpanId();
    return new ExchangeTrace({ traceId, spanId, parentId, isParentRemote: false, isSampled, isRandom, received }, this.#means);
  }
}
