import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreFailed } from '#base/key-value-store.ts';
import { silentLogger } from '#base/logger.ts';
import { clientErrors } from '#http/client-errors.ts';
import { toPlainConsumer } from '#http/consumer.ts';
import type { Exchange } from '#http/exchange.ts';
import { MemoryStore } from '#stores/memory/memory-store.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type BenchRequest, createPolicyBench, type UpstreamAnswer } from '#test/support/policy-bench.ts';
import { createPolicyServices, ManualTimers } from '#test/support/policy-services.ts';
import { idempotencyConfig } from './config.ts';
import { toReplay } from './kept-record.ts';
import { idempotencyPolicy } from './policy.ts';

interface BenchSettings {
  readonly settings?: object;
  readonly upstream?: NonNullable<Parameters<typeof createPolicyBench>[0]>['upstream'];
  readonly store?: MemoryStore;
  readonly clock?: FakeClock;
}

/** A bench whose consumers are those that `x-consumer` names. */
function createBench({ settings = {}, upstream, clock = new FakeClock(), ...rest }: BenchSettings = {}) {
  const timers = new ManualTimers();
  const store = rest.store ?? new MemoryStore(8 * 1024 * 1024, { clock, logger: silentLogger });
  const services = createPolicyServices({ clock, later: timers.later, openMemoryStore: async () => store });
  const knowing = {
    name: 'knowing',
    phases: {
      requestHead(exchange: Exchange) {
        const name = exchange.field('x-consumer');
        if (name !== undefined) exchange.consumer = toPlainConsumer(name, []);
        return undefined;
      },
    },
  };
  const phases = idempotencyPolicy.create(idempotencyConfig.parse(settings), services);
  const counting = (): UpstreamAnswer => ({
    status: 201,
    fields: ['x-a', '1', 'date', 'long ago'],
    body: ['number ', `${bench.seen.length}`],
  });
  const bench = createPolicyBench({ policies: [knowing, { name: 'idempotency', phases }], upstream: upstream ?? counting });
  return { ...bench, clock, timers, store };
}

const order = (key: string | undefined, more: Partial<BenchRequest> = {}, fields: readonly string[] = []): BenchRequest => ({
  method: 'POST',
  url: '/orders',
  body: ['{"item":7}'],
  ...more,
  fields: [...(key === undefined ? [] : ['idempotency-key', key]), ...fields],
});

test('a request with a key is sent once, and its answer is repeated with a sign', async () => {
  const { send, seen } = createBench();
  const first = await send(order('"a"'));
  const again = await send(order('"a"'));
  assert.deepEqual([first.status, first.text, first.values('idempotency-replayed')], [201, 'number 1', []]);
  assert.deepEqual([again.status, again.text, again.values('idempotency-replayed')], [201, 'number 1', ['true']]);
  assert.deepEqual([again.values('x-a'), again.values('date')], [['1'], []]);
  assert.equal(seen.length, 1);
  assert.deepEqual(seen[0]!.body, ['{"item":7}']);
});

test('quoted or not, a key is the same one; another key is another request', async () => {
  const { send, seen } = createBench();
  await send(order('"a"'));
  assert.equal((await send(order('a'))).text, 'number 1');
  assert.equal((await send(order('b'))).text, 'number 2');
  assert.equal(seen.length, 2);
});

test('without a key, and with other methods, each request is sent', async () => {
  const { send, seen } = createBench();
  await send(order(undefined));
  await send(order(undefined));
  for (const method of ['GET', 'PUT', 'DELETE']) for (let i = 0; i < 2; i++) await send(order('a', { method }));
  assert.equal(seen.length, 8);
});

for (const [key, isKey] of [
  ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', true],
  ['"a b"', true],
  ['"a\\"b"', true],
  ['x'.repeat(255), true],
  ['x'.repeat(256), false],
  ['""', false],
  ['"a', false],
  ['a"', false],
  ['a b', false],
  ['"a";x=1', false],
  ['"a\\x"', false],
  ['"a", "b"', false],
  ['gr\u00fcn', false],
] as const) {
  test(`${key.slice(0, 40)} is ${isKey ? 'a' : 'no'} key`, async () => {
    const { send, seen } = createBench();
    const answer = await send(order(key));
    assert.equal(seen.length, isKey ? 1 : 0);
    if (!isKey)
      assert.deepEqual([answer.status, (answer.json() as { code: string }).code], [400, 'GH_IDEMPOTENCY_MALFORMED_KEY']);
  });
}

test('two keys are none, and none is refused where one is required', async () => {
  const { send } = createBench({ settings: { required: true } });
  assert.equal((await send(order('a', {}, ['idempotency-key', 'a']))).status, 400);
  const answer = await send(order(undefined));
  assert.deepEqual([answer.status, (answer.json() as { code: string }).code], [400, 'GH_IDEMPOTENCY_MISSING_KEY']);
  assert.equal((await send(order(undefined, { method: 'GET' }))).status, 201);
});

for (const [what, other] of [
  ['another body', order('a', { body: ['{"item":8}'] })],
  ['no body', { method: 'POST', url: '/orders', fields: ['idempotency-key', 'a'] }],
  ['another target', order('a', { url: '/orders?x=1' })],
  ['another method', order('a', { method: 'PATCH' })],
  ['another host', order('a', { host: 'other.example.com' })],
  ['another credential', order('a', {}, ['authorization', 'Bearer b'])],
  ['another cookie', order('a', {}, ['cookie', 'session=b'])],
] as const) {
  test(`the same key with ${what} is refused with 422`, async () => {
    const { send, seen } = createBench();
    await send(order('a'));
    const answer = await send(other);
    assert.deepEqual([answer.status, (answer.json() as { code: string }).code], [422, 'GH_IDEMPOTENCY_OTHER_REQUEST']);
    assert.equal(seen.length, 1);
  });
}

test('nobody gets the answer to another consumer, address or network', async () => {
  const { send, seen } = createBench();
  const alice = order('a', {}, ['x-consumer', 'alice']);
  await send(alice);
  assert.equal((await send(order('a', {}, ['x-consumer', 'bob']))).text, 'number 2');
  assert.equal((await send(order('a'))).text, 'number 3');
  assert.equal((await send(order('a', { clientAddress: '198.51.100.8' }))).text, 'number 4');
  assert.equal((await send({ ...alice, clientAddress: '198.51.100.8' })).text, 'number 1');
  assert.equal((await send(order('a', {}, ['x-consumer', '198.51.100.7']))).text, 'number 5');
  assert.equal(seen.length, 5);
});

test('a 304 is repeated without a length, which would be one of what the client has', () => {
  const toLength = (status: number) =>
    toReplay({ kind: 'answer', fingerprint: '', status, fields: [], body: Buffer.alloc(0) }).contentLengthBytes;
  assert.deepEqual([304, 200].map(toLength), [undefined, 0]);
});

test('a consumer may show a new token when it sends a request again', async () => {
  const { send, seen } = createBench();
  await send(order('a', {}, ['x-consumer', 'alice', 'authorization', 'Bearer old']));
  await send(order('a', {}, ['x-consumer', 'alice', 'authorization', 'Bearer new']));
  assert.equal(seen.length, 1);
});

test('keys may be those of something else', async () => {
  const { send, seen } = createBench({ settings: { by: 'header.x-account' } });
  await send(order('a', {}, ['x-account', '1']));
  await send(order('a', { clientAddress: '198.51.100.8' }, ['x-account', '1']));
  assert.equal(seen.length, 1);
  await send(order('a', {}, ['x-account', '2']));
  assert.equal(seen.length, 2);
});

for (const [status, isKept] of [
  [200, true],
  [204, true],
  [303, true],
  [400, true],
  [404, true],
  [409, true],
  [401, false],
  [408, false],
  [425, false],
  [429, false],
  [500, false],
  [503, false],
] as const) {
  test(`an answer with ${status} is ${isKept ? '' : 'not '}kept`, async () => {
    const { send, seen } = createBench({ upstream: () => ({ status, body: status === 204 ? [] : ['x'] }) });
    await send(order('a'));
    assert.equal((await send(order('a'))).status, status);
    assert.equal(seen.length, isKept ? 1 : 2);
  });
}

test('errors of the service are kept where that is set, and those of the gateway never', async () => {
  const kept = createBench({ settings: { keepErrors: true }, upstream: () => ({ status: 500, body: ['x'] }) });
  await kept.send(order('a'));
  assert.deepEqual((await kept.send(order('a'))).values('idempotency-replayed'), ['true']);
  const own = createBench({ settings: { keepErrors: true }, upstream: () => ({ error: clientErrors.bodyTimeout() }) });
  assert.equal((await own.send(order('a'))).status, 408);
  assert.equal((await own.send(order('a'))).status, 408);
  assert.equal(own.seen.length, 2);
});

test('an answer that breaks off is not kept, and is broken off for the client', async () => {
  const { send, seen } = createBench({ upstream: () => ({ body: ['half'], error: clientErrors.bodyTimeout() }) });
  assert.equal((await send(order('a'))).isBrokenOff, true);
  await send(order('a'));
  assert.equal(seen.length, 2);
});

test('an answer as long as may be is kept; of a longer one it is only known that it was given', async () => {
  const long = createBench({ settings: { maxAnswer: '1KiB' }, upstream: () => ({ body: ['x'.repeat(1_024)] }) });
  await long.send(order('a'));
  assert.equal((await long.send(order('a'))).text.length, 1_024);
  const longer = createBench({
    settings: { maxAnswer: '1KiB' },
    upstream: () => ({ body: ['x'.repeat(1_000), 'y'.repeat(25)] }),
  });
  assert.equal((await longer.send(order('a'))).text.length, 1_025);
  const answer = await longer.send(order('a'));
  assert.deepEqual([answer.status, (answer.json() as { code: string }).code], [409, 'GH_IDEMPOTENCY_NOT_KEPT']);
  assert.equal(longer.seen.length, 1);
});

test('a body that is too long to be compared is refused', async () => {
  const { send, seen } = createBench({ settings: { maxRequest: '9B' } });
  assert.equal((await send(order('a'))).status, 413);
  assert.equal(seen.length, 0);
});

test('after its time, an answer is forgotten', async () => {
  const { send, seen, clock } = createBench({ settings: { ttl: '1h' } });
  await send(order('a'));
  clock.advance(3_599_999);
  await send(order('a'));
  assert.equal(seen.length, 1);
  clock.advance(1);
  await send(order('a'));
  assert.equal(seen.length, 2);
});

/** A service that answers when it is told to. */
function createSlowBench(settings: object = {}) {
  const bench = createBench({ settings, upstream: () => undefined });
  return bench;
}

test('a request whose first one runs waits for its answer, or gets 409', async () => {
  const { start, seen, timers, clock } = createSlowBench({ wait: '1s' });
  const first = start(order('a'));
  await eventually(() => seen.length === 1, 'the service is asked');
  const second = start(order('a'));
  await eventually(() => timers.delaysMs.length === 2, 'the second one waits');
  // The first renews its claim; the second looks again.
  assert.deepEqual(timers.delaysMs, [10_000, 50]);
  clock.advance(1_000);
  timers.runAll();
  const refused = await second.answer;
  assert.deepEqual([refused.status, refused.values('retry-after')], [409, ['1']]);
  assert.equal((refused.json() as { code: string }).code, 'GH_IDEMPOTENCY_IN_PROGRESS');
  first.leave();
});

test('with no time to wait, a second request gets 409 at once', async () => {
  const { start, send, seen } = createSlowBench({ wait: '0s' });
  start(order('a'));
  await eventually(() => seen.length === 1, 'the service is asked');
  assert.equal((await send(order('a'))).status, 409);
  assert.equal(seen.length, 1);
});

test('a client that goes while it waits leaves no timer', async () => {
  const { start, seen, timers } = createSlowBench();
  start(order('a'));
  await eventually(() => seen.length === 1, 'the service is asked');
  const second = start(order('a'));
  await eventually(() => timers.delaysMs.length === 2, 'the second one waits');
  second.leave();
  assert.deepEqual(timers.delaysMs, [10_000]);
});

test('whoever dies with a key keeps others from it for half a minute, and no longer than its claim is renewed', async () => {
  const { start, send, seen, timers, clock } = createSlowBench({ wait: '0s' });
  start(order('a'));
  await eventually(() => seen.length === 1, 'the service is asked');
  clock.advance(29_999);
  assert.equal((await send(order('a'))).status, 409);
  timers.runAll();
  await eventually(() => timers.delaysMs.length === 1, 'the claim is renewed');
  clock.advance(29_999);
  assert.equal((await send(order('a'))).status, 409);
  clock.advance(1);
  start(order('a'));
  await eventually(() => seen.length === 2, 'the service is asked by somebody else');
});

/** A store that is away once the key is claimed, or from the beginning. */
function createFailingStore(since: 'claim' | 'beginning'): MemoryStore {
  const store = new MemoryStore(8 * 1024 * 1024, { clock: new FakeClock(), logger: silentLogger });
  const fail = () => Promise.reject(new StoreFailed('the store is away'));
  if (since === 'beginning') return Object.assign(store, { add: fail });
  const add = store.add.bind(store);
  return Object.assign(store, {
    async add(key: string, value: Buffer, ttlMs: number) {
      const isAdded = await add(key, value, ttlMs);
      Object.assign(store, { set: fail });
      return isAdded;
    },
  });
}

test('without its store, requests with a key are refused, or sent where that is set', async () => {
  const refusing = createBench({ store: createFailingStore('beginning') });
  const answer = await refusing.send(order('a'));
  assert.deepEqual([answer.status, (answer.json() as { code: string }).code], [503, 'GH_IDEMPOTENCY_STORE_UNAVAILABLE']);
  assert.equal((await refusing.send(order(undefined))).status, 201);
  const allowing = createBench({ store: createFailingStore('beginning'), settings: { onFailure: 'allow' } });
  assert.equal((await allowing.send(order('a'))).status, 201);
});

test('an answer that cannot be kept is given all the same', async () => {
  const { send } = createBench({ store: createFailingStore('claim') });
  assert.equal((await send(order('a'))).text, 'number 1');
});

test('what others have written into the store is no answer', async () => {
  const { send, store } = createBench();
  await send(order('a'));
  const add = store.add.bind(store);
  Object.assign(store, {
    add: async (key: string, _: Buffer, ttlMs: number) => {
      Object.assign(store, { add });
      await store.set(key, 'no record', ttlMs);
      return false;
    },
  });
  assert.equal((await send(order('b'))).text, 'number 2');
});

test('says what it does', () => {
  assert.equal(
    idempotencyPolicy.describe?.(idempotencyConfig.parse({ required: true, ttl: '1h' })),
    'first answers to POST, PATCH with idempotency-key, which they need, kept in memory for 1h',
  );
});
