/** What holds for whoever keeps answers, wherever that is. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AnswerFacts, AnswerStore, StoredAnswer } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import { createAnswer } from './stored-answers.ts';

export interface OpenedAnswerStore {
  readonly store: AnswerStore;
  readonly clock: Clock;
  /** Waits until what was said to the store has been done. */
  settle(): Promise<void>;
  /** What it has, wherever it is. */
  look(uri: string, partition: string): Promise<readonly StoredAnswer[]>;
}

const times = ['bornMs', 'freshUntilMs', 'usableWhileAskedMs', 'usableOnErrorMs', 'keptUntilMs'] as const;
/** Whoever shares answers with others tells times by the clock on the wall, which tells whole milliseconds. */
const CLOCK_MS_MAX = 2;
const TRIES_MAX = 5;

const select = (values: string) => ({ names: ['accept', 'accept-language'], values });

export function testAnswerStore(name: string, open: (t: TestContext) => Promise<OpenedAnswerStore>): void {
  const toBodies = (answers: readonly StoredAnswer[]) => answers.map(({ facts }) => String(facts.body));

  test(`${name}: an answer is found as it was kept, by its address and partition and by nothing else`, async (t) => {
    const { store, clock, settle, look } = await open(t);
    const facts: Partial<AnswerFacts> = {
      status: 206,
      fields: ['content-type', 'text/plain', 'x-city', 'Z\u00fcrich', 'set-cookie', 'a=1', 'set-cookie', 'b=2'],
      body: Buffer.from([0, 255, 13, 10, 0, 128]),
      part: { firstByte: 7, wholeBytes: 2 ** 40 },
      selection: select('text/html\u0000de'),
      isNeverStale: true,
      isImmutable: true,
      tags: ['blue', 'red \u{1f600}'],
    };
    const keep = async () => {
      const kept = createAnswer(clock, facts);
      store.put('http://a/x', 'consumer \u{1f600}', kept);
      await settle();
      const [found, ...others] = await look('http://a/x', 'consumer \u{1f600}');
      assert.ok(found !== undefined);
      return { kept, found, others };
    };
    const differsMs = ({ kept, found }: Awaited<ReturnType<typeof keep>>) =>
      Math.max(...times.map((time) => Math.abs(found.facts[time] - kept.facts[time])));
    let round = await keep();
    // Whoever loses the processor between the looks at both clocks is wrong by as long, which is seldom.
    for (let i = 0; i < TRIES_MAX && differsMs(round) > CLOCK_MS_MAX; i++) round = await keep();
    assert.ok(differsMs(round) <= CLOCK_MS_MAX, `a time differs by ${differsMs(round)} ms`);
    const { kept, found, others } = round;
    const untimed = Object.fromEntries(times.map((time) => [time, 0]));
    assert.deepEqual({ ...found.facts, ...untimed }, { ...kept.facts, ...untimed });
    assert.equal(others.length, 0);
    assert.deepEqual(await look('http://a/x', ''), []);
    assert.deepEqual(await look('http://a/', 'consumer \u{1f600}'), []);
  });

  test(`${name}: answers that differ by fields of the request stand side by side, the most recent first`, async (t) => {
    const { store, clock, settle, look } = await open(t);
    const dateMs = clock.wallMs();
    store.put('u', '', createAnswer(clock, { body: Buffer.from('new'), dateMs: dateMs + 1, selection: select('b') }));
    store.put('u', '', createAnswer(clock, { body: Buffer.from('old'), dateMs, selection: select('a') }));
    store.put('u', '', createAnswer(clock, { body: Buffer.from('plain'), dateMs: dateMs + 2 }));
    await settle();
    assert.deepEqual(toBodies(await look('u', '')), ['plain', 'new', 'old']);
    store.put('u', '', createAnswer(clock, { body: Buffer.from('newest'), dateMs: dateMs + 3, selection: select('a') }));
    await settle();
    assert.deepEqual(toBodies(await look('u', '')), ['newest', 'plain', 'new']);
  });

  test(`${name}: of one address and partition there are so many and no more`, async (t) => {
    const { store, clock, settle, look } = await open(t);
    const dateMs = clock.wallMs();
    for (let i = 0; i <= limits.answerVariantsMax; i++)
      store.put('u', '', createAnswer(clock, { dateMs: dateMs + i, selection: select(`${i}`), body: Buffer.from(`${i}`) }));
    await settle();
    const bodies = toBodies(await look('u', ''));
    assert.equal(bodies.length, limits.answerVariantsMax);
    assert.deepEqual([bodies[0], bodies.at(-1)], [`${limits.answerVariantsMax}`, '1']);
  });

  test(`${name}: one answer is removed, and those beside it stay`, async (t) => {
    const { store, clock, settle, look } = await open(t);
    const [one, other] = ['a', 'b'].map((values) =>
      createAnswer(clock, { body: Buffer.from(values), selection: select(values) }),
    );
    store.put('u', '', one!);
    store.put('u', '', other!);
    await settle();
    const found = (await look('u', '')).find(({ facts }) => facts.selection?.values === 'a');
    store.remove('u', '', found!);
    store.remove('u', '', found!);
    await settle();
    assert.deepEqual(toBodies(await look('u', '')), ['b']);
  });

  test(`${name}: what is said to be over is over in all partitions, and what comes then is not`, async (t) => {
    const { store, clock, settle, look } = await open(t);
    for (const partition of ['p', 'q']) store.put('u', partition, createAnswer(clock));
    store.put('v', '', createAnswer(clock));
    await settle();
    assert.equal((await look('u', 'p')).length, 1);
    const eras = [store.eraOf('u'), store.eraOf('v')];
    store.invalidate('u');
    assert.deepEqual([store.eraOf('u') === eras[0], store.eraOf('v') === eras[1]], [false, true]);
    await settle();
    assert.deepEqual([await look('u', 'p'), await look('u', 'q')], [[], []]);
    assert.equal((await look('v', '')).length, 1);
    store.put('u', 'p', createAnswer(clock, { body: Buffer.from('again') }));
    await settle();
    assert.deepEqual(toBodies(await look('u', 'p')), ['again']);
  });

  test(`${name}: a purge throws away by address, by its beginning and by tag, and begins an era`, async (t) => {
    const { store, clock, settle, look } = await open(t);
    const put = async () => {
      store.put('http://a/x', 'p', createAnswer(clock));
      store.put('http://a/x', 'q', createAnswer(clock));
      store.put('http://a/y/1', '', createAnswer(clock, { tags: ['blue', 'red'] }));
      store.put('http://a/y/2', '', createAnswer(clock));
      store.put('http://b/', '', createAnswer(clock, { tags: ['red'] }));
      await settle();
    };
    const left = async () => {
      const addresses = ['http://a/x', 'http://a/y/1', 'http://a/y/2', 'http://b/'];
      const found = await Promise.all(addresses.map(async (uri) => [...(await look(uri, '')), ...(await look(uri, 'p'))]));
      return addresses.filter((_, i) => found[i]!.length > 0);
    };
    const era = store.eraOf('http://b/');
    await put();
    assert.equal((await left()).length, 4);
    assert.equal(store.purge({ kind: 'uri', uri: 'http://a/x' }), 2);
    await settle();
    assert.deepEqual(await left(), ['http://a/y/1', 'http://a/y/2', 'http://b/']);
    assert.deepEqual(await look('http://a/x', 'q'), []);
    assert.equal(store.purge({ kind: 'tag', tag: 'red' }), 2);
    await settle();
    assert.deepEqual(await left(), ['http://a/y/2']);
    assert.equal(store.purge({ kind: 'prefix', prefix: 'http://a/' }), 1);
    await settle();
    assert.deepEqual(await left(), []);
    assert.notEqual(store.eraOf('http://b/'), era);
    await put();
    assert.equal((await left()).length, 4);
  });

  test(`${name}: what is longer than it may be is not kept, and what it would have replaced is gone`, async (t) => {
    const { store, clock, settle, look } = await open(t);
    store.put('u', '', createAnswer(clock));
    store.put('u', '', createAnswer(clock, { body: Buffer.alloc(20 * 1024 * 1024) }));
    await settle();
    assert.deepEqual(await look('u', ''), []);
  });
}
