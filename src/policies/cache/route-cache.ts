/** The cache of one place in the configuration: answers from what is kept, asks for what is not, and keeps what comes. */
import { type AnswerStore, StoredAnswer } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { RecentMap } from '#base/recent-map.ts';
import type { AnswerStage } from '#http/answer-stage.ts';
import type { CacheResult } from '#http/cache-result.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import { readRequestBody } from '#http/request-body.ts';
import type { Reply, ResponseHead } from '#http/response.ts';
import { personalSlot } from '#pipeline/personal-request.ts';
import type { PhaseResult } from '#pipeline/policy.ts';
import { noRequestDirectives, type RequestDirectives, readRequestDirectives } from '#wire/fields/cache-control.ts';
import { getField, hasField, removeField } from '#wire/fields/field-list.ts';
import { AnswerKeys, resolveHere, toUri } from './answer-key.ts';
import type { Asked } from './asked.ts';
import { digestBody } from './body-digest.ts';
import { type ForwardReason, type ForwardWords, sayForwarded, sayHit } from './cache-status.ts';
import type { CacheConfig } from './config.ts';
import { cacheErrors } from './errors.ts';
import { Fetch, type FetchOwner, type GivenAnswer, type Verdict } from './fetch.ts';
import type { ReceivedAnswer } from './freshness.ts';
import { joinParts, readPart, toMissing, toPartsAround } from './parts.ts';
import { PostedAnswers } from './posted-answers.ts';
import { toAgeS, toReply, toReplyOfPart } from './replying.ts';
import { findTraits } from './request-traits.ts';
import { isSelected, select } from './selecting.ts';
import { isFailure } from './statuses.ts';
import { OWN_TARGET, StoredReply, toTtlS } from './stored-reply.ts';
import {
  type AskedRequest,
  KEPT_STALE_MS,
  type StoredHead,
  type StoringRules,
  toFacts,
  toStoredHead,
  updateFields,
  withDate,
} from './storing.ts';
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
  readonly #posted: PostedAnswers | undefined;
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
    // Where POST is a question with a body, its answers are not those to GET.
    if (this.#methods.has('POST') || !this.#methods.has('GET')) this.#posted = undefined;
    else {
      const { objectBytesMax } = this;
      const toAsked = (exchange: Exchange) => this.#toPosted(exchange);
      this.#posted = new PostedAnswers({ clock, answers, keys: this.#keys, rules: this.#rules, objectBytesMax, toAsked });
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
    const directives =
      this.#config.obeyClients && traits.hasDirectives ? readRequestDirectives(request.fields) : noRequestDirectives;
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
    const { tags, targets } = this.#config;
    const posted = this.#posted?.note(exchange, response);
    if (posted !== undefined) {
      const ttlS = toTtlS(posted, toAgeS(posted, this.clock.monotonicMs()));
      said = sayForwarded('method', { status: response.status, ttlS, isStored: true });
    }
    if (tags !== undefined) removeField(response.fields, tags);
    if (targets.includes(OWN_TARGET)) removeField(response.fields, OWN_TARGET);
    if (this.#config.statusHeader) response.fields.push('cache-status', said);
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
    const body = await readRequestBody(exchange, this.#config.maxRequestBody);
    if (body instanceof GatewayError) return body;
    return this.#answer({ ...asked, body, partition: `${asked.partition}\n${digestBody(exchange.request, body)}` });
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
    if (answer.facts.part !== undefined) return this.#answerWithPart(asked, answer, nowMs);
    const use = judgeUse(answer, directives, nowMs);
    if (use === 'ask') return this.#ask(asked, answer.facts.freshUntilMs > nowMs ? 'request' : 'stale', answer);
    answer.wasUsed = true;
    exchange.cacheResult = nowMs < answer.facts.freshUntilMs ? 'hit' : 'stale';
    if (use === 'refresh') this.#refresh(asked, answer);
    return this.#reply(asked, answer, nowMs);
  }

  /** RFC 9111 §3.3: enough for who asks for some of it. For others, the rest is asked for; whether it is the same still is not. */
  #answerWithPart(asked: Asked, part: StoredAnswer, nowMs: number): PhaseResult | Promise<PhaseResult> {
    const { exchange, directives } = asked;
    if (judgeUse(part, directives, nowMs) !== 'use')
      return this.#ask(asked, part.facts.freshUntilMs > nowMs ? 'request' : 'stale', undefined);
    const said = this.#config.statusHeader ? 'hit' : 'nothing';
    const ageS = toAgeS(part.facts, nowMs);
    const reply = toReplyOfPart(part, exchange.request, { ageS, said, wallMs: this.clock.wallMs() });
    if (reply === undefined) return this.#ask(asked, 'partial', undefined, part);
    part.wasUsed = true;
    exchange.cacheResult = nowMs < part.facts.freshUntilMs ? 'hit' : 'stale';
    return reply;
  }

  #reply({ exchange, traits }: Asked, answer: StoredAnswer, nowMs: number): Reply {
    exchange.journal?.note('cache', sayHit(toTtlS(answer.facts, toAgeS(answer.facts, nowMs))));
    const said = this.#config.statusHeader ? 'hit' : 'nothing';
    const wallMs = traits.hasConditions ? this.clock.wallMs() : undefined;
    return toReply(answer, exchange.request, { ageS: toAgeS(answer.facts, nowMs), said, wallMs });
  }

  // What has to be asked for

  #ask(
    asked: Asked,
    reason: ForwardReason,
    stale: StoredAnswer | undefined,
    part?: StoredAnswer,
  ): PhaseResult | Promise<PhaseResult> {
    if (asked.directives.onlyIfCached) return cacheErrors.onlyIfCached();
    const client = new WaitingClient(asked);
    this.#fetchFor(client, asked, { reason, stale, part });
    return client.ended;
  }

  #fetchFor(client: WaitingClient | undefined, asked: Asked, { reason, stale, part }: FetchCause): void {
    const { uri, partition, directives, traits } = asked;
    const isHead = asked.exchange.request.method === 'HEAD';
    const conditions = isHead ? undefined : this.#toConditions(asked, stale, part);
    const key = `${uri}\n${partition}`;
    const isPlain = !isHead && !directives.noStore && (conditions !== undefined || !traits.hasConditions);
    const isShared = this.#config.coalesce && isPlain && client?.goesAlone !== true && !this.#goesAlone(key);
    if (client !== undefined && isShared && !directives.noCache && directives.maxAgeS === undefined) {
      const running = this.#fetches.get(key);
      if (running !== undefined && this.#mayJoin(running, asked, stale)) return running.join(client);
    }
    const order = { asked, key, reason, stale, part, conditions, isShared, era: this.#answers.eraOf(uri) };
    const fetch = new Fetch(order, client, this);
    this.#running.add(fetch);
    if (isShared) this.#fetches.set(key, fetch);
    fetch.start();
  }

  #toConditions(
    { traits, directives }: Asked,
    stale: StoredAnswer | undefined,
    part: StoredAnswer | undefined,
  ): readonly string[] | undefined {
    if (stale !== undefined) return toConditions(stale.facts);
    // Who asks for a part, or whether something is the same, gets that and no more.
    if (part === undefined || traits.hasConditions || directives.noStore) return undefined;
    return part.facts.part!.wholeBytes > this.objectBytesMax ? undefined : toMissing(part.facts);
  }

  /** Whoever waits for a question that is about another answer than its own would be told nothing. */
  #mayJoin(fetch: Fetch, { exchange }: Asked, stale: StoredAnswer | undefined): boolean {
    if (!fetch.mayJoin() || this.#isOutdated(fetch) || fetch.order.stale !== stale) return false;
    return fetch.head === undefined || isSelected(fetch.head, exchange.request);
  }

  #isOutdated(fetch: Fetch): boolean {
    const { era, asked } = fetch.order;
    return fetch.isOutdated || era !== this.#answers.eraOf(asked.uri);
  }

  #goesAlone(key: string): boolean {
    const untilMs = this.#aloneUntilMs.get(key);
    return untilMs !== undefined && this.clock.monotonicMs() < untilMs;
  }

  #refresh(asked: Asked, answer: StoredAnswer): void {
    const isBusy =
      this.#fetches.has(`${asked.uri}\n${asked.partition}`) || this.#running.size >= limits.cacheFetchesInBackgroundMax;
    // A HEAD cannot bring what is kept for GET.
    if (isBusy || asked.exchange.request.method === 'HEAD') return;
    this.#fetchFor(undefined, { ...asked, directives: noRequestDirectives }, { reason: 'stale', stale: answer });
  }

  /** What was waited for is not for this one, or says nothing. */
  #lookAgain(client: WaitingClient): void {
    const { asked } = client;
    client.goesAlone = true;
    const nowMs = this.clock.monotonicMs();
    const found = this.#answers.find(asked.uri, asked.partition);
    const answer = found && select(found, asked.exchange.request);
    if (answer === undefined || answer.facts.part !== undefined || answer.facts.keptUntilMs <= nowMs)
      return this.#fetchFor(client, asked, { reason: 'uri-miss', stale: undefined });
    if (judgeUse(answer, asked.directives, nowMs) === 'ask')
      return this.#fetchFor(client, asked, { reason: 'stale', stale: answer });
    answer.wasUsed = true;
    asked.exchange.cacheResult = 'coalesced';
    client.answer(this.#reply(asked, answer, nowMs));
  }

  // What was asked for: see FetchOwner

  judge(fetch: Fetch, received: ReceivedAnswer): Verdict {
    const { stale, conditions, asked } = fetch.order;
    if (isFailure(received.status)) {
      const standIn = this.#findStandIn(fetch, received.status);
      if (standIn !== undefined) return { kind: 'use', ...standIn };
    }
    if (asked.exchange.request.method === 'HEAD') return this.#judgeHead(fetch, received);
    if (received.status === 304 && stale !== undefined && conditions !== undefined) {
      if (isAbout(received.fields, stale)) return { kind: 'use', ...this.#freshen(fetch, stale, received) };
      this.#answers.remove(asked.uri, asked.partition, stale);
      return { kind: 'repeat' };
    }
    if (fetch.order.part !== undefined && conditions !== undefined) {
      const kept = this.#complete(fetch, fetch.order.part, received);
      if (kept !== undefined) return kept;
      if (received.status === 206 || received.status === 304 || received.status === 416) {
        // The rest of what is kept is not to be had, and who wants the whole has asked for none of these.
        this.#answers.remove(asked.uri, asked.partition, fetch.order.part);
        return { kind: 'repeat' };
      }
    }
    const head = this.#findHindrance(fetch) ?? this.#toHead(fetch, received);
    if (typeof head === 'string') {
      this.#note(fetch, 'bypass', { status: received.status, detail: head });
      if (fetch.order.isShared && head !== 'fallback') this.#aloneUntilMs.set(fetch.order.key, received.receivedMs + ALONE_MS);
      return { kind: 'pass' };
    }
    this.#noteKept(fetch, head, received);
    const range = readPart(received, fetch.announcedBytes);
    const part = range && { firstByte: range.start, wholeBytes: range.wholeBytes, bytes: range.end - range.start };
    return { kind: 'keep', head, part };
  }

  #noteKept(fetch: Fetch, head: StoredHead, { status, receivedMs }: ReceivedAnswer): void {
    const ttlS = Math.max(0, toTtlS(head, toAgeS(head, receivedMs)));
    this.#note(fetch, fetch.order.conditions === undefined ? 'miss' : 'refreshed', { status, ttlS, isStored: true });
  }

  /** What was kept is the whole with what has come; `undefined`: it is not. */
  #complete(fetch: Fetch, { facts }: StoredAnswer, received: ReceivedAnswer): Verdict | undefined {
    const range = readPart(received, fetch.announcedBytes);
    const around = range && toPartsAround(facts, received.fields, range);
    const head = around && this.#toHead(fetch, received);
    if (range === undefined || head === undefined || typeof head === 'string') return undefined;
    this.#noteKept(fetch, head, received);
    const part = { firstByte: range.start, wholeBytes: range.wholeBytes, bytes: range.end - range.start };
    return { kind: 'keep', head: { ...head, status: 200, fields: updateFields(facts.fields, head.fields) }, part, around };
  }

  findStandIn(fetch: Fetch): GivenAnswer | undefined {
    return fetch.exchange.error?.kind.side === 'upstream' ? this.#findStandIn(fetch, undefined) : undefined;
  }

  give(client: WaitingClient, { answer, said, result }: GivenAnswer): void {
    const { exchange } = client;
    if (!isSelected(answer.facts, exchange.request)) return this.#lookAgain(client);
    exchange.cacheResult = result;
    if (said !== undefined) exchange.journal?.note('cache', said);
    const ageS = toAgeS(answer.facts, this.clock.monotonicMs());
    const words = said === undefined ? 'nothing' : { text: said };
    client.answer(toReply(answer, exchange.request, { ageS, said: words, wallMs: this.clock.wallMs() }));
  }

  begin(client: WaitingClient, fetch: Fetch, response: ResponseHead): void {
    const { exchange } = client;
    response.fields.push('age', String(toAgeS(fetch.head!, this.clock.monotonicMs())));
    if (client.asked !== fetch.order.asked) {
      exchange.cacheResult = 'coalesced';
      say(exchange, exchange, sayForwarded(fetch.order.reason, { isCollapsed: true }));
    }
    client.begin(response);
  }

  isFor({ exchange }: WaitingClient, head: StoredHead): boolean {
    return isSelected(head, exchange.request);
  }

  keep(fetch: Fetch, answer: StoredAnswer): void {
    if (this.#isOutdated(fetch)) return;
    const { uri, partition, exchange } = fetch.order.asked;
    if (answer.facts.part === undefined) return this.#answers.put(uri, partition, answer, fetch.exchange.startedMs);
    const found = this.#answers.find(uri, partition);
    const kept = found && select(found, exchange.request)?.facts;
    // The whole is better than any part of it.
    if (kept !== undefined && kept.part === undefined && this.clock.monotonicMs() < kept.freshUntilMs) return;
    const joined = new StoredAnswer(joinParts(answer.facts, kept?.part && kept, this.objectBytesMax));
    this.#answers.put(uri, partition, joined, fetch.exchange.startedMs);
  }

  goOn(client: WaitingClient): void {
    this.#lookAgain(client);
  }

  onOver(fetch: Fetch): void {
    const { key } = fetch.order;
    if (this.#fetches.get(key) === fetch) this.#fetches.delete(key);
    this.#running.delete(fetch);
  }

  // Inside

  #passBy(exchange: Exchange, reason: ForwardReason): undefined {
    exchange.cacheResult = 'bypass';
    say(exchange, exchange, sayForwarded(reason));
  }

  /** What is said of the answer that goes to who asked. */
  #note({ order, exchange }: Fetch, result: CacheResult, words: ForwardWords): void {
    order.asked.exchange.cacheResult = result;
    // The two exchanges see the same.
    say(exchange, order.asked.exchange, sayForwarded(order.reason, words));
  }

  /** Why an answer is not kept, whatever it says. */
  #findHindrance({ exchange, announcedBytes = 0 }: Fetch): string | undefined {
    // What stands in for a service that fails is for as long as it fails.
    if (exchange.fallbackReason !== undefined) return 'fallback';
    return announcedBytes > this.objectBytesMax ? 'too-long' : undefined;
  }

  #toHead({ order, sentFields, announcedBytes }: Fetch, received: ReceivedAnswer): StoredHead | string {
    const { exchange, directives } = order.asked;
    const { method, fields, authority, forwardingFields } = exchange.request;
    const isPersonal = this.#isPersonal(order.asked);
    const asksForPart = method === 'GET' && (order.part !== undefined || hasField(fields, 'range'));
    const isPart = asksForPart && readPart(received, announcedBytes) !== undefined;
    const asked = { fields, authority, forwardingFields, sentFields, noStore: directives.noStore, isPersonal, isPart };
    return toStoredHead(received, asked, this.#rules);
  }

  /** A POST as far as it matters to what is kept of its answer; `undefined`: nothing is. */
  #toPosted(exchange: Exchange): AskedRequest | undefined {
    const { fields, authority, forwardingFields } = exchange.request;
    const traits = findTraits(fields, this.#keyed);
    if (traits.passesBy || this.#isBypassed?.(exchange) === true) return undefined;
    const { noStore } = this.#config.obeyClients ? readRequestDirectives(fields) : noRequestDirectives;
    const isPersonal = this.#isPersonal({ exchange, traits });
    return { fields, authority, forwardingFields, sentFields: fields, noStore, isPersonal, isPart: false };
  }

  /** The answer may be for this client alone: the service, or somebody before it, knows who asks (RFC 9111 §3.5). */
  #isPersonal({ exchange, traits }: Pick<Asked, 'exchange' | 'traits'>): boolean {
    const { perConsumer } = this.#config;
    if (perConsumer === false || (perConsumer === true && exchange.consumer !== undefined)) return false;
    if (exchange.consumer !== undefined || traits.hasAuthorization) return true;
    return exchange.request.clientCertificate !== undefined || exchange.get(personalSlot) === true;
  }

  /** `status`: with which the service has answered; `undefined`: it has not. */
  #findStandIn({ order }: Fetch, status: number | undefined): GivenAnswer | undefined {
    const { asked, stale, reason } = order;
    if (stale === undefined || !this.#mayStandIn(stale, asked.directives, status)) return undefined;
    const said = this.#config.statusHeader ? sayForwarded(reason, { status, detail: 'stale-on-error' }) : undefined;
    return { answer: stale, said, result: 'stale-on-error' };
  }

  #mayStandIn({ facts }: StoredAnswer, { noCache, staleIfErrorS }: RequestDirectives, status: number | undefined): boolean {
    if (facts.isAlwaysAsked || noCache) return false;
    const nowMs = this.clock.monotonicMs();
    if (nowMs < Math.max(facts.freshUntilMs, facts.usableOnErrorMs)) return true;
    if (facts.isNeverStale) return false;
    if (staleIfErrorS !== undefined && nowMs < facts.freshUntilMs + staleIfErrorS * 1_000) return true;
    // RFC 9111 §4.2.4: who cannot reach the service may use what there is.
    return status === undefined && this.#config.staleIfError === undefined && nowMs < facts.freshUntilMs + KEPT_STALE_MS;
  }

  /** RFC 9111 §4.3.4: what is kept is the same still, and the service says more of it. */
  #freshen(fetch: Fetch, stale: StoredAnswer, received: ReceivedAnswer): GivenAnswer {
    const { asked, reason } = fetch.order;
    const { uri, partition } = asked;
    const { facts } = stale;
    const fields = updateFields(facts.fields, withDate(received));
    const head = this.#toHead(fetch, { ...received, status: facts.status, fields });
    const isKept = typeof head !== 'string';
    const tags = isKept && head.tags.length > 0 ? head.tags : facts.tags;
    const answer = new StoredAnswer(isKept ? { ...toFacts(head, facts.body), tags } : { ...facts, fields });
    // What the service says to one client, because of who it is, changes nothing for others.
    if (head !== 'authorization') this.#answers.remove(uri, partition, stale);
    if (isKept) this.keep(fetch, answer);
    const ttlS = toTtlS(answer.facts, toAgeS(answer.facts, received.receivedMs));
    const said = this.#config.statusHeader ? sayForwarded(reason, { status: 304, ttlS }) : undefined;
    return { answer, said, result: 'revalidated' };
  }

  /** RFC 9111 §4.3.5: what is said of a HEAD is true of a GET. */
  #judgeHead(fetch: Fetch, received: ReceivedAnswer): Verdict {
    const { stale, asked } = fetch.order;
    this.#note(fetch, 'miss', { status: received.status });
    if (stale !== undefined && !isFailure(received.status)) {
      const isSame = received.status === stale.facts.status && agrees(received.fields, fetch.announcedBytes, stale);
      if (isSame) this.#freshen(fetch, stale, received);
      else this.#answers.remove(asked.uri, asked.partition, stale);
    }
    return { kind: 'pass' };
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
    this.#answers.invalidate(uri);
    for (const fetch of this.#running) if (fetch.order.asked.uri === uri) fetch.isOutdated = true;
    this.#posted?.forget(uri);
  }
}

/** Why something has to be fetched. */
interface FetchCause {
  readonly reason: ForwardReason;
  readonly stale: StoredAnswer | undefined;
  readonly part?: StoredAnswer | undefined;
}

/** `refresh`: it is used, and asked for anew in the background. `ask`: the service has to be asked first. */
function judgeUse(
  { facts }: StoredAnswer,
  { noCache, maxAgeS, minFreshS, maxStaleS }: RequestDirectives,
  nowMs: number,
): 'use' | 'refresh' | 'ask' {
  const { bornMs, freshUntilMs } = facts;
  if (facts.isAlwaysAsked || noCache) return 'ask';
  const isFresh = nowMs < freshUntilMs;
  // RFC 8246 §2.1: asking again for what never changes brings nothing.
  if (maxAgeS !== undefined && nowMs - bornMs > maxAgeS * 1_000 && !(isFresh && facts.isImmutable)) return 'ask';
  if (minFreshS !== undefined && freshUntilMs - nowMs < minFreshS * 1_000) return 'ask';
  if (isFresh) return 'use';
  if (nowMs < facts.usableWhileAskedMs) return 'refresh';
  const isWelcome = maxStaleS !== undefined && !facts.isNeverStale && nowMs - freshUntilMs <= maxStaleS * 1_000;
  return isWelcome ? 'use' : 'ask';
}

/** `asking`: whose answer it is about; its client and whoever watches hear the same. */
function say(exchange: Exchange, asking: Exchange, said: string): void {
  exchange.set(saidSlot, said);
  asking.journal?.note('cache', said);
}
