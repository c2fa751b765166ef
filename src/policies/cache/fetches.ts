/**
 * What one cache asks services for at the moment: whoever wants the same waits for the same question, unless its answer will hardly be
 * for others; and what those who wait are given.
 */
import type { StoredAnswer } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import { RecentMap } from '#base/recent-map.ts';
import type { ResponseHead } from '#http/response.ts';
import { noRequestDirectives } from '#wire/fields/cache-control.ts';
import type { Asked } from './asked.ts';
import type { CachePlace } from './cache-place.ts';
import { type ForwardReason, say, sayForwarded } from './cache-status.ts';
import { Fetch, type FetchOwner, type GivenAnswer, type Verdict } from './fetch.ts';
import type { ReceivedAnswer } from './freshness.ts';
import { toMissing } from './parts.ts';
import { ReceivedAnswers } from './received-answers.ts';
import { replyAsHit, toAgeS, toReply } from './replying.ts';
import { isSelected, select } from './selecting.ts';
import type { StoredHead } from './storing.ts';
import { judgeUse } from './using.ts';
import { toConditions } from './validating.ts';
import type { WaitingClient } from './waiting-client.ts';

/** How long it is remembered that the answer of an address is for nobody but the one who asks, so that nobody waits for it. */
const ALONE_MS = 60_000;
const ALONE_MAX = 10_000;

/** Why something has to be fetched. */
export interface FetchCause {
  readonly reason: ForwardReason;
  readonly stale: StoredAnswer | undefined;
  readonly part?: StoredAnswer | undefined;
}

export class Fetches implements FetchOwner {
  readonly clock: Clock;
  readonly objectBytesMax: number;
  readonly #place: CachePlace;
  readonly #received: ReceivedAnswers;
  /** Those that others may wait for, by address and partition. */
  readonly #shared = new Map<string, Fetch>();
  readonly #running = new Set<Fetch>();
  /** Monotonic times until which nobody waits for others, by address and partition. */
  readonly #aloneUntilMs = new RecentMap<number>(ALONE_MAX);

  constructor(place: CachePlace) {
    this.clock = place.clock;
    this.objectBytesMax = place.config.maxObject;
    this.#place = place;
    this.#received = new ReceivedAnswers(place);
  }

  /** `client`: who waits for it; `undefined`: nobody. */
  fetchFor(client: WaitingClient | undefined, asked: Asked, { reason, stale, part }: FetchCause): void {
    const { uri, directives, traits } = asked;
    const isHead = asked.exchange.request.method === 'HEAD';
    const conditions = isHead ? undefined : this.#toConditions(asked, stale, part);
    const key = toKey(asked);
    const isPlain = !isHead && !directives.noStore && (conditions !== undefined || !traits.hasConditions);
    const isShared = this.#place.config.coalesce && isPlain && client?.goesAlone !== true && !this.#goesAlone(key);
    if (client !== undefined && isShared && !directives.noCache && directives.maxAgeS === undefined) {
      const running = this.#shared.get(key);
      if (running !== undefined && this.#mayJoin(running, asked, stale)) return running.join(client);
    }
    const order = { asked, key, reason, stale, part, conditions, isShared, era: this.#place.answers.eraOf(uri) };
    const fetch = new Fetch(order, client, this);
    this.#running.add(fetch);
    if (isShared) this.#shared.set(key, fetch);
    fetch.start();
  }

  /** Asks for it anew in the background. */
  refresh(asked: Asked, answer: StoredAnswer): void {
    const isBusy = this.#shared.has(toKey(asked)) || this.#running.size >= limits.cacheFetchesInBackgroundMax;
    // A HEAD cannot bring what is kept for GET.
    if (isBusy || asked.exchange.request.method === 'HEAD') return;
    this.fetchFor(undefined, { ...asked, directives: noRequestDirectives }, { reason: 'stale', stale: answer });
  }

  /** What there is at the address has changed. */
  outdate(uri: string): void {
    for (const fetch of this.#running) if (fetch.order.asked.uri === uri) fetch.isOutdated = true;
  }

  // What was asked for: see FetchOwner

  judge(fetch: Fetch, received: ReceivedAnswer): Verdict {
    const verdict = this.#received.judge(fetch, received);
    const { isShared, key } = fetch.order;
    if (verdict.kind === 'pass' && verdict.isLasting && isShared) this.#aloneUntilMs.set(key, received.receivedMs + ALONE_MS);
    return verdict;
  }

  findStandIn(fetch: Fetch): GivenAnswer | undefined {
    return fetch.exchange.error?.kind.side === 'upstream' ? this.#received.findStandIn(fetch, undefined) : undefined;
  }

  give(client: WaitingClient, { answer, said, result }: GivenAnswer): void {
    const { exchange } = client;
    if (!isSelected(answer.facts, exchange.request)) return this.goOn(client);
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
    this.#received.keep(fetch, answer);
  }

  /** What was waited for is not for this one, or says nothing. */
  goOn(client: WaitingClient): void {
    const { asked } = client;
    client.goesAlone = true;
    const nowMs = this.clock.monotonicMs();
    const found = this.#place.answers.find(asked.uri, asked.partition);
    const answer = found && select(found, asked.exchange.request);
    if (answer === undefined || answer.facts.part !== undefined || answer.facts.keptUntilMs <= nowMs)
      return this.fetchFor(client, asked, { reason: 'uri-miss', stale: undefined });
    if (judgeUse(answer, asked.directives, nowMs) === 'ask')
      return this.fetchFor(client, asked, { reason: 'stale', stale: answer });
    answer.wasUsed = true;
    asked.exchange.cacheResult = 'coalesced';
    client.answer(replyAsHit(answer, asked, this.#place, nowMs));
  }

  onOver(fetch: Fetch): void {
    const { key } = fetch.order;
    if (this.#shared.get(key) === fetch) this.#shared.delete(key);
    this.#running.delete(fetch);
  }

  // Inside

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
    if (!fetch.mayJoin() || this.#received.isOutdated(fetch) || fetch.order.stale !== stale) return false;
    return fetch.head === undefined || isSelected(fetch.head, exchange.request);
  }

  #goesAlone(key: string): boolean {
    const untilMs = this.#aloneUntilMs.get(key);
    return untilMs !== undefined && this.clock.monotonicMs() < untilMs;
  }
}

function toKey({ uri, partition }: Asked): string {
  return `${uri}\n${partition}`;
}
