import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorFactory } from '#base/errors.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { testRetryRules } from '#test/support/retry-rules.ts';
import type { RetryRules } from './forward-rules.ts';
import {
  type AttemptAnswer,
  decideAfterAnswer,
  decideAfterError,
  type RetrySituation,
  readRetryAfterMs,
  toBackoffMs,
} from './retry-decision.ts';

const rules = testRetryRules;

const situation: RetrySituation = {
  isRepeatable: true,
  hasWholeBody: true,
  wasReused: false,
  hasRepeated: false,
  furtherCount: 0,
};

const unreachable = upstreamErrors.unreachable;
const timeout = upstreamErrors.firstByteTimeout;
const lost = upstreamErrors.lostBeforeAnswer;
const refused = upstreamErrors.unprocessed;

const cases: {
  name: string;
  error: ErrorFactory;
  verdict: string;
  given?: Partial<RetrySituation>;
  set?: Partial<RetryRules>;
}[] = [
  {
    name: 'no connection, even for what is not to be done twice',
    error: unreachable,
    verdict: 'retry',
    given: { isRepeatable: false },
  },
  {
    name: 'no connection, where that is no reason',
    error: unreachable,
    verdict: 'stop',
    set: { conditions: new Set(['reset']) },
  },
  { name: 'no connection for the last time', error: unreachable, verdict: 'stop', given: { furtherCount: 2 } },
  { name: 'no connection, and the body is gone', error: unreachable, verdict: 'body-gone', given: { hasWholeBody: false } },
  { name: 'a connection that was lost', error: lost, verdict: 'retry' },
  { name: 'a connection that was lost under a POST', error: lost, verdict: 'stop', given: { isRepeatable: false } },
  { name: 'a dead reused connection', error: lost, verdict: 'repeat', given: { wasReused: true } },
  {
    name: 'a dead reused connection, with no further attempts',
    error: lost,
    verdict: 'repeat',
    given: { wasReused: true },
    set: { furtherAttemptsMax: 0, conditions: new Set() },
  },
  { name: 'a second dead reused connection', error: lost, verdict: 'retry', given: { wasReused: true, hasRepeated: true } },
  {
    name: 'a dead reused connection under a POST',
    error: lost,
    verdict: 'stop',
    given: { wasReused: true, isRepeatable: false },
  },
  {
    name: 'a dead reused connection, and the body is gone',
    error: lost,
    verdict: 'body-gone',
    given: { wasReused: true, hasWholeBody: false },
  },
  { name: 'a refusal', error: refused, verdict: 'repeat', given: { isRepeatable: false } },
  { name: 'a second refusal', error: refused, verdict: 'retry', given: { isRepeatable: false, hasRepeated: true } },
  { name: 'a timeout', error: timeout, verdict: 'retry' },
  { name: 'a timeout, where that is no reason', error: timeout, verdict: 'stop', set: { conditions: new Set(['connect']) } },
  { name: 'a head that breaks off', error: upstreamErrors.truncatedHead, verdict: 'retry' },
  { name: 'a body that breaks off', error: upstreamErrors.truncatedBody, verdict: 'stop' },
  { name: 'an answer against the rules', error: upstreamErrors.malformedAnswer, verdict: 'stop' },
  { name: 'a full queue', error: upstreamErrors.queueFull, verdict: 'stop' },
  { name: 'the end of the time of the request', error: upstreamErrors.requestTimeout, verdict: 'stop' },
];

for (const { name, error, verdict, given, set } of cases) {
  test(`${name}: ${verdict}`, () => {
    assert.equal(decideAfterError(error.kind, { ...rules, ...set }, { ...situation, ...given }).verdict, verdict);
  });
}

test('only a timeout asks for another endpoint, and only what reached nobody costs nothing', () => {
  const decide = (error: ErrorFactory) => {
    const decision = decideAfterError(error.kind, rules, { ...situation, hasRepeated: true });
    return decision.verdict === 'retry' ? [decision.onlyElsewhere, decision.wasUntouched] : undefined;
  };
  assert.deepEqual(decide(unreachable), [false, true]);
  assert.deepEqual(decide(upstreamErrors.connectTimeout), [true, true]);
  assert.deepEqual(decide(timeout), [true, false]);
  assert.deepEqual(decide(upstreamErrors.attemptTimeout), [true, false]);
  assert.deepEqual(decide(lost), [false, false]);
  assert.deepEqual(decide(refused), [false, false]);
});

test('an answer is thrown away for its status, while there are attempts left, and where it may be done twice', () => {
  assert.equal(decideAfterAnswer({ status: 503, grpcStatus: 0 }, rules, situation).verdict, 'retry');
  assert.equal(decideAfterAnswer({ status: 502, grpcStatus: 0 }, rules, situation).verdict, 'stop');
  assert.equal(decideAfterAnswer({ status: 503, grpcStatus: 0 }, rules, { ...situation, furtherCount: 2 }).verdict, 'stop');
  assert.equal(decideAfterAnswer({ status: 503, grpcStatus: 0 }, rules, { ...situation, isRepeatable: false }).verdict, 'stop');
  assert.equal(
    decideAfterAnswer({ status: 503, grpcStatus: 0 }, rules, { ...situation, hasWholeBody: false }).verdict,
    'body-gone',
  );
});

test('a call of gRPC is made again for its status, whatever its method, and for no other one', () => {
  const unavailable = { status: 503, grpcStatus: 14 };
  const decide = (answer: AttemptAnswer, given: Partial<RetrySituation> = {}, set: Partial<RetryRules> = {}) =>
    decideAfterAnswer(answer, { ...rules, ...set }, { ...situation, isRepeatable: false, ...given }).verdict;
  assert.equal(decide(unavailable), 'retry');
  assert.equal(decide(unavailable, {}, { grpcStatuses: new Set([10]) }), 'stop');
  assert.equal(decide({ status: 500, grpcStatus: 13 }), 'stop');
  assert.equal(decide(unavailable, { furtherCount: 2 }), 'stop');
  assert.equal(decide(unavailable, { hasWholeBody: false }), 'body-gone');
});

test('pauses grow up to their limit, and are as random as the number that is drawn', () => {
  const longest = [0, 1, 2, 3, 4, 50].map((count) => toBackoffMs(rules, count, 1));
  assert.deepEqual(longest, [1, 2, 4, 8, 10, 10]);
  assert.equal(toBackoffMs(rules, 2, 0.25), 1);
  assert.equal(toBackoffMs(rules, 2, 0), 0);
});

test('`retry-after` is read as seconds or as a date, and anything else asks for nothing', () => {
  const nowMs = Date.UTC(2031, 4, 7, 11, 13, 17);
  assert.equal(readRetryAfterMs('120', nowMs), 120_000);
  assert.equal(readRetryAfterMs('Wed, 07 May 2031 11:13:27 GMT', nowMs), 10_000);
  assert.equal(readRetryAfterMs('Wed, 07 May 2025 11:13:27 GMT', nowMs), 0);
  for (const text of ['', '-1', '1.5', 'soon', '2031-05-07', '99999999999999999999'])
    assert.equal(readRetryAfterMs(text, nowMs), 0, text);
});
