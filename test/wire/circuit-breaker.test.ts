// Services and endpoints that fail, over real sockets: when they are left alone, and when they are asked again.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { onEachRequest, startForwarding } from '#test/support/forwarding.ts';
import { type RawUpstream, startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];
type Breaker = NonNullable<ServiceInput['breaker']>;

const breaker: Breaker = { failures: '50%', minRequests: 4, openFor: '5s', probes: 2 };

/** Answers with whatever status it has been told last, and counts. */
interface Moody {
  readonly upstream: RawUpstream;
  status: number;
  asked: number;
}

async function startMoody(t: TestContext, status: number): Promise<Moody> {
  const moody = { status, asked: 0 };
  const upstream = await startRawUpstream(
    onEachRequest((connection) => {
      moody.asked += 1;
      connection.send(`HTTP/1.1 ${moody.status} X\r\ncontent-length: 0\r\n\r\n`);
    }),
  );
  t.after(() => upstream.close());
  return Object.assign(moody, { upstream });
}

async function start(t: TestContext, endpoints: readonly Moody[], settings: Breaker, others: Partial<ServiceInput> = {}) {
  const clock = new FakeClock();
  const service = {
    endpoints: endpoints.map(({ upstream }) => upstream.url) as [string],
    breaker: settings,
    retry: false,
    ...others,
  } as const;
  const { gateway, advance } = await startForwarding(t, () => undefined, { clock, service });
  return { gateway, advance, ask: () => ask(gateway.port(), '/') };
}

async function statusesOf(count: number, send: () => Promise<{ status: number }>): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) statuses.push((await send()).status);
  return statuses;
}

test('a service that mostly fails is left alone, and its clients are told when to come again', async (t) => {
  const moody = await startMoody(t, 500);
  const { ask: send } = await start(t, [moody], breaker);
  assert.deepEqual(await statusesOf(4, send), [500, 500, 500, 500]);
  const refusal = await send();
  assert.equal(refusal.status, 503);
  assert.equal(refusal.headers['retry-after'], '5');
  assert.match(refusal.body, /"code":"GH_SERVICE_CIRCUIT_OPEN"/);
  assert.equal(moody.asked, 4);
});

test('answers that are the client’s fault are no failures', async (t) => {
  const moody = await startMoody(t, 404);
  const { ask: send } = await start(t, [moody], breaker);
  assert.deepEqual(await statusesOf(6, send), [404, 404, 404, 404, 404, 404]);
});

test('after a while probes are let through: it is asked again once they succeed, and left alone when one fails', async (t) => {
  const moody = await startMoody(t, 500);
  const { ask: send, advance } = await start(t, [moody], breaker);
  await statusesOf(4, send);
  await advance(5_000);
  assert.deepEqual(await statusesOf(2, send), [500, 503]);
  moody.status = 200;
  assert.equal((await send()).status, 503);
  await advance(5_000);
  assert.deepEqual(await statusesOf(6, send), [200, 200, 200, 200, 200, 200]);
});

test('a connection that is refused is a failure too', async (t) => {
  // Nobody listens there; a port that was given back might be somebody else's by now.
  const down = { endpoints: ['http://127.0.0.1:1'] as [string] };
  const { gateway, ask: send } = await start(t, [], { ...breaker, minRequests: 2 }, down);
  assert.deepEqual(await statusesOf(3, send), [502, 502, 503]);
  const lines = await gateway.stop();
  assert.equal(lines.at(-1)!['code'], 'GH_SERVICE_CIRCUIT_OPEN');
});

test('a reload does not make the gateway forget that a service fails', async (t) => {
  const moody = await startMoody(t, 500);
  const { gateway, ask: send } = await start(t, [moody], breaker);
  await statusesOf(4, send);
  const services = { main: { endpoints: [moody.upstream.url] as [string], breaker: { ...breaker, openFor: '7s' } } };
  assert.deepEqual(await gateway.reconfigure({ services, routes: { all: { match: { path: '/*' }, to: 'main' } } }), []);
  assert.equal((await send()).status, 503);
  assert.equal(moody.asked, 4);
});

test('each endpoint by itself: one that fails gives way to the others, until it succeeds again', async (t) => {
  const good = await startMoody(t, 200);
  const bad = await startMoody(t, 500);
  const { ask: send, advance } = await start(t, [good, bad], { ...breaker, per: 'endpoint' });
  await statusesOf(8, send);
  assert.equal(bad.asked, 4);
  assert.deepEqual(new Set(await statusesOf(6, send)), new Set([200]));
  assert.equal(bad.asked, 4);
  bad.status = 200;
  await advance(5_000);
  await statusesOf(8, send);
  assert.equal(bad.asked, 8);
});

test('a further attempt for which there is no budget spends no probe', async (t) => {
  const good = await startMoody(t, 200);
  const bad = await startMoody(t, 500);
  const retry = { on: [503], budget: { ratio: '0%', minPerSecond: 0 } };
  const { ask: send, advance } = await start(t, [good, bad], { ...breaker, per: 'endpoint', probes: 1 }, { retry });
  await statusesOf(8, send);
  assert.equal(bad.asked, 4);
  await advance(5_000);
  bad.status = 200;
  good.status = 503;
  // The first one goes to the good one by turn, and would rather go on to the other one.
  assert.deepEqual(await statusesOf(2, send), [503, 200]);
  assert.equal(bad.asked, 5);
});

test('when every endpoint is left alone there is none to ask', async (t) => {
  const bad = await startMoody(t, 500);
  const { ask: send } = await start(t, [bad], { ...breaker, per: 'endpoint' });
  await statusesOf(4, send);
  const refusal = await send();
  assert.equal(refusal.status, 503);
  assert.match(refusal.body, /"code":"GH_SERVICE_NO_ENDPOINT"/);
  assert.equal(bad.asked, 4);
});

test('what one thread learns holds for all', async (t) => {
  const moody = await startMoody(t, 500);
  const gateway = await startTestGateway(
    {
      services: { main: { endpoints: [moody.upstream.url], breaker: { ...breaker, minRequests: 1, openFor: '1h' } } },
      routes: { all: { match: { path: '/*' }, to: 'main' } },
    },
    { threads: 2 },
  );
  t.after(() => gateway.stop());
  assert.equal((await ask(gateway.port(), '/')).status, 500);
  // On connections of their own, so that they come to both threads.
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await ask(gateway.port(), '/')).status));
  assert.deepEqual(new Set(statuses), new Set([503]));
  await eventually(() => moody.asked === 1, 'the service was asked once');
});
