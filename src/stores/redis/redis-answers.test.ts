import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock as clock } from '#base/clock.ts';
import { testAnswerStore } from '#test/support/answer-store-contract.ts';
import { eventually } from '#test/support/eventually.ts';
import { needs } from '#test/support/programs.ts';
import { RedisServer } from '#test/support/redis-server.ts';
import { openRedisStore } from '#test/support/redis-store.ts';
import { createAnswer } from '#test/support/stored-answers.ts';
import { provideAnswerMemory } from '../memory/answer-layout.ts';
import { SharedAnswers } from '../memory/shared-answers.ts';
import { AnswerNames } from './answer-names.ts';
import type { RedisAnswers } from './redis-answers.ts';
import type { RedisStore, RedisStoreSettings } from './redis-store.ts';

const MIB = 1024 * 1024;
const redis = needs('redis-server');

interface Gateway {
  readonly redis: RedisStore;
  readonly answers: RedisAnswers;
  /** How often it has waited before it looked again. */
  readonly waits: () => number;
  /** All who wait for an answer now have waited for as long as they may. */
  readonly timeOut: () => void;
}

const LOOK_EVERY_MS = 20;

/** What one thread of a gateway has. */
async function openGateway(
  t: TestContext,
  port: number,
  settings: Partial<RedisStoreSettings> = {},
  nearMs = 0,
): Promise<Gateway> {
  const { store, delaysMs, timeOut } = await openRedisStore(t, port, settings);
  const near = new SharedAnswers(provideAnswerMemory({ bytes: 4 * MIB, threads: 1 }), { clock, threadNumber: 0 });
  const waits = () => delaysMs.filter((delayMs) => delayMs === LOOK_EVERY_MS).length;
  return { redis: store, answers: store.openAnswers(near, nearMs), waits, timeOut };
}

/** Somebody asks the service for this address, for as long as the test takes, until there is an answer. */
async function lock(server: RedisServer, uri: string): Promise<void> {
  assert.equal(await server.ask('SET', new AnswerNames('test:').toLock(uri, ''), '1'), 'OK');
}

async function look({ answers }: Gateway, uri: string, partition = '') {
  return answers.find(uri, partition) ?? (await answers.fetch(uri, partition)) ?? [];
}

/** Until all that it was told has been done. */
async function settle({ redis: store }: Gateway): Promise<void> {
  await store.get('settled');
  // A script that the server did not know is sent again, behind the first question.
  await store.get('settled');
}

if (redis.skip === false) {
  testAnswerStore('Redis', async (t) => {
    const server = await RedisServer.start(t);
    const [one, other] = [await openGateway(t, server.port), await openGateway(t, server.port)];
    return {
      store: one.answers,
      clock,
      settle: () => settle(one),
      // By a gateway that has nothing in memory.
      look: (uri, partition) => look(other, uri, partition),
    };
  });
}

test('what one gateway throws away is gone for the others, by address, tag and beginning', redis, async (t) => {
  const server = await RedisServer.start(t);
  const [one, other] = [await openGateway(t, server.port), await openGateway(t, server.port)];
  for (const what of [
    { kind: 'uri', uri: 'http://a/x' },
    { kind: 'tag', tag: 'red' },
    { kind: 'prefix', prefix: 'http://a/' },
  ] as const) {
    one.answers.put('http://a/x', '', createAnswer(clock, { tags: ['blue', 'red'] }));
    one.answers.put('http://b/', '', createAnswer(clock));
    await settle(one);
    assert.equal((await look(other, 'http://a/x')).length, 1);
    assert.equal(await other.answers.purgeStore(what), true);
    assert.equal((await look(one, 'http://a/x')).length, 0, what.kind);
    assert.equal((await look(one, 'http://b/')).length, 1, what.kind);
  }
});

test('what was asked for before another gateway threw it away is of no use', redis, async (t) => {
  const server = await RedisServer.start(t);
  const [one, other] = [await openGateway(t, server.port), await openGateway(t, server.port)];
  const askedMs = clock.monotonicMs() - 60_000;
  await other.answers.purgeStore({ kind: 'uri', uri: 'u' });
  one.answers.put('u', '', createAnswer(clock), askedMs);
  one.answers.put('v', '', createAnswer(clock), askedMs);
  await settle(one);
  assert.deepEqual([(await look(other, 'u')).length, (await look(other, 'v')).length], [0, 1]);
});

test('more beginnings than are remembered purge all, and what comes then is kept', redis, async (t) => {
  const server = await RedisServer.start(t);
  const one = await openGateway(t, server.port);
  one.answers.put('http://a/', '', createAnswer(clock, { keptUntilMs: clock.monotonicMs() + 600_000 }));
  for (let i = 0; i < 100; i++) await one.answers.purgeStore({ kind: 'prefix', prefix: `http://b/${i}` });
  assert.equal((await look(one, 'http://a/')).length, 1);
  await one.answers.purgeStore({ kind: 'prefix', prefix: 'http://b/100' });
  assert.equal((await look(one, 'http://a/')).length, 0);
  one.answers.put('http://a/', '', createAnswer(clock));
  await settle(one);
  assert.equal((await look(one, 'http://a/')).length, 1);
});

test('memory in front is taken at its word for a moment only', redis, async (t) => {
  const server = await RedisServer.start(t);
  const one = await openGateway(t, server.port, {}, 60_000);
  const other = await openGateway(t, server.port);
  one.answers.put('u', '', createAnswer(clock));
  await settle(one);
  await other.answers.purgeStore({ kind: 'uri', uri: 'u' });
  assert.equal(one.answers.find('u', '')?.length, 1);
  const brief = await openGateway(t, server.port, {}, 0);
  assert.equal(brief.answers.find('u', ''), undefined);
  assert.equal((await look(brief, 'u')).length, 0);
});

test('an answer goes by itself when nobody may use it any more', redis, async (t) => {
  const server = await RedisServer.start(t);
  const one = await openGateway(t, server.port);
  one.answers.put('u', '', createAnswer(clock, { keptUntilMs: clock.monotonicMs() + 60_000 }));
  await settle(one);
  const [key] = (await server.ask('KEYS', 'test:answer:*')).split('\n');
  const leftMs = Number(await server.ask('PTTL', key!));
  assert.ok(leftMs > 50_000 && leftMs <= 60_000, `${leftMs} ms`);
});

test(
  'of gateways that find nothing at the same time, one goes to the service and the others get what it has brought',
  redis,
  async (t) => {
    const server = await RedisServer.start(t);
    const [one, other] = [await openGateway(t, server.port), await openGateway(t, server.port)];
    assert.deepEqual(await look(one, 'u'), []);
    await lock(server, 'u');
    const waiting = look(other, 'u');
    await eventually(() => other.waits() >= 3, 'it has asked the store several times');
    one.answers.put('u', '', createAnswer(clock, { body: Buffer.from('brought') }));
    assert.deepEqual(
      (await waiting).map(({ facts }) => String(facts.body)),
      ['brought'],
    );
  },
);

test('who has waited for what did not come goes to the service, and does not wait for it again', redis, async (t) => {
  const server = await RedisServer.start(t);
  const other = await openGateway(t, server.port);
  await lock(server, 'u');
  const beganMs = clock.monotonicMs();
  assert.deepEqual(await look(other, 'u'), []);
  assert.ok(clock.monotonicMs() - beganMs >= 500);
  const waits = other.waits();
  assert.ok(waits > 0);
  assert.deepEqual(await look(other, 'u'), []);
  assert.equal(other.waits(), waits);
});

test('without the server there is nothing, at once, and it is used again when it is back', redis, async (t) => {
  const server = await RedisServer.start(t);
  const one = await openGateway(t, server.port);
  one.answers.put('u', '', createAnswer(clock));
  await settle(one);
  await server.kill();
  await assert.rejects(one.redis.get('x'));
  assert.equal(one.answers.fetch('u', ''), undefined);
  one.answers.put('u', '', createAnswer(clock));
  one.answers.invalidate('u');
  assert.equal(await one.answers.purgeStore({ kind: 'tag', tag: 't' }), false);
  await server.run();
  while (!one.redis.isReady) await server.ask('PING');
  one.answers.put('u', '', createAnswer(clock));
  await settle(one);
  assert.equal((await look(one, 'u')).length, 1);
});

test('a server that does not answer costs a request no more than the time-out', redis, async (t) => {
  const server = await RedisServer.start(t);
  const one = await openGateway(t, server.port, { failuresMax: 1, pauseMs: 60_000 });
  server.signal('SIGSTOP');
  t.after(() => server.signal('SIGCONT'));
  const fetching = one.answers.fetch('u', '');
  assert.ok(fetching, 'it is asked');
  one.timeOut();
  assert.equal(await fetching, undefined);
  // It is known to be away now, and nobody waits.
  assert.equal(one.answers.fetch('u', ''), undefined);
});

test('what somebody else has written there is nothing', redis, async (t) => {
  const server = await RedisServer.start(t);
  const one = await openGateway(t, server.port);
  one.answers.put('u', '', createAnswer(clock));
  await settle(one);
  const [key] = (await server.ask('KEYS', 'test:answer:*')).split('\n');
  await server.ask('HSET', key!, '-', 'x');
  assert.deepEqual(await look(one, 'u'), []);
  await server.ask('HSET', key!, '-', `9999999999999999\n\nnothing that is an answer`);
  assert.deepEqual(await look(one, 'u'), []);
  await server.ask('SET', key!, 'no hash');
  assert.deepEqual(await look(one, 'u'), []);
});
