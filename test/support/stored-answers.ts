import { type AnswerFacts, StoredAnswer } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';

const LIFE_MS = 10_000;

/** An answer that is fresh for ten seconds, and of no use afterwards. */
export function createAnswer(clock: Clock, facts: Partial<AnswerFacts> = {}): StoredAnswer {
  const nowMs = clock.monotonicMs();
  return new StoredAnswer({
    status: 200,
    fields: ['content-type', 'text/plain', 'etag', '"1"'],
    body: Buffer.from('hello'),
    part: undefined,
    selection: undefined,
    dateMs: clock.wallMs(),
    bornMs: nowMs,
    freshUntilMs: nowMs + LIFE_MS,
    usableWhileAskedMs: nowMs + LIFE_MS,
    usableOnErrorMs: nowMs + LIFE_MS,
    keptUntilMs: nowMs + LIFE_MS,
    isAlwaysAsked: false,
    isNeverStale: false,
    isImmutable: false,
    tags: [],
    ...facts,
  });
}
