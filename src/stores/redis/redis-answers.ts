/**
 * Answers that gateways share, in a Redis server, with the memory of the process in front. What memory holds of the store is used
 * for a moment only, because other gateways cannot throw it away. Where the store is away, slow or refuses, there is nothing.
 */
import { type AnswerFacts, type AnswerPurge, type AnswerStore, StoredAnswer } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import { RecentMap } from '#base/recent-map.ts';
import type { CommandPart } from '#wire/redis/command.ts';
import type { Reply } from '#wire/redis/reply-reader.ts';
import { decodeAnswer, encodeAnswer } from '../answer-encoding.ts';
import type { AnswerNames } from './answer-names.ts';
import { findScript, forgetScript, noteScript, prefixScript, putScript } from './answer-scripts.ts';
import type { Script } from './script.ts';
import type { StoreCalls } from './store-calls.ts';

/** What all variants of an address that are answered at once may be together. */
const FOUND_BYTES_MAX = 2 * 1024 * 1024;
/** Of an answer with more, some purge would not know. */
const TAGS_MAX = 100;
/** Beginnings whose purge is remembered; with more, all is purged. */
const PREFIXES_MAX = 100;
/** No answer is kept for longer, so that a note of a purge may go after that. */
const KEPT_MS_MAX = 7 * 24 * 60 * 60 * 1_000;
const KEPT_MS_MIN = 1;
/** How long a gateway that found nothing may be the only one that asks the service. */
const LOCK_MS = 2_000;
/** How often others look whether the answer has come, and for how long. */
const LOOK_EVERY_MS = 20;
const WAIT_MS_MAX = 500;
/** How long nobody waits for an answer again that did not come: it may be one that is never kept. */
const ALONE_MS = 30_000;
const KEYS_REMEMBERED_MAX = 10_000;
/** What stands before an answer in its value: its time and its tags. */
const WRITTEN_BYTES_MAX = 8 * 1024;
const NO_LOCK = '0';

export interface RedisAnswersMeans {
  readonly calls: StoreCalls;
  readonly names: AnswerNames;
  /** Memory of the process. */
  readonly near: AnswerStore;
  /** How long what memory has of the store is used. */
  readonly nearMs: number;
  readonly clock: Clock;
  /** Runs something once when the time has passed; what is returned calls it off. */
  readonly later: (delayMs: number, run: () => void) => () => void;
}

interface Found {
  readonly mayAsk: boolean;
  readonly answers: readonly StoredAnswer[];
}

export class RedisAnswers implements AnswerStore {
  readonly #means: RedisAnswersMeans;
  /** Those that are waited for, so that several requests ask once. */
  readonly #asked = new Map<string, Promise<readonly StoredAnswer[] | undefined>>();
  /** Until when this thread is the one that asks the service. */
  readonly #ownUntilMs = new RecentMap<number>(KEYS_REMEMBERED_MAX);
  readonly #aloneUntilMs = new RecentMap<number>(KEYS_REMEMBERED_MAX);

  constructor(means: RedisAnswersMeans) {
    this.#means = means;
  }

  eraOf(uri: string): number {
    return this.#means.near.eraOf(uri);
  }

  find(uri: string, partition: string): readonly StoredAnswer[] | undefined {
    const { near, clock } = this.#means;
    const found = near.find(uri, partition);
    if (found === undefined) return undefined;
    const nowMs = clock.monotonicMs();
    for (const { facts } of found) if (facts.keptUntilMs <= nowMs) return undefined;
    return found;
  }

  fetch(uri: string, partition: string): Promise<readonly StoredAnswer[] | undefined> | undefined {
    const { calls } = this.#means;
    // Whoever asks is not to wait for nothing.
    if (!calls.isReady) return undefined;
    const key = `${uri}\n${partition}`;
    const present = this.#asked.get(key);
    if (present !== undefined) return present;
    const asking = this.#fetch(uri, partition, key).finally(() => this.#asked.delete(key));
    this.#asked.set(key, asking);
    return asking;
  }

  put(uri: string, partition: string, { facts }: StoredAnswer, askedMs?: number): void {
    const { names, clock } = this.#means;
    this.#putNear(uri, partition, facts);
    this.#ownUntilMs.delete(`${uri}\n${partition}`);
    const encoded = encodeAnswer({ uri, partition, facts }, clock.wallMs() - clock.monotonicMs());
    const bytes = encoded.length + WRITTEN_BYTES_MAX;
    const ttlMs = Math.min(KEPT_MS_MAX, Math.ceil(facts.keptUntilMs - clock.monotonicMs()));
    const keys = [names.toAnswers(uri, partition), names.toLock(uri, partition)];
    const field = names.toField(facts.selection);
    if (bytes > limits.storeValueBytesMax || facts.tags.length > TAGS_MAX || ttlMs < KEPT_MS_MIN) {
      // What was there before is not what the service says any more.
      this.#tell(forgetScript, keys, [field]);
      return;
    }
    const most = String(limits.answerVariantsMax);
    const agoUs = askedMs === undefined ? 0 : Math.max(0, Math.round((clock.monotonicMs() - askedMs) * 1_000));
    this.#tell(putScript, keys, [field, String(ttlMs), most, names.toTags(facts.tags), encoded, String(agoUs)]);
  }

  remove(uri: string, partition: string, answer: StoredAnswer): void {
    const { near, names } = this.#means;
    // What memory has of it ends sooner; it is the same all the same.
    near.remove(uri, partition, answer);
    const keys = [names.toAnswers(uri, partition), names.toLock(uri, partition)];
    this.#tell(forgetScript, keys, [names.toField(answer.facts.selection)]);
  }

  invalidate(uri: string): void {
    const { near, names } = this.#means;
    near.invalidate(uri);
    this.#tell(noteScript, [names.toNote(uri)], [String(KEPT_MS_MAX)]);
  }

  purge(what: AnswerPurge): number {
    void this.purgeStore(what);
    return this.#means.near.purge(what);
  }

  /** Whether the store knows of it. Memory is left as it is. */
  purgeStore(what: AnswerPurge): Promise<boolean> {
    const { names } = this.#means;
    const life = String(KEPT_MS_MAX);
    switch (what.kind) {
      case 'uri':
        return this.#order(noteScript, [names.toNote(what.uri)], [life]);
      case 'tag':
        return this.#order(noteScript, [names.toTagNote(what.tag)], [life]);
      case 'prefix':
        return this.#order(prefixScript, [names.prefixes], [what.prefix, life, String(PREFIXES_MAX)]);
      default:
        return what satisfies never;
    }
  }

  async #fetch(uri: string, partition: string, key: string): Promise<readonly StoredAnswer[] | undefined> {
    const { clock } = this.#means;
    const beganMs = clock.monotonicMs();
    // Where somebody in this thread asks the service already, that is who to wait for.
    const isOwn = (this.#ownUntilMs.get(key) ?? 0) > beganMs;
    const waits = !isOwn && (this.#aloneUntilMs.get(key) ?? 0) <= beganMs;
    for (;;) {
      const found = await this.#look(uri, partition, waits ? String(LOCK_MS) : NO_LOCK);
      if (found === undefined) return undefined;
      const { answers, mayAsk } = found;
      for (const { facts } of answers) this.#putNear(uri, partition, facts);
      if (answers.length > 0) return answers;
      const nowMs = clock.monotonicMs();
      if (mayAsk) {
        if (waits) this.#ownUntilMs.set(key, nowMs + LOCK_MS);
        return undefined;
      }
      if (nowMs - beganMs >= WAIT_MS_MAX) {
        this.#aloneUntilMs.set(key, nowMs + ALONE_MS);
        return undefined;
      }
      await new Promise<void>((resolve) => this.#means.later(LOOK_EVERY_MS, resolve));
      const near = this.find(uri, partition);
      if (near !== undefined) return near;
    }
  }

  #look(uri: string, partition: string, lockMs: string): Promise<Found | undefined> {
    const { calls, names, clock } = this.#means;
    const keys = [names.toAnswers(uri, partition), names.toNote(uri), names.prefixes, names.toLock(uri, partition)];
    const values = [uri, names.tagBegin, String(FOUND_BYTES_MAX), lockMs];
    return new Promise((resolve) => {
      const isSent = calls.run(findScript, { keys, values }, (reply) => {
        const shiftMs = clock.monotonicMs() - clock.wallMs();
        resolve(reply === undefined ? undefined : toFound(reply, { uri, partition, shiftMs }));
      });
      if (!isSent) resolve(undefined);
    });
  }

  /** It is all that is kept, but for a shorter time: another gateway may throw it away. */
  #putNear(uri: string, partition: string, facts: AnswerFacts): void {
    const { near, nearMs, clock } = this.#means;
    const keptUntilMs = Math.min(facts.keptUntilMs, clock.monotonicMs() + nearMs);
    near.put(uri, partition, new StoredAnswer({ ...facts, keptUntilMs }));
  }

  /** Nobody waits for what comes of it: the answer of who asked is under way. */
  #tell(script: Script, keys: readonly string[], values: readonly CommandPart[]): void {
    this.#means.calls.run(script, { keys, values }, () => undefined);
  }

  #order(script: Script, keys: readonly string[], values: readonly CommandPart[]): Promise<boolean> {
    return new Promise((resolve) => {
      if (!this.#means.calls.run(script, { keys, values }, (reply) => resolve(reply !== undefined))) resolve(false);
    });
  }
}

/** The store is ours, and what it says is looked at all the same. */
function toFound(
  reply: Reply,
  { uri, partition, shiftMs }: { readonly uri: string; readonly partition: string; readonly shiftMs: number },
): Found | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [mayAsk, ...values] = reply as readonly Reply[];
  const answers = values.flatMap((value) => {
    const record = Buffer.isBuffer(value) ? decodeAnswer(value, shiftMs) : undefined;
    return record?.uri === uri && record.partition === partition ? [new StoredAnswer(record.facts)] : [];
  });
  answers.sort(({ facts: one }, { facts: other }) => other.dateMs - one.dateMs || other.bornMs - one.bornMs);
  return { mayAsk: mayAsk === 1, answers };
}
