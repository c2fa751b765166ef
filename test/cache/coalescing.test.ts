/** Several clients that want the same at the same time, and what becomes of them when one leaves, reads slowly, or is told no. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SharedAnswers } from '#stores/memory/shared-answers.ts';
import { type CacheSite, type ServiceAnswer, startCacheSite } from '#test/support/cache-site.ts';
import { eventually } from '#test/support/eventually.ts';
import { RawClient } from '#test/support/raw-client.ts';

const FRESH = ['cache-control', 'max-age=100'];

interface Gate {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

/** The service waits with its first answer until it is let go on. */
async function waiting(t: TestContext, told: ServiceAnswer, cache = {}): Promise<{ site: CacheSite; gate: Gate }> {
  const site = await startCacheSite(t, { cache });
  const gate = Promise.withResolvers<void>();
  site.script = (_, count) => ({ body: `answer ${count}`, ...told, ...(count === 1 && { beforeHead: gate.promise }) });
  return { site, gate };
}

/** Resolves when the gateway has taken so many requests. */
function untilTaken(site: CacheSite, clients: readonly RawClient[]): Promise<void> {
  void site;
  return eventually(() => clients.every(({ socket }) => socket.bytesWritten > 0), 'all requests are on their way');
}

async function open(t: TestContext, site: CacheSite, fields = ''): Promise<RawClient> {
  const client = await RawClient.open(site.gateway.port());
  t.after(() => client.close());
  client.send(`GET / HTTP/1.1\r\nhost: shop\r\n${fields}connection: close\r\n\r\n`);
  return client;
}

test('who comes while it is fetched waits for it', async (t) => {
  const { site, gate } = await waiting(t, { fields: FRESH });
  const first = site.ask();
  await site.untilSeen(1);
  const others = await Promise.all([1, 2, 3].map(() => open(t, site)));
  await untilTaken(site, others);
  // Behind it on the same thread, so the gateway has seen the others by then.
  await site.ask({ path: '/other' });
  gate.resolve();
  assert.equal((await first).body, 'answer 1');
  for (const client of others) {
    const answer = await client.untilEnd();
    assert.match(answer, /\r\n\r\nanswer 1$/);
    assert.match(answer, /cache-status: gatehouse; fwd=uri-miss; collapsed\r\n/);
    assert.match(answer, /age: 0\r\n/);
  }
  assert.equal(site.seen.length, 2);
});

test('where it is not wanted, each one goes itself', async (t) => {
  const { site, gate } = await waiting(t, { fields: FRESH }, { coalesce: false });
  const first = site.ask();
  await site.untilSeen(1);
  assert.equal((await site.ask()).body, 'answer 2');
  gate.resolve();
  assert.equal((await first).body, 'answer 1');
});

test('an answer for one alone is given to nobody else, and nobody waits for it again', async (t) => {
  const { site, gate } = await waiting(t, { fields: ['cache-control', 'private'] });
  const first = site.ask();
  await site.untilSeen(1);
  const second = await open(t, site);
  await site.ask({ path: '/other' });
  gate.resolve();
  assert.equal((await first).body, 'answer 1');
  assert.match(await second.untilEnd(), /answer 3$/);
  const { promise, resolve } = Promise.withResolvers<void>();
  site.script = (_, count) => ({ body: `answer ${count}`, ...(count === 4 && { beforeHead: promise }) });
  const third = site.ask();
  await site.untilSeen(4);
  assert.equal((await site.ask()).body, 'answer 5');
  resolve();
  await third;
});

test('an answer for others is not given to who asked in another way', async (t) => {
  const { site, gate } = await waiting(t, { fields: [...FRESH, 'vary', 'foo'] });
  const first = site.ask({ fields: ['foo', '1'] });
  await site.untilSeen(1);
  const [same, other] = await Promise.all([open(t, site, 'foo: 1\r\n'), open(t, site, 'foo: 2\r\n')]);
  await site.ask({ path: '/other' });
  gate.resolve();
  await first;
  assert.match(await same.untilEnd(), /answer 1$/);
  assert.match(await other.untilEnd(), /answer 3$/);
});

test('the answer streams to all of them as it comes', async (t) => {
  const site = await startCacheSite(t);
  const end = Promise.withResolvers<void>();
  site.script = () => ({ fields: FRESH, body: 'abcdef', beforeEnd: end.promise });
  const first = await open(t, site);
  await first.until(/\r\n\r\na$/);
  const second = await open(t, site);
  await second.until(/\r\n\r\na$/);
  end.resolve();
  assert.match(await first.untilEnd(), /\r\n\r\nabcdef$/);
  assert.match(await second.untilEnd(), /\r\n\r\nabcdef$/);
  assert.equal((await site.ask()).body, 'abcdef');
  assert.equal(site.seen.length, 1);
});

test('when the one who asked has gone, the others get the answer all the same', async (t) => {
  const { site, gate } = await waiting(t, { fields: FRESH });
  const first = await open(t, site);
  await site.untilSeen(1);
  const second = await open(t, site);
  await site.ask({ path: '/other' });
  first.socket.resetAndDestroy();
  await site.ask({ path: '/other' });
  gate.resolve();
  assert.match(await second.untilEnd(), /answer 1$/);
});

test('when the one who asked goes in the middle, the others get the rest', async (t) => {
  const site = await startCacheSite(t);
  const end = Promise.withResolvers<void>();
  site.script = () => ({ fields: FRESH, body: 'abcdef', beforeEnd: end.promise });
  const first = await open(t, site);
  await first.until(/\r\n\r\na$/);
  const second = await open(t, site);
  await second.until(/\r\n\r\na$/);
  first.socket.resetAndDestroy();
  await site.ask({ path: '/other', fields: ['cache-control', 'only-if-cached'] });
  end.resolve();
  assert.match(await second.untilEnd(), /\r\n\r\nabcdef$/);
});

test('when nobody waits any more, the service is left', async (t) => {
  const { site, gate } = await waiting(t, { fields: FRESH });
  const first = await open(t, site);
  await site.untilSeen(1);
  first.socket.resetAndDestroy();
  await eventually(() => site.abandonedCount === 1, 'the service is left');
  gate.resolve();
  assert.equal((await site.ask()).body, 'answer 2');
});

test('a failure is told to all who waited', async (t) => {
  const { site, gate } = await waiting(t, { isLost: true });
  const first = site.ask({ method: 'GET' });
  await site.untilSeen(1);
  const second = await open(t, site);
  site.script = (_, count) => ({ isLost: count !== 2, fields: FRESH });
  await site.ask({ path: '/other' });
  gate.resolve();
  assert.equal((await first).status, 502);
  assert.match(await second.untilEnd(), /^HTTP\/1\.1 502 /);
});

test('an answer that breaks off is broken off for all', async (t) => {
  const site = await startCacheSite(t);
  const gate = Promise.withResolvers<void>();
  site.script = () => ({ fields: FRESH, body: 'abcdef', breaksOffAfter: 3, beforeHead: gate.promise });
  const clients = [await open(t, site)];
  await site.untilSeen(1);
  clients.push(await open(t, site));
  site.script = () => ({});
  await site.ask({ path: '/other' });
  gate.resolve();
  for (const client of clients) assert.match(await client.untilEnd(), /content-length: 6\r\n[\s\S]*\r\n\r\nabc$/);
});

test('what turns out too long goes on to all who have its beginning, at the speed of the slowest', async (t) => {
  const site = await startCacheSite(t, { cache: { maxObject: '64KiB' } });
  const gate = Promise.withResolvers<void>();
  const body = 'x'.repeat(8 * 1024 * 1024);
  site.script = (_, count) => ({
    fields: FRESH,
    body: count === 1 ? body : 'ok',
    isChunked: true,
    ...(count === 1 && { beforeHead: gate.promise }),
  });
  const first = await open(t, site);
  await site.untilSeen(1);
  const slow = await open(t, site);
  slow.socket.pause();
  await site.ask({ path: '/other' });
  gate.resolve();
  await first.until('x'.repeat(100));
  slow.socket.resume();
  for (const client of [first, slow]) assert.ok((await client.untilEnd()).length > body.length);
  await site.ask();
  assert.equal(site.seen.length, 3);
});

test('a client that reads slowly keeps nobody else waiting', async (t) => {
  const site = await startCacheSite(t, { cache: { maxObject: '16MiB' } });
  const gate = Promise.withResolvers<void>();
  const body = 'x'.repeat(8 * 1024 * 1024);
  site.script = () => ({ fields: FRESH, body, beforeHead: gate.promise });
  const slow = await open(t, site);
  slow.socket.pause();
  await site.untilSeen(1);
  gate.resolve();
  assert.equal((await site.ask()).body.length, body.length);
  assert.equal((await site.ask()).body.length, body.length);
  assert.equal(site.seen.length, 1);
  slow.socket.resume();
  assert.ok((await slow.untilEnd()).length > body.length);
});

test('what another thread says is over is not kept by who has asked before', async (t) => {
  const site = await startCacheSite(t);
  const answers = site.gateway.control.plane?.answers;
  assert.ok(answers !== undefined);
  const otherThread = new SharedAnswers(answers.memory, { clock: site.clock, threadNumber: 1 });
  const { promise: changed, resolve: change } = Promise.withResolvers<void>();
  site.script = (_, count) => ({
    fields: ['cache-control', 'max-age=100'],
    body: `${count}`,
    ...(count === 1 && { beforeEnd: changed }),
  });
  const running = site.ask({ path: '/a' });
  await site.untilSeen(1);
  otherThread.invalidate('http://shop/a');
  change();
  assert.equal((await running).body, '1');
  assert.deepEqual([(await site.ask({ path: '/a' })).body, (await site.ask({ path: '/a' })).body], ['2', '2']);
});
