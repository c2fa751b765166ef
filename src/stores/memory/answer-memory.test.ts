import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AnswerFacts, StoredAnswer } from '#base/answer-store.ts';
import { limits } from '#base/limits.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { AnswerMemory } from './answer-memory.ts';

const KIB = 1024;

function open(bytesMax = 1024 * KIB) {
  const clock = new FakeClock();
  const memory = new AnswerMemory(bytesMax, clock);
  const answer = (facts: Partial<AnswerFacts> = {}) =>
    new StoredAnswer({
      status: 200,
      fields: [],
      body: Buffer.alloc(0),
      part: undefined,
      selection: undefined,
      dateMs: 0,
      bornMs: clock.monotonicMs(),
      freshUntilMs: clock.monotonicMs() + 1_000,
      usableWhileAskedMs: clock.monotonicMs() + 1_000,
      usableOnErrorMs: clock.monotonicMs() + 1_000,
      keptUntilMs: clock.monotonicMs() + 1_000,
      isAlwaysAsked: false,
      isNeverStale: false,
      isImmutable: false,
      tags: [],
      ...facts,
    });
  return { clock, memory, answer };
}

const select = (values: string) => ({ names: ['accept'], values });

test('finds what is kept for an address and a partition, and nothing of others', () => {
  const { memory, answer } = open();
  const [one, other] = [answer(), answer()];
  memory.put('http://a/', 'p', one);
  memory.put('http://a/', 'q', other);
  assert.deepEqual(memory.find('http://a/', 'p'), [one]);
  assert.deepEqual(memory.find('http://a/', 'q'), [other]);
  assert.equal(memory.find('http://a/', 'r'), undefined);
  assert.equal(memory.find('http://a/b', 'p'), undefined);
});

test('keeps answers that differ by fields of the request side by side, the most recent first', () => {
  const { memory, answer } = open();
  const [old, recent] = [answer({ dateMs: 1, selection: select('a') }), answer({ dateMs: 2, selection: select('b') })];
  memory.put('u', '', recent);
  memory.put('u', '', old);
  assert.deepEqual(memory.find('u', ''), [recent, old]);
  const last = answer({ dateMs: 2, selection: select('c') });
  memory.put('u', '', last);
  assert.deepEqual(memory.find('u', ''), [last, recent, old]);
});

test('an answer takes the place of the one with the same selection', () => {
  const { memory, answer } = open();
  memory.put('u', '', answer({ selection: select('a') }));
  memory.put('u', '', answer());
  const [selected, plain] = [answer({ selection: select('a') }), answer()];
  memory.put('u', '', selected);
  memory.put('u', '', plain);
  assert.deepEqual(memory.find('u', ''), [plain, selected]);
  assert.equal(memory.count, 2);
});

test('of one address there are so many and no more', () => {
  const { memory, answer } = open();
  for (let i = 0; i <= limits.answerVariantsMax; i++) memory.put('u', '', answer({ dateMs: i, selection: select(`${i}`) }));
  assert.equal(memory.count, limits.answerVariantsMax);
  assert.equal(memory.find('u', '')?.at(-1)?.facts.dateMs, 1);
});

test('when it is full, what was not used goes first, and all of it is bounded', () => {
  const { memory, answer } = open(100 * KIB);
  for (let i = 0; i < 9; i++) memory.put(`u${i}`, '', answer({ body: Buffer.alloc(10 * KIB) }));
  assert.ok(memory.bytes <= 100 * KIB);
  for (const answer of memory.find('u0', '')!) answer.wasUsed = true;
  memory.put('new', '', answer({ body: Buffer.alloc(10 * KIB) }));
  assert.notEqual(memory.find('u0', ''), undefined);
  assert.equal(memory.find('u1', ''), undefined);
  for (let i = 0; i < 50; i++) memory.put(`v${i}`, '', answer({ body: Buffer.alloc(10 * KIB) }));
  assert.ok(memory.bytes <= 100 * KIB);
  assert.equal(memory.find('u0', ''), undefined);
});

test('what is longer than all of the room is not kept, and pushes out nothing', () => {
  const { memory, answer } = open(10 * KIB);
  memory.put('u', '', answer());
  memory.put('v', '', answer({ body: Buffer.alloc(10 * KIB) }));
  assert.deepEqual([memory.count, memory.find('v', '')], [1, undefined]);
});

test('what is of no use any more goes in time, also when nobody asks for it', () => {
  const { memory, answer, clock } = open();
  for (let i = 0; i < 20; i++) memory.put(`u${i}`, '', answer());
  clock.advance(1_000);
  for (let i = 0; i < 20; i++) memory.put('v', '', answer());
  assert.equal(memory.count, 1);
});

test('throws away by address in all partitions, by the beginning of the address, and by tag', () => {
  const { memory, answer } = open();
  memory.put('http://a/x', 'p', answer());
  memory.put('http://a/x', 'q', answer());
  memory.put('http://a/y/1', '', answer());
  memory.put('http://a/y/2', '', answer({ tags: ['blue', 'red'] }));
  memory.put('http://b/', '', answer({ tags: ['red'] }));
  assert.equal(memory.purge({ kind: 'uri', uri: 'http://a/x' }), 2);
  assert.equal(memory.purge({ kind: 'uri', uri: 'http://a/x' }), 0);
  assert.equal(memory.purge({ kind: 'tag', tag: 'red' }), 2);
  assert.equal(memory.find('http://b/', ''), undefined);
  assert.equal(memory.purge({ kind: 'prefix', prefix: 'http://a/' }), 1);
  assert.deepEqual([memory.count, memory.bytes], [0, 0]);
});

test('what is removed leaves its room to others', () => {
  const { memory, answer } = open();
  const kept = answer();
  memory.put('u', '', kept);
  memory.remove('u', '', kept);
  memory.remove('u', '', kept);
  assert.deepEqual([memory.count, memory.bytes, memory.find('u', '')], [0, 0, undefined]);
});
