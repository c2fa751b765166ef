/** What becomes of the answer that a service gives: it is kept, or passed on, or what is kept already is used in its place. */
import { StoredAnswer } from '#base/answer-store.ts';
import type { CacheResult } from '#http/cache-result.ts';
import type { ContentRange } from '#wire/fields/content-range.ts';
import { hasField } from '#wire/fields/field-list.ts';
import { isPersonal } from './asked.ts';
import type { CachePlace } from './cache-place.ts';
import { type ForwardWords, say, sayForwarded } from './cache-status.ts';
import type { Fetch, GivenAnswer, Kept, Verdict } from './fetch.ts';
import type { ReceivedAnswer } from './freshness.ts';
import { joinParts, readPart, toPartsAround } from './parts.ts';
import { toAgeS } from './replying.ts';
import { select } from './selecting.ts';
import { isFailure } from './statuses.ts';
import { toTtlS } from './stored-reply.ts';
import { type StoredHead, toFacts, toStoredHead, updateFields, withDate } from './storing.ts';
import { mayStandIn } from './using.ts';
import { agrees, isAbout } from './validating.ts';

export class ReceivedAnswers {
  readonly #place: CachePlace;

  constructor(place: CachePlace) {
    this.#place = place;
  }

  judge(fetch: Fetch, received: ReceivedAnswer): Verdict {
    const { answers } = this.#place;
    const { stale, conditions, asked } = fetch.order;
    if (isFailure(received.status)) {
      const standIn = this.findStandIn(fetch, received.status);
      if (standIn !== undefined) return { kind: 'use', ...standIn };
    }
    if (asked.exchange.request.method === 'HEAD') return this.#judgeHead(fetch, received);
    if (received.status === 304 && stale !== undefined && conditions !== undefined) {
      if (isAbout(received.fields, stale)) return { kind: 'use', ...this.#freshen(fetch, stale, received) };
      answers.remove(asked.uri, asked.partition, stale);
      return { kind: 'repeat' };
    }
    if (fetch.order.part !== undefined && conditions !== undefined) {
      const kept = this.#complete(fetch, fetch.order.part, received);
      if (kept !== undefined) return kept;
      if (received.status === 206 || received.status === 304 || received.status === 416) {
        // The rest of what is kept is not to be had, and who wants the whole has asked for none of these.
        answers.remove(asked.uri, asked.partition, fetch.order.part);
        return { kind: 'repeat' };
      }
    }
    const head = this.#findHindrance(fetch) ?? this.#toHead(fetch, received);
    if (typeof head === 'string') {
      note(fetch, 'bypass', { status: received.status, detail: head });
      return { kind: 'pass', isLasting: head !== 'fallback' };
    }
    noteKept(fetch, head, received);
    const range = readPart(received, fetch.announcedBytes);
    return { kind: 'keep', head, part: range && toKeptPart(range) };
  }

  /** `status`: with which the service has answered; `undefined`: it has not. */
  findStandIn({ order }: Fetch, status: number | undefined): GivenAnswer | undefined {
    const { clock, config } = this.#place;
    const { asked, stale, reason } = order;
    if (stale === undefined) return undefined;
    const question = { status, staleIfErrorMs: config.staleIfError, nowMs: clock.monotonicMs() };
    if (!mayStandIn(stale, asked.directives, question)) return undefined;
    const said = config.statusHeader ? sayForwarded(reason, { status, detail: 'stale-on-error' }) : undefined;
    return { answer: stale, said, result: 'stale-on-error' };
  }

  keep(fetch: Fetch, answer: StoredAnswer): void {
    if (this.isOutdated(fetch)) return;
    const { answers, clock, config } = this.#place;
    const { uri, partition, exchange } = fetch.order.asked;
    if (answer.facts.part === undefined) return answers.put(uri, partition, answer, fetch.exchange.startedMs);
    const found = answers.find(uri, partition);
    const kept = found && select(found, exchange.request)?.facts;
    // The whole is better than any part of it.
    if (kept !== undefined && kept.part === undefined && clock.monotonicMs() < kept.freshUntilMs) return;
    const joined = new StoredAnswer(joinParts(answer.facts, kept?.part && kept, config.maxObject));
    answers.put(uri, partition, joined, fetch.exchange.startedMs);
  }

  /** What there is at the address has changed since the service was asked. */
  isOutdated({ isOutdated, order }: Fetch): boolean {
    return isOutdated || order.era !== this.#place.answers.eraOf(order.asked.uri);
  }

  /** RFC 9111 §4.3.5: what is said of a HEAD is true of a GET. */
  #judgeHead(fetch: Fetch, received: ReceivedAnswer): Verdict {
    const { stale, asked } = fetch.order;
    note(fetch, 'miss', { status: received.status });
    if (stale !== undefined && !isFailure(received.status)) {
      const isSame = received.status === stale.facts.status && agrees(received.fields, fetch.announcedBytes, stale);
      if (isSame) this.#freshen(fetch, stale, received);
      else this.#place.answers.remove(asked.uri, asked.partition, stale);
    }
    return { kind: 'pass', isLasting: false };
  }

  /** What was kept is the whole with what has come; `undefined`: it is not. */
  #complete(fetch: Fetch, { facts }: StoredAnswer, received: ReceivedAnswer): Kept | undefined {
    const range = readPart(received, fetch.announcedBytes);
    const around = range && toPartsAround(facts, received.fields, range);
    const head = around && this.#toHead(fetch, received);
    if (range === undefined || head === undefined || typeof head === 'string') return undefined;
    noteKept(fetch, head, received);
    const fields = updateFields(facts.fields, head.fields);
    return { kind: 'keep', head: { ...head, status: 200, fields }, part: toKeptPart(range), around };
  }

  /** RFC 9111 §4.3.4: what is kept is the same still, and the service says more of it. */
  #freshen(fetch: Fetch, stale: StoredAnswer, received: ReceivedAnswer): GivenAnswer {
    const { answers, config } = this.#place;
    const { asked, reason } = fetch.order;
    const { uri, partition } = asked;
    const { facts } = stale;
    const fields = updateFields(facts.fields, withDate(received));
    const head = this.#toHead(fetch, { ...received, status: facts.status, fields });
    const isKept = typeof head !== 'string';
    const tags = isKept && head.tags.length > 0 ? head.tags : facts.tags;
    const answer = new StoredAnswer(isKept ? { ...toFacts(head, facts.body), tags } : { ...facts, fields });
    // What the service says to one client, because of who it is, changes nothing for others.
    if (head !== 'authorization') answers.remove(uri, partition, stale);
    if (isKept) this.keep(fetch, answer);
    const ttlS = toTtlS(answer.facts, toAgeS(answer.facts, received.receivedMs));
    const said = config.statusHeader ? sayForwarded(reason, { status: 304, ttlS }) : undefined;
    return { answer, said, result: 'revalidated' };
  }

  /** Why an answer is not kept, whatever it says. */
  #findHindrance({ exchange, announcedBytes = 0 }: Fetch): string | undefined {
    // What stands in for a service that fails is for as long as it fails.
    if (exchange.fallbackReason !== undefined) return 'fallback';
    return announcedBytes > this.#place.config.maxObject ? 'too-long' : undefined;
  }

  #toHead({ order, sentFields, announcedBytes }: Fetch, received: ReceivedAnswer): StoredHead | string {
    const { exchange, directives } = order.asked;
    const { method, fields, authority, forwardingFields } = exchange.request;
    const { config, rules } = this.#place;
    const asksForPart = method === 'GET' && (order.part !== undefined || hasField(fields, 'range'));
    const asked = {
      fields,
      authority,
      forwardingFields,
      sentFields,
      noStore: directives.noStore,
      isPersonal: isPersonal(order.asked, config.perConsumer),
      isPart: asksForPart && readPart(received, announcedBytes) !== undefined,
    };
    return toStoredHead(received, asked, rules);
  }
}

function toKeptPart({ start, end, wholeBytes }: ContentRange): Kept['part'] {
  return { firstByte: start, wholeBytes, bytes: end - start };
}

function noteKept(fetch: Fetch, head: StoredHead, { status, receivedMs }: ReceivedAnswer): void {
  const ttlS = Math.max(0, toTtlS(head, toAgeS(head, receivedMs)));
  note(fetch, fetch.order.conditions === undefined ? 'miss' : 'refreshed', { status, ttlS, isStored: true });
}

/** What is said of the answer that goes to who asked. */
function note({ order, exchange }: Fetch, result: CacheResult, words: ForwardWords): void {
  order.asked.exchange.cacheResult = result;
  // The two exchanges see the same.
  say(exchange, order.asked.exchange, sayForwarded(order.reason, words));
}
