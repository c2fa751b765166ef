import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { StoreFailed } from '#base/key-value-store.ts';
import { limits } from '#base/limits.ts';
import { silentLogger } from '#base/logger.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { checkKeyValueStore } from '#test/support/key-value-store-contract.ts';
import { ManualTimers } from '#test/support/policy-services.ts';
import { AskedStore, answerQuestions } from './asked-store.ts';
import { MemoryStore } from './memory-store.ts';

function open(t: TestContext) {
  const { port1: own, port2: others } = new MessageChannel();
  t.after(() => own.close());
  const timers = new ManualTimers();
  // What is waited for keeps no process alive; here it shall.
  const asked = new AskedStore(own, timers.later);
  own.ref();
  return { asked, timers, others };
}

const kept = () => new MemoryStore(8 * 1024 * 1024, { clock: new FakeClock(), logger: silentLogger });

test('keeps values as every store does, and waits for nothing afterwards', async (t) => {
  const { asked, timers, others } = open(t);
  answerQuestions(others, Promise.resolve(kept()));
  await checkKeyValueStore(asked);
  assert.deepEqual(timers.delaysMs, []);
});

test('two that ask the same store find what the other has kept', async (t) => {
  const [one, other] = [open(t), open(t)];
  const store = Promise.resolve(kept());
  for (const { others } of [one, other]) answerQuestions(others, store);
  await one.asked.set('a', 'of one', 60_000);
  assert.equal(String(await other.asked.get('a')), 'of one');
  await other.asked.delete('a');
  assert.equal(await one.asked.get('a'), undefined);
});

test('what the store refuses is refused for the same reason', async (t) => {
  const { asked, others } = open(t);
  answerQuestions(others, Promise.resolve(new MemoryStore(600, { clock: new FakeClock(), logger: silentLogger })));
  await assert.rejects(asked.set('a', 'x'.repeat(100), 60_000), new StoreFailed('the store is full'));
  assert.equal(await asked.get('a'), undefined);
});

test('nobody waits longer than a second, and a late answer is nobody else’s', async (t) => {
  const { asked, timers, others } = open(t);
  const store = kept();
  await store.set('a', 'of a', 60_000);
  const late = asked.get('a');
  assert.deepEqual(timers.delaysMs, [1_000]);
  timers.runAll();
  await assert.rejects(late, new StoreFailed('the store did not answer in time'));
  answerQuestions(others, Promise.resolve(store));
  assert.equal(await asked.get('b'), undefined);
});

test('when the other end is gone, who waits and who comes are told', async (t) => {
  const { asked, others } = open(t);
  const waiting = asked.get('a');
  others.close();
  await assert.rejects(waiting, new StoreFailed('the store is gone'));
  await assert.rejects(asked.get('a'), new StoreFailed('the store is gone'));
});

test('so many questions and no more wait for an answer', async (t) => {
  const { asked, others } = open(t);
  const waiting = Array.from({ length: limits.storeCommandsMax }, () => asked.get('a'));
  await assert.rejects(asked.get('a'), new StoreFailed('the store is asked too much'));
  answerQuestions(others, Promise.resolve(kept()));
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set([undefined]));
});

test('an answer brings along its own bytes, and no others', async (t) => {
  const { asked, others } = open(t);
  answerQuestions(others, Promise.resolve(kept()));
  await asked.set('a', Buffer.from('abc'), 60_000);
  const answer = once(others, 'close');
  assert.equal((await asked.get('a'))?.buffer.byteLength, 3);
  others.close();
  await answer;
});
