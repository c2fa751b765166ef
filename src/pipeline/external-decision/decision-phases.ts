/** The phases of a policy that has a service decide whether requests may pass: asks, remembers, and does what was decided. */
import { type ErrorDetail, GatewayError } from '#base/errors.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import { isGrpcRequest } from '#http/grpc-request.ts';
import type { ResponseHead } from '#http/response.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import type { RequestPart } from '#schema/request-part.ts';
import { getField, setField } from '#wire/fields/field-list.ts';
import { personalSlot } from '../personal-request.ts';
import type { PhaseResult, PolicyPhases, PolicyServices } from '../policy.ts';
import type { ServiceAnswer, ServiceRequest } from '../service-call.ts';
import { toNamedConsumer } from '../token-consumer.ts';
import type { Allowed, Decision, Undecided } from './decision.ts';
import { DecisionCache } from './decision-cache.ts';
import { toPartsKey, toWholeKey } from './decision-key.ts';

export interface DecisionSettings {
  readonly service: string;
  readonly onFailure: 'refuse' | 'allow';
  readonly cache?: { readonly ttl: number; readonly by?: readonly RequestPart[] | undefined } | undefined;
  readonly mode: 'enforce' | 'report';
}

/** What makes one such policy different from another. */
export interface DecisionMaking {
  /** Tells the policy's caches apart from those of others. */
  readonly policy: string;
  /** Fields that only the decision may say: a client's own never reach the service. */
  readonly ownFields: readonly string[];
  /** Whether answers to clients take along fields of decisions. */
  readonly shapesAnswers?: boolean;
  toRequest(exchange: Exchange): ServiceRequest;
  toDecision(answer: ServiceAnswer): Decision;
  /** The consumer that the answer names may not come from the client's address. */
  toRefused(detail: ErrorDetail): GatewayError;
  /** Nobody could decide. */
  toUnavailable(detail: ErrorDetail): GatewayError;
}

type Means = Pick<PolicyServices, 'callService' | 'clock' | 'consumers' | 'keeper' | 'place'>;

export function createDecisionPhases(settings: DecisionSettings, making: DecisionMaking, means: Means): PolicyPhases {
  const gate = new DecisionGate(settings, making, means);
  const requestHead = (exchange: Exchange) => gate.judge(exchange);
  return {
    requestHead,
    ...(making.ownFields.length > 0 && {
      upstreamRequest: (exchange: Exchange, upstream: UpstreamRequest) => gate.shape(exchange, upstream),
    }),
    ...(making.shapesAnswers === true && {
      responseHead: (exchange: Exchange, response: ResponseHead) => gate.shapeAnswer(exchange, response),
    }),
  };
}

class DecisionGate {
  readonly #settings: DecisionSettings;
  readonly #making: DecisionMaking;
  readonly #means: Means;
  readonly #cache: DecisionCache | undefined;
  /** Questions that are being asked, by what they depend on. */
  readonly #running = new Map<string, Promise<Allowed | Undecided | undefined>>();
  readonly #fields = defineSlot<readonly string[]>('fields of a decision');
  readonly #answerFields = defineSlot<readonly string[]>('answer fields of a decision');

  constructor(settings: DecisionSettings, making: DecisionMaking, means: Means) {
    this.#settings = settings;
    this.#making = making;
    this.#means = means;
    const name = `${making.policy} at ${means.place}: ${JSON.stringify(settings)}`;
    this.#cache = settings.cache && means.keeper.keep(name, () => new DecisionCache());
  }

  judge(exchange: Exchange): PhaseResult | Promise<PhaseResult> {
    const request = this.#making.toRequest(exchange);
    if (this.#cache === undefined) return this.#ask(exchange, request);
    const by = this.#settings.cache?.by;
    const key = by === undefined ? toWholeKey(exchange, request) : toPartsKey(exchange, by);
    const known = this.#cache.find(key, this.#means.clock.monotonicMs());
    if (known === undefined) return this.#askTogether(exchange, request, key);
    return this.#letPass(exchange, known);
  }

  /** Whatever the decision was, and whether there was one: only what it says itself reaches the service under these names. */
  shape(exchange: Exchange, { fields }: UpstreamRequest): void {
    dropFields(fields, this.#making.ownFields);
    const own = exchange.get(this.#fields);
    if (own !== undefined) for (const text of own) fields.push(text);
  }

  /** Whoever answers. */
  shapeAnswer(exchange: Exchange, { fields }: ResponseHead): void {
    const own = exchange.get(this.#answerFields);
    if (own === undefined) return;
    for (const text of own) fields.push(text);
    // RFC 9111 §7.3: a cache that keeps this answer for others would hand them what is for this client.
    const control = getField(fields, 'cache-control');
    if (control === undefined || !/\b(?:private|no-store)\b/i.test(control)) setField(fields, 'cache-control', 'no-store');
  }

  async #ask(exchange: Exchange, request: ServiceRequest): Promise<PhaseResult> {
    return this.#conclude(exchange, await this.#decide(exchange, request));
  }

  /** What is asked by others at the same time is asked once. */
  async #askTogether(exchange: Exchange, request: ServiceRequest, key: string): Promise<PhaseResult> {
    const running = this.#running.get(key);
    if (running !== undefined) {
      const shared = await running;
      if (exchange.isFinished) return undefined;
      return shared === undefined ? this.#ask(exchange, request) : this.#conclude(exchange, shared);
    }
    const deciding = this.#decide(exchange, request);
    const sharing = deciding.then(toShared, () => undefined);
    this.#running.set(key, sharing);
    const shared = await sharing;
    this.#running.delete(key);
    if (shared?.kind === 'allowed') this.#keep(key, shared);
    return this.#conclude(exchange, await deciding);
  }

  async #decide(exchange: Exchange, request: ServiceRequest): Promise<Decision> {
    const answer = await this.#means.callService(exchange, this.#settings.service, request);
    if (!(answer instanceof GatewayError)) return this.#making.toDecision(answer);
    const detail = { ...answer.detail, error: answer.code };
    return { kind: 'undecided', detail, isAbandoned: answer.kind.side === 'client' };
  }

  #conclude(exchange: Exchange, decision: Decision): PhaseResult {
    switch (decision.kind) {
      case 'allowed':
        return this.#letPass(exchange, decision);
      case 'denied':
        if (this.#settings.mode === 'report') return this.#report(exchange, decision.error);
        if (decision.reply === undefined || isGrpcRequest(exchange.request)) return decision.error;
        // The answer is the service's own; the log says whose.
        exchange.error ??= decision.error;
        return decision.reply;
      case 'undecided':
        return this.#onUndecided(exchange, decision.detail);
      default:
        return decision satisfies never;
    }
  }

  #keep(key: string, decision: Allowed): void {
    this.#cache?.keep(key, decision, this.#means.clock.monotonicMs() + this.#settings.cache!.ttl);
  }

  #letPass(exchange: Exchange, { fields, answerFields, asker }: Allowed): GatewayError | undefined {
    const { consumers } = this.#means;
    const { service, mode } = this.#settings;
    const consumer = asker === undefined ? undefined : toNamedConsumer(asker, service, consumers);
    if (consumer !== undefined && !consumers.admit(exchange, consumer)) {
      const error = this.#making.toRefused({ reason: 'address', consumer: consumer.name, service });
      return mode === 'report' ? this.#report(exchange, error) : error;
    }
    exchange.set(personalSlot, true);
    if (fields.length > 0) exchange.set(this.#fields, fields);
    if (answerFields !== undefined && answerFields.length > 0) exchange.set(this.#answerFields, answerFields);
    return undefined;
  }

  #onUndecided(exchange: Exchange, detail: ErrorDetail): PhaseResult {
    const { mode, onFailure, service } = this.#settings;
    const error = this.#making.toUnavailable({ ...detail, service });
    return mode === 'report' || onFailure === 'allow' ? this.#report(exchange, error) : error;
  }

  #report(exchange: Exchange, error: GatewayError): undefined {
    exchange.reported ??= error;
  }
}

/**
 * What a decision is to other requests that are alike; `undefined`: nothing. What the client is sent belongs to the one that
 * asked: a cookie in it may be a session, and a refusal may be the beginning of a login.
 */
function toShared(decision: Decision): Allowed | Undecided | undefined {
  if (decision.kind === 'denied') return undefined;
  if (decision.kind === 'allowed') return { ...decision, answerFields: undefined };
  return decision.isAbandoned === true ? undefined : decision;
}

/** Names with underscores too: to many a service `x_user` and `x-user` are the same. */
function dropFields(fields: string[], names: readonly string[]): void {
  let kept = 0;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (names.includes(name.includes('_') ? name.replaceAll('_', '-') : name) || names.includes(name)) continue;
    fields[kept] = name;
    fields[kept + 1] = fields[i + 1]!;
    kept += 2;
  }
  fields.length = kept;
}
