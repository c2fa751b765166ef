import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { testAnswerStore } from '#test/support/answer-store-contract.ts';
import type { AnsweringThreadStart } from '#test/support/answering-thread.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { createAnswer } from '#test/support/stored-answers.ts';
import { provideAnswerMemory } from './answer-layout.ts';
import { SharedAnswers } from './shared-answers.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

function open(bytes = 4 * MIB, threads = 2) {
  const clock = new FakeClock();
  const memory = provideAnswerMemory({ bytes, threads });
  const attach = (threadNumber: number) => new SharedAnswers(memory, { clock, threadNumber });
  return { clock, memory, attach, store: attach(0) };
}

testAnswerStore('shared memory', async () => {
  const { clock, store } = open();
  return { store, clock, settle: async () => {}, look: async (uri, partition) => store.find(uri, partition) ?? [] };
});

test('what one thread keeps the others find, and what one throws away is gone for all at once', () => {
  const { clock, attach } = open();
  const [one, other] = [attach(0), attach(1)];
  one.put('u', '', createAnswer(clock));
  assert.equal(other.find('u', '')?.length, 1);
  one.invalidate('u');
  assert.equal(other.find('u', ''), undefined);
  other.put('u', '', createAnswer(clock, { tags: ['t'] }));
  assert.equal(one.find('u', '')?.length, 1);
  assert.equal(other.purge({ kind: 'tag', tag: 't' }), 1);
  assert.equal(one.find('u', ''), undefined);
});

test('a variant that another thread adds is found by those that have read the others', () => {
  const { clock, attach } = open();
  const [one, other] = [attach(0), attach(1)];
  one.put('u', '', createAnswer(clock, { selection: { names: ['accept'], values: 'a' } }));
  assert.equal(other.find('u', '')?.length, 1);
  one.put('u', '', createAnswer(clock, { selection: { names: ['accept'], values: 'b' } }));
  assert.equal(other.find('u', '')?.length, 2);
});

test('while nothing changes, the same object is found, so that what is written of it is written once', () => {
  const { clock, store } = open();
  store.put('u', '', createAnswer(clock));
  store.put('v', '', createAnswer(clock));
  const [first] = store.find('u', '')!;
  assert.equal(store.find('u', '')![0], first);
});

test('what was read is in memory of its own', () => {
  const { clock, store } = open(1 * MIB, 1);
  store.put('u', '', createAnswer(clock, { body: Buffer.alloc(KIB, 'a') }));
  const [answer] = store.find('u', '')!;
  for (let i = 0; i < 2_000; i++) store.put(`v${i}`, '', createAnswer(clock, { body: Buffer.alloc(KIB, 'b') }));
  assert.equal(String(answer!.facts.body), 'a'.repeat(KIB));
});

test('what is of no use any more is not found', () => {
  const { clock, store } = open();
  store.put('u', '', createAnswer(clock));
  clock.advance(12_000);
  assert.equal(store.find('u', ''), undefined);
});

test('what is kept is counted to the byte, and nothing is left of what was thrown away', () => {
  const { clock, store } = open();
  assert.deepEqual(store.count(), { answers: 0, bytes: 0, evictions: 0 });
  store.put('u', '', createAnswer(clock, { body: Buffer.alloc(1_000) }));
  const one = store.count().bytes;
  assert.ok(one > 1_000 && one < 1_300, `${one} bytes`);
  store.put('v', '', createAnswer(clock, { body: Buffer.alloc(1_000) }));
  assert.deepEqual(store.count(), { answers: 2, bytes: 2 * one, evictions: 0 });
  store.put('v', '', createAnswer(clock, { body: Buffer.alloc(1_000) }));
  assert.deepEqual(store.count(), { answers: 2, bytes: 2 * one, evictions: 0 });
  store.remove('v', '', store.find('v', '')![0]!);
  assert.deepEqual(store.count(), { answers: 1, bytes: one, evictions: 0 });
  store.purge({ kind: 'prefix', prefix: '' });
  assert.deepEqual(store.count(), { answers: 0, bytes: 0, evictions: 0 });
});

test('an answer that is longer than a segment is kept in pieces, as one', () => {
  const { clock, attach, store } = open(4 * MIB, 2);
  const body = Buffer.alloc(300 * KIB);
  for (let i = 0; i < body.length; i++) body[i] = i % 251;
  store.put('u', '', createAnswer(clock, { body }));
  const [found] = attach(1).find('u', '')!;
  assert.ok(body.equals(found!.facts.body));
  assert.equal(store.count().answers, 1);
  assert.equal(store.purge({ kind: 'prefix', prefix: '' }), 1);
  assert.deepEqual(store.count(), { answers: 0, bytes: 0, evictions: 0 });
  store.put('u', '', createAnswer(clock, { body: Buffer.alloc(2 * MIB) }));
  assert.equal(store.find('u', ''), undefined);
});

test('an answer of which a piece had to go is not found', () => {
  const { clock, store } = open(1 * MIB, 1);
  store.put('long', '', createAnswer(clock, { body: Buffer.alloc(60 * KIB) }));
  assert.equal(store.find('long', '')?.[0]?.facts.body.length, 60 * KIB);
  for (let i = 0; i < 10_000; i++) {
    store.put(`u${i % 1_000}`, '', createAnswer(clock, { body: Buffer.alloc(2 * KIB, 1) }));
    const [found] = store.find(`u${(i * 7) % 1_000}`, '') ?? [];
    if (found !== undefined) found.wasUsed = true;
  }
  assert.ok((store.find('long', '')?.[0]?.facts.body.length ?? 60 * KIB) === 60 * KIB);
});

test('memory of the same size is the same memory, with what is in it', () => {
  const { clock, memory, store } = open(4 * MIB, 2);
  store.put('u', '', createAnswer(clock));
  assert.equal(provideAnswerMemory({ bytes: 4 * MIB, threads: 2 }, memory), memory);
  assert.notEqual(provideAnswerMemory({ bytes: 8 * MIB, threads: 2 }, memory), memory);
});

test('all that is kept fits into the memory, and what is asked for often stays when much comes that is asked for once', () => {
  const { clock, store } = open(2 * MIB, 1);
  const popular = Array.from({ length: 100 }, (_, i) => `popular ${i}`);
  const body = Buffer.alloc(2 * KIB);
  for (const uri of popular) store.put(uri, '', createAnswer(clock, { body }));
  for (const uri of popular) store.find(uri, '')![0]!.wasUsed = true;
  for (let i = 0; i < 5_000; i++) {
    store.put(`once ${i}`, '', createAnswer(clock, { body }));
    const [answer] = store.find(popular[i % popular.length]!, '') ?? [];
    if (answer !== undefined) answer.wasUsed = true;
  }
  const { answers, bytes, evictions } = store.count();
  assert.ok(bytes <= 2 * MIB, `${bytes} bytes`);
  assert.ok(answers >= 300, `${answers} answers`);
  assert.ok(evictions >= 4_000, `${evictions} evictions`);
  assert.equal(popular.filter((uri) => store.find(uri, '') !== undefined).length, popular.length);
});

test('when all that is kept is asked for often, there is room for what is new all the same', () => {
  const { clock, store } = open(1 * MIB, 1);
  const body = Buffer.alloc(2 * KIB);
  for (let i = 0; i < 2_000; i++) {
    store.put(`u${i}`, '', createAnswer(clock, { body }));
    for (let j = Math.max(0, i - 300); j <= i; j += 10) {
      const [answer] = store.find(`u${j}`, '') ?? [];
      if (answer !== undefined) answer.wasUsed = true;
    }
    assert.notEqual(store.find(`u${i}`, ''), undefined);
  }
});

test('what a thread has kept that died is found still, and the room it wrote in is not lost', () => {
  const { clock, attach, memory } = open(1 * MIB, 1);
  const body = Buffer.alloc(2 * KIB);
  for (let life = 0; life < 200; life++) {
    const store = attach(0);
    store.put(`u${life}`, '', createAnswer(clock, { body }));
    store.put(`v${life}`, '', createAnswer(clock, { body }));
    SharedAnswers.forgetThread(memory, 0);
    assert.notEqual(attach(1).find(`u${life}`, ''), undefined);
  }
});

test('whatever is kept, asked for and thrown away in whatever order: what is found is what was kept last', (context) => {
  const uri = fc.integer({ min: 0, max: 40 }).map((n) => `u${n}`);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), uri, thread: fc.nat(1), length: fc.nat(8 * KIB) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('find' as const), uri, thread: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('invalidate' as const), uri, thread: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('purge' as const), uri, thread: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), uri, thread: fc.nat(1) }) },
  );
  const parameters = fuzzParameters(context);
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 400 }), (steps) => {
      const { clock, attach, memory } = open(1 * MIB, 2);
      const threads = [attach(0), attach(1)];
      const last = new Map<string, number>();
      for (const [i, each] of steps.entries()) {
        const store = threads[each.thread]!;
        if (each.kind === 'put') {
          const body = Buffer.alloc(each.length + 4, i % 256);
          body.writeUInt32LE(i);
          store.put(each.uri, '', createAnswer(clock, { dateMs: i, body }));
          last.set(each.uri, i);
        } else if (each.kind === 'find') {
          const found = store.find(each.uri, '');
          if (found === undefined) continue;
          assert.equal(found.length, 1);
          const { body } = found[0]!.facts;
          assert.equal(body.readUInt32LE(), last.get(each.uri));
          assert.ok(body.subarray(4).every((byte) => byte === last.get(each.uri)! % 256));
          found[0]!.wasUsed = true;
        } else if (each.kind === 'die') {
          SharedAnswers.forgetThread(memory, each.thread);
          threads[each.thread] = attach(each.thread);
        } else {
          if (each.kind === 'purge') store.purge({ kind: 'prefix', prefix: each.uri });
          else store.invalidate(each.uri);
          for (const other of [...last.keys()])
            if (other === each.uri || (each.kind === 'purge' && other.startsWith(each.uri))) last.delete(other);
        }
      }
      for (const other of threads)
        for (let n = 0; n <= 40; n++) if (!last.has(`u${n}`)) assert.equal(other.find(`u${n}`, ''), undefined);
      threads[0]!.purge({ kind: 'prefix', prefix: '' });
      const { answers, bytes } = threads[1]!.count();
      assert.deepEqual([answers, bytes], [0, 0]);
    }),
    { ...parameters, numRuns: Math.min(parameters.numRuns, 60) },
  );
});

test('several threads that keep and ask at the same time find nothing that nobody has kept', async () => {
  const { memory } = open(1 * MIB, 3);
  const counts = new SharedArrayBuffer(16);
  const threads = 3;
  const start = { memory, keys: 400, rounds: 8_000, bodyBytesMax: 6 * KIB, counts, threads };
  const entry = new URL('../../../test/support/answering-thread.ts', import.meta.url);
  const codes = await Promise.all(
    Array.from({ length: threads }, async (_, threadNumber) => {
      const worker = new Worker(entry, { workerData: { ...start, threadNumber } satisfies AnsweringThreadStart });
      const [code] = (await once(worker, 'exit')) as [number];
      return code;
    }),
  );
  const [arrived, kept, found, wrong] = new Int32Array(counts);
  assert.deepEqual([codes, arrived, wrong], [[0, 0, 0], threads, 0]);
  assert.ok(kept! > 1_000 && found! > 1_000, `${kept} kept, ${found} found`);
});
