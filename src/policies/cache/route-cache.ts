/** The cache of one place in the configuration: answers from what is kept, has asked for what is not, and forgets what was changed. */
import type { AnswerStore, StoredAnswer } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import { GatewayError } from '#base/errors.ts';
import type { AnswerStage } from '#http/answer-stage.ts';
import type { Exchange } from '#http/exchange.ts';
import { readRequestBody } from '#http/request-body.ts';
import type { ResponseHead } from '#http/response.ts';
import type { PhaseResult } from '#pipeline/policy.ts';
import { noRequestDirectives, readRequestDirectives } from '#wire/fields/cache-control.ts';
import { getField, removeField } from '#wire/fields/field-list.ts';
import { AnswerKeys, resolveHere, toUri } from './answer-key.ts';
import { type Asked, isPersonal } from './asked.ts';
import { digestBody } from './body-digest.ts';
import type { CachePlace } from './cache-place.ts';
import { type ForwardReason, saidSlot, say, sayForwarded } from './cache-status.ts';
import type { CacheConfig } from './config.ts';
import { cacheErrors } from './errors.ts';
import { Fetches } from './fetches.ts';
import { PostedAnswers } from './posted-answers.ts';
import { replyAsHit, toAgeS, toReplyOfPart } from './replying.ts';
import { findTraits } from './request-traits.ts';
import { select } from './selecting.ts';
import { OWN_TARGET, StoredReply, toTtlS } from './stored-reply.ts';
import type { AskedRequest, StoringRules } from './storing.ts';
import { judgeUse } from './using.ts';
import { WaitingClient } from './waiting-client.ts';

/** RFC 9110 §9.2.1, and those of WebDAV and drafts that are safe: nothing is changed by them. */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH']);

export interface CacheMeans {
  readonly clock: Clock;
  readonly answers: AnswerStore;
  readonly place: string;
  readonly isBypassed: ((exchange: Exchange) => boolean) | undefined;
}

export class RouteCache {
  readonly #place: CachePlace;
  readonly #keys: AnswerKeys;
  readonly #keyed: ReadonlySet<string>;
  readonly #isBypassed: CacheMeans['isBypassed'];
  readonly #methods: ReadonlySet<string>;
  readonly #fetches: Fetches;
  readonly #posted: PostedAnswers | undefined;

  constructor(config: CacheConfig, { clock, answers, place, isBypassed }: CacheMeans) {
    const rules = toStoringRules(config);
    this.#place = { config, clock, answers, rules };
    this.#keys = new AnswerKeys({ ...config, place });
    this.#keyed = new Set(config.key?.flatMap((key) => (key.kind === 'header' ? [key.name] : [])));
    this.#isBypassed = isBypassed;
    this.#methods = new Set([...config.methods, ...(config.methods.includes('GET') ? ['HEAD'] : [])]);
    this.#fetches = new Fetches(this.#place);
    // Where POST is a question with a body, its answers are not those to GET.
    if (this.#methods.has('POST') || !this.#methods.has('GET')) this.#posted = undefined;
    else {
      const toAsked = (exchange: Exchange) => this.#toPosted(exchange);
      this.#posted = new PostedAnswers({ clock, answers, keys: this.#keys, rules, objectBytesMax: config.maxObject, toAsked });
    }
  }

  // The phases

  localAnswer(exchange: Exchange): PhaseResult | Promise<PhaseResult> {
    const { request } = exchange;
    const { method } = request;
    if (!this.#methods.has(method)) return this.#passBy(exchange, 'method');
    const traits = findTraits(request.fields, this.#keyed);
    if (traits.passesBy || request.upgrade !== undefined || this.#isBypassed?.(exchange) === true)
      return this.#passBy(exchange, 'bypass');
    const { obeyClients } = this.#place.config;
    const directives = obeyClients && traits.hasDirectives ? readRequestDirectives(request.fields) : noRequestDirectives;
    const uri = this.#keys.toUri(exchange);
    const partition = this.#keys.toPartition(exchange);
    const asked: Asked = { exchange, uri, partition, traits, directives, body: undefined };
    if (method === 'GET' || method === 'HEAD') {
      // Such a body means nothing (RFC 9110 §9.3.1), and a service may look at it all the same.
      return request.hasBody ? this.#passBy(exchange, 'bypass') : this.#answer(asked);
    }
    return this.#answerByBody(asked);
  }

  responseHead(exchange: Exchange, response: ResponseHead): void {
    if (response instanceof StoredReply) return;
    let said = exchange.get(saidSlot);
    if (said === undefined) return;
    const { config, clock } = this.#place;
    const { tags, targets } = config;
    const posted = this.#posted?.note(exchange, response);
    if (posted !== undefined) {
      const ttlS = toTtlS(posted, toAgeS(posted, clock.monotonicMs()));
      said = sayForwarded('method', { status: response.status, ttlS, isStored: true });
    }
    if (tags !== undefined) removeField(response.fields, tags);
    if (targets.includes(OWN_TARGET)) removeField(response.fields, OWN_TARGET);
    if (config.statusHeader) response.fields.push('cache-status', said);
    const { error, request } = exchange;
    if (error === undefined && !safeMethods.has(request.method) && !this.#methods.has(request.method))
      this.#invalidate(exchange, response);
  }

  answerStage(exchange: Exchange): AnswerStage | undefined {
    return this.#posted?.stage(exchange);
  }

  // What is there already

  async #answerByBody(asked: Asked): Promise<PhaseResult> {
    const { exchange } = asked;
    const body = await readRequestBody(exchange, this.#place.config.maxRequestBody);
    if (body instanceof GatewayError) return body;
    return this.#answer({ ...asked, body, partition: `${asked.partition}\n${digestBody(exchange.request, body)}` });
  }

  #answer(asked: Asked): PhaseResult | Promise<PhaseResult> {
    const { uri, partition } = asked;
    const { answers } = this.#place;
    const found = answers.find(uri, partition);
    if (found !== undefined) return this.#answerWith(asked, found);
    const fetching = answers.fetch(uri, partition);
    if (fetching === undefined) return this.#ask(asked, 'uri-miss', undefined);
    return this.#answerLater(asked, fetching);
  }

  async #answerLater(asked: Asked, fetching: Promise<readonly StoredAnswer[] | undefined>): Promise<PhaseResult> {
    const found = await fetching;
    if (asked.exchange.isFinished) return undefined;
    return found === undefined ? this.#ask(asked, 'uri-miss', undefined) : this.#answerWith(asked, found);
  }

  #answerWith(asked: Asked, found: readonly StoredAnswer[]): PhaseResult | Promise<PhaseResult> {
    const { exchange, directives } = asked;
    const nowMs = exchange.startedMs;
    const answer = select(found, exchange.request);
    if (answer === undefined || answer.facts.keptUntilMs <= nowMs)
      return this.#ask(asked, found.length > 0 && answer === undefined ? 'vary-miss' : 'uri-miss', undefined);
    if (answer.facts.part !== undefined) return this.#answerWithPart(asked, answer, nowMs);
    const use = judgeUse(answer, directives, nowMs);
    if (use === 'ask') return this.#ask(asked, answer.facts.freshUntilMs > nowMs ? 'request' : 'stale', answer);
    answer.wasUsed = true;
    exchange.cacheResult = nowMs < answer.facts.freshUntilMs ? 'hit' : 'stale';
    if (use === 'refresh') this.#fetches.refresh(asked, answer);
    return replyAsHit(answer, asked, this.#place, nowMs);
  }

  /** RFC 9111 §3.3: enough for who asks for some of it. For others, the rest is asked for; whether it is the same still is not. */
  #answerWithPart(asked: Asked, part: StoredAnswer, nowMs: number): PhaseResult | Promise<PhaseResult> {
    const { exchange, directives } = asked;
    if (judgeUse(part, directives, nowMs) !== 'use')
      return this.#ask(asked, part.facts.freshUntilMs > nowMs ? 'request' : 'stale', undefined);
    const { config, clock } = this.#place;
    const said = config.statusHeader ? 'hit' : 'nothing';
    const ageS = toAgeS(part.facts, nowMs);
    const reply = toReplyOfPart(part, exchange.request, { ageS, said, wallMs: clock.wallMs() });
    if (reply === undefined) return this.#ask(asked, 'partial', undefined, part);
    part.wasUsed = true;
    exchange.cacheResult = nowMs < part.facts.freshUntilMs ? 'hit' : 'stale';
    return reply;
  }

  #ask(
    asked: Asked,
    reason: ForwardReason,
    stale: StoredAnswer | undefined,
    part?: StoredAnswer,
  ): PhaseResult | Promise<PhaseResult> {
    if (asked.directives.onlyIfCached) return cacheErrors.onlyIfCached();
    const client = new WaitingClient(asked);
    this.#fetches.fetchFor(client, asked, { reason, stale, part });
    return client.ended;
  }

  // Inside

  #passBy(exchange: Exchange, reason: ForwardReason): undefined {
    exchange.cacheResult = 'bypass';
    say(exchange, exchange, sayForwarded(reason));
  }

  /** A POST as far as it matters to what is kept of its answer; `undefined`: nothing is. */
  #toPosted(exchange: Exchange): AskedRequest | undefined {
    const { fields, authority, forwardingFields } = exchange.request;
    const traits = findTraits(fields, this.#keyed);
    if (traits.passesBy || this.#isBypassed?.(exchange) === true) return undefined;
    const { obeyClients, perConsumer } = this.#place.config;
    const { noStore } = obeyClients ? readRequestDirectives(fields) : noRequestDirectives;
    return {
      fields,
      authority,
      forwardingFields,
      sentFields: fields,
      noStore,
      isPersonal: isPersonal({ exchange, traits }, perConsumer),
      isPart: false,
    };
  }

  /** RFC 9111 §4.4: what was changed is not kept any longer, nor what the answer says has changed with it. */
  #invalidate(exchange: Exchange, { status, fields }: ResponseHead): void {
    if (status < 200 || status > 399) return;
    const { scheme, authority, target } = exchange.request;
    const changed = toUri(scheme, authority, target);
    this.#forget(changed);
    for (const name of ['location', 'content-location']) {
      const also = resolveHere(getField(fields, name), changed);
      if (also !== undefined) this.#forget(also);
    }
  }

  #forget(uri: string): void {
    this.#place.answers.invalidate(uri);
    this.#fetches.outdate(uri);
    this.#posted?.forget(uri);
  }
}

function toStoringRules({ ttl, heuristic, staleWhileRevalidate, staleIfError, targets, tags }: CacheConfig): StoringRules {
  return { ttl, heuristic, staleWhileRevalidateMs: staleWhileRevalidate, staleIfErrorMs: staleIfError, targets, tags };
}
