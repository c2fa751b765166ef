/** The cache of one place in the configuration: answers from what is kept, asks for what is not, and keeps what comes. */
import { createHash } from 'node:crypto';
import { type AnswerStore, StoredAnswer } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { RecentMap } from '#base/recent-map.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import { readRequestBody } from '#http/request-body.ts';
import type { Reply, ResponseHead } from '#http/response.ts';
import { personalSlot } from '#pipeline/personal-request.ts';
import type { PhaseResult } from '#pipeline/policy.ts';
import { noRequestDirectives, type RequestDirectives, readRequestDirectives } from '#wire/fields/cache-control.ts';
import { getField, removeField } from '#wire/fields/field-list.ts';
import { AnswerKeys, toUri } from './answer-key.ts';
import { type ForwardReason, sayForwarded, sayHit } from './cache-status.ts';
import type { CacheConfig } from './config.ts';
import { cacheErrors } from './errors.ts';
import { Fetch, type FetchOwner, type Verdict } from './fetch.ts';
import type { ReceivedAnswer } from './freshness.ts';
import { toAgeS, toReply } from './replying.ts';
import { findTraits, type RequestTraits } from './request-traits.ts';
import { isSelected, select } from './selecting.ts';
import { isFailure } from './statuses.ts';
import { OWN_TARGET, StoredReply } from './stored-reply.ts';
import { KEPT_STALE_MS, type StoredHead, type StoringRules, toFacts, toStoredHead, updateFields } from './storing.ts';
import { agrees, isAbout, toConditions } from './validating.ts';
import { WaitingClient } from './waiting-client.ts';

/** How long it is remembered that the answer of an address is for nobody but the one who asks, so that nobody waits for it. */
const ALONE_MS = 60_000;
const ALONE_MAX = 10_000;

/** RFC 9110 §9.2.1, and those of WebDAV and drafts that are safe: nothing is changed by them. */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH']);

/** What is said of an answer that the service gives; its being there says that the cache has looked at the request. */
const saidSlot = defineSlot<string>('what the cache says');

export interface CacheMeans {
  readonly clock: Clock;
  readonly answers: AnswerStore;
  readonly place: string;
  readonly isBypassed: ((exchange: Exchange) => boolean) | undefined;
}

/** A request whose answer may be kept. */
interface Asked {
  readonly exchange: Exchange;
  readonly uri: string;
  readonly partition: string;
  readonly traits: RequestTraits;
  readonly directives: RequestDirectives;
  readonly body: Buffer | undefined;
}

export class RouteCache implements FetchOwner {
  readonly clock: Clock;
  readonly objectBytesMax: number;
  readonly #config: CacheConfig;
  readonly #answers: AnswerStore;
  readonly #keys: AnswerKeys;
  readonly #keyed: ReadonlySet<string>;
  readonly #isBypassed: CacheMeans['isBypassed'];
  readonly #methods: ReadonlySet<string>;
  readonly #rules: StoringRules;
  /** What is being fetched that others may wait for, by address and partition. */
  readonly #fetches = new Map<string, Fetch>();
  readonly #running = new Set<Fetch>();
  /** Monotonic times until which nobody waits for others, by address and partition. */
  readonly #aloneUntilMs = new RecentMap<number>(ALONE_MAX);

  constructor(config: CacheConfig, { clock, answers, place, isBypassed }: CacheMeans) {
    this.clock = clock;
    this.objectBytesMax = config.maxObject;
    this.#config = config;
    this.#answers = answers;
    this.#keys = new AnswerKeys({ ...config, place });
    this.#keyed = new Set(config.key?.flatMap((key) => (key.kind === 'header' ? [key.name] : [])));
    this.#isBypassed = isBypassed;
    this.#methods = new Set([...config.methods, ...(config.methods.includes('GET') ? ['HEAD'] : [])]);
    const { ttl, heuristic, staleWhileRevalidate, staleIfError, targets, tags } = config;
    this.#rules = {
      ttl,
      heuristic,
      staleWhileRevalidateMs: staleWhileRevalidate,
      staleIfErrorMs: staleIfError,
      targets,
      tags,
    };
  }

  // The phases

  localAnswer(exchange: Exchange): PhaseResult | Promise<PhaseResult> {
    const { request } = exchange;
    const { method } = request;
    if (!this.#methods.has(method)) return this.#passBy(exchange, 'method');
    const traits = findTraits(request.fields, this.#keyed);
    if (traits.passesBy || request.upgrade !== undefined || this.#isBypassed?.(exchange) === true)
      return this.#passBy(exchange, 'bypass');
    const directives = this.#config.obeyClients && traits.hasDirectives ? readRequestDirectives(request.fields) : noRequestDirectives;
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
    const said = exchange.get(saidSlot);
    if (said === undefined) return;
    const { tags, targets } = this.#config;
    if (tags !== undefined) removeField(response.fields, tags);
    if (targets.includes(OWN_TARGET)) removeField(response.fields, OWN_TARGET);
    if (this.#config.statusHeader) response.fields.push('cache-status', said);
    const { error, request } = exchange;
    if (error === undefined && !safeMethods.has(request.method) && !this.#methods.has(request.method))
      this.#invalidate(exchange, response);
  }

  // What is there already

  async #answerByBody(asked: Asked): Promise<PhaseResult> {
    const { exchange } = asked;
    const body = await readRequestBody(exchange, this.#config.maxRequestBody);
    if (body instanceof GatewayError) return body;
    return this.#answer({ ...asked, body, partition: `${asked.partition}\n${digestBody(exchange, body)}` });
  }

  #answer(asked: Asked): PhaseResult | Promise<PhaseResult> {
    const { uri, partition } = asked;
    const found = this.#answers.find(uri, partition);
    if (found !== undefined) return this.#answerWith(asked, found);
    const fetching = this.#answers.fetch(uri, partition);
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
    const use = judgeUse(answer, directives, nowMs);
    if (use === 'ask') return this.#ask(asked, answer.facts.freshUntilMs > nowMs ? 'request' : 'stale', answer);
    answer.wasUsed = true;
    if (use === 'refresh') this.#refresh(asked, answer);
    return this.#reply(asked, answer, nowMs);
  }

  #reply({ exchange, traits }: Asked, answer: StoredAnswer, nowMs: number): Reply {
    const { statusHeader } = this.#config;
    const said = statusHeader ? sayHit(toTtlS(answer, nowMs)) : undefined;
    const moment = { nowMs, wallMs: traits.hasConditions ? this.clock.wallMs() : 0, said, isHit: true };
    return toReply(answer, exchange.request, moment, traits.hasConditions);
  }

  // What has to be asked for

  #ask(asked: Asked, reason: ForwardReason, stale: StoredAnswer | undefined): PhaseResult | Promise<PhaseResult> {
    const { exchange, directives } = asked;
    if (directives.onlyIfCached) return cacheErrors.onlyIfCached();
    const client = new WaitingClient(exchange);
    this.#fetchFor(client, asked, { reason, stale, mayWait: true });
    return client.ended;
  }

  #fetchFor(
    client: WaitingClient | undefined,
    asked: Asked,
    { reason, stale, mayWait }: { readonly reason: ForwardReason; readonly stale: StoredAnswer | undefined; readonly mayWait: boolean },
  ): void {
    const { exchange, uri, partition, directives, body, traits } = asked;
    const isHead = exchange.request.method === 'HEAD';
    const conditions = stale === undefined || isHead ? undefined : toConditions(stale.facts);
    const key = `${uri}\n${partition}`;
    const isPlain = !isHead && !directives.noStore && (conditions !== undefined || !traits.hasConditions);
    const isShared = this.#config.coalesce && isPlain && mayWait && !this.#goesAlone(key);
    if (client !== undefined && isShared && !directives.noCache && directives.maxAgeS === undefined) {
      const running = this.#fetches.get(key);
      if (running !== undefined && this.#mayJoin(running, exchange, stale)) return running.join(client);
    }
    const order = { uri, partition, asking: exchange, body, reason, stale, conditions, noStore: directives.noStore, isShared };
    const fetch = new Fetch(order, client, this);
    this.#running.add(fetch);
    if (isShared) this.#fetches.set(key, fetch);
    fetch.start();
  }

  /** Whoever waits for a question that is about another answer than its own would be told nothing. */
  #mayJoin(fetch: Fetch, { request }: Exchange, stale: StoredAnswer | undefined): boolean {
    if (!fetch.mayJoin() || fetch.isOutdated || fetch.order.stale !== stale) return false;
    return fetch.head === undefined || isSelected(fetch.head, request);
  }

  #refresh(asked: Asked, answer: StoredAnswer): void {
    const { uri, partition, exchange } = asked;
    if (this.#fetches.has(`${uri}\n${partition}`) || this.#running.size >= limits.fetchesInBackgroundMax) return;
    // A HEAD cannot bring what is kept for GET.
    if (exchange.request.method === 'HEAD') return;
    const plain = { ...asked, directives: noRequestDirectives };
    this.#fetchFor(undefined, plain, { reason: 'stale', stale: answer, mayWait: true });
  }

  // What was asked for: see FetchOwner

  judge(fetch: Fetch, received: ReceivedAnswer): Verdict {
    const { stale, conditions, reason } = fetch.order;
    if (isFailure(received.status)) {
      const standIn = this.#findStandIn(fetch, received.status, false);
      if (standIn !== undefined) return standIn;
    }
    if (fetch.exchange.request.method === 'HEAD') return this.#judgeHead(fetch, received);
    if (received.status === 304 && stale !== undefined && conditions !== undefined) {
      if (!isAbout(received.fields, stale)) return this.#forget(fetch, stale);
      return this.#freshen(fetch, stale, received);
    }
    const head = received.status === 206 || received.status === 304 ? 'status' : this.#toHead(fetch, received);
    const words = { status: received.status === 200 ? undefined : received.status };
    if (typeof head === 'string') {
      this.#rememberAlone(fetch);
      return { kind: 'pass', said: this.#say(reason, { ...words, detail: head }) };
    }
    const ttlS = Math.max(0, Math.floor((head.freshUntilMs - received.receivedMs) / 1_000));
    return { kind: 'keep', head, said: this.#say(reason, { ...words, ttlS, isStored: true }) };
  }

  findStandIn(fetch: Fetch): Extract<Verdict, { kind: 'use' }> | undefined {
    const { error } = fetch.exchange;
    return error?.kind.side === 'upstream' ? this.#findStandIn(fetch, undefined, true) : undefined;
  }

  give(client: WaitingClient, answer: StoredAnswer, said: string | undefined): void {
    const { request } = client.exchange;
    if (!isSelected(answer.facts, request)) return this.#lookAgain(client);
    answer.wasUsed = true;
    const moment = { nowMs: this.clock.monotonicMs(), wallMs: this.clock.wallMs(), said, isHit: false };
    client.answer(toReply(answer, request, moment, true));
  }

  begin(client: WaitingClient, fetch: Fetch, response: ResponseHead): void {
    const nowMs = this.clock.monotonicMs();
    const { bornMs } = fetch.head!;
    response.fields.push('age', String(Math.max(0, Math.floor((nowMs - bornMs) / 1_000))));
    client.exchange.set(saidSlot, this.#say(fetch.order.reason, { isCollapsed: true }));
    client.begin(response);
  }

  keep({ order: { uri, partition } }: Fetch, answer: StoredAnswer): void {
    this.#answers.put(uri, partition, answer);
  }

  goOn(client: WaitingClient): void {
    this.#lookAgain(client);
  }

  isFor({ exchange }: WaitingClient, head: StoredHead): boolean {
    return isSelected(head, exchange.request);
  }

  repeat(fetch: Fetch): void {
    for (const client of fetch.takeWaiting()) this.#lookAgain(client);
  }

  onOver(fetch: Fetch): void {
    const key = `${fetch.order.uri}\n${fetch.order.partition}`;
    if (this.#fetches.get(key) === fetch) this.#fetches.delete(key);
    this.#running.delete(fetch);
  }
}
