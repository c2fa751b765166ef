/** A policy that throws, in front of a real upstream: the exchange ends, and nothing else does. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { silentLogger } from '#base/logger.ts';
import { runAtOnce } from '#base/slices.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import { loadConfigurationValue } from '#config/load.ts';
import { Mirrors } from '#forward/mirrors.ts';
import type { Exchange } from '#http/exchange.ts';
import { FrameMemory } from '#http/frame-memory.ts';
import { type InjectedRequest, inject } from '#http/inject.ts';
import { TurnEnd } from '#http/turn-end.ts';
import { NameResolver } from '#net/name-resolver.ts';
import { ReadBuffers } from '#net/read-buffers.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { definePolicy, type PolicyDefinition, type PolicyPhases } from '#pipeline/policy.ts';
import { rescue } from '#pipeline/rescue.ts';
import { runPlan } from '#pipeline/run.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import { compileSnapshot } from '#snapshot/compile.ts';
import { arrive } from '#test/support/arrive.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { noGateway } from '#test/support/no-gateway.ts';
import { createPolicyServices } from '#test/support/policy-services.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { SERVICE_SLOT, toRecords } from '#test/support/services.ts';

function fail(): never {
  throw new TypeError('inside');
}

/** Throws when the path of the request names the phase. */
function failingIn(phase: string): (exchange: Exchange) => undefined {
  return ({ request }) => (request.path === `/${phase}` ? fail() : undefined);
}

const phases: PolicyPhases = {
  requestHead: failingIn('requestHead'),
  requestChunk: failingIn('requestChunk'),
  upstreamRequest: failingIn('upstreamRequest'),
  upstreamResponseHead: failingIn('upstreamResponseHead'),
  responseHead: failingIn('responseHead'),
  answerStage: failingIn('answerStage'),
  finish: failingIn('finish'),
};

const failingPolicy: PolicyDefinition = definePolicy({
  name: 'failing',
  summary: 'Throws.',
  loadConfig: async () => z.strictObject({}),
  errors: {},
  create: () => phases,
});

const answerText = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\nx-upstream: 1\r\n\r\nserved';

async function startSnapshot(t: TestContext) {
  const upstream = await startRawUpstream((connection, chunk) => {
    if (/\r\n\r\n/.test(chunk)) connection.send(answerText);
  });
  const value = {
    version: 1,
    listeners: { web: { address: '127.0.0.1:0' } },
    services: { main: { endpoints: [upstream.url] } },
    routes: { all: { match: { path: '/*' }, to: 'main' } },
    policies: { failing: {} },
  };
  const { configuration, issues } = await loadConfigurationValue(value, '.', { policies: [failingPolicy], env: {} });
  assert.deepEqual(issues, []);
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const resolver = new NameResolver({ servers: [], ttlMinMs: 1000, ttlMaxMs: 1000 }, clock);
  const means = {
    ...createPolicyServices({ clock }),
    ...noGateway,
    mirrors: new Mirrors({ clock, wheel, logger: silentLogger }),
    wheel,
    buffers: new ReadBuffers(),
    frames: new FrameMemory(),
    turnEnd: new TurnEnd(),
    resolver,
    findFunction: () => () => undefined,
    findCounter: () => undefined,
    policies: [failingPolicy],
    texts: {},
    board: new EndpointBoard(),
    random: () => 0.5,
    endpoints: { main: { version: 1, records: toRecords(upstream.url), slot: SERVICE_SLOT } },
  };
  const snapshot = runAtOnce(compileSnapshot(arrive(configuration!), undefined, means));
  const finished: Exchange[] = [];
  t.after(async () => {
    for (const service of snapshot.services.values()) service.close();
    resolver.close();
    wheel.stop();
    await upstream.close();
  });
  const send = (request: InjectedRequest) =>
    inject(request, {
      target: {
        onExchange: (exchange) => runPlan(exchange, snapshot.findPlan(exchange)!),
        onRefusedRequest: rescue,
        onExchangeFinished: (exchange) => void finished.push(exchange),
      },
      nextRequestId: () => 'id',
      nowMs: () => clock.monotonicMs(),
      defaultListener: 'web',
      via: 'test',
      refuse: (reason) => gatewayErrors.internal({ reason }),
    });
  return { upstream, finished, send };
}

for (const phase of ['requestHead', 'requestChunk', 'upstreamRequest', 'upstreamResponseHead', 'responseHead', 'answerStage']) {
  test(`a policy that throws in ${phase} ends the exchange with 500, and the next one is served`, async (t) => {
    const { upstream, finished, send } = await startSnapshot(t);
    const answer = await send({ method: 'POST', url: `/${phase}`, body: 'x' });
    assert.equal(answer.status, 500);
    assert.equal((answer.json() as { code: string }).code, 'GH_GATEWAY_INTERNAL');
    assert.equal(answer.headers['x-upstream'], undefined);
    assert.equal((await send({ url: '/fine' })).text(), 'served');
    assert.equal(finished.length, 2);
    await eventually(
      () => upstream.connections.filter(({ socket }) => !socket.closed).length <= 1,
      'the connection of the failed exchange is closed',
    );
  });
}

test('a policy that throws in finish leaves the answer as it is', async (t) => {
  const { finished, send } = await startSnapshot(t);
  assert.equal((await send({ url: '/finish' })).text(), 'served');
  assert.equal(finished[0]?.error?.code, 'GH_GATEWAY_INTERNAL');
});
