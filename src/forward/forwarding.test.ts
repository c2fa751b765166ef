// Faults of our own in the middle of forwarding: the client hears of them, and nothing else does.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { RoutePlan } from '#pipeline/plan.ts';
import { RespondTerminal } from '#reply/respond.ts';
import { serviceErrors } from '#services/service-errors.ts';
import { testForwardRules } from '#test/support/forward-rules.ts';
import { injectExchange } from '#test/support/inject-exchange.ts';
import { createServiceMeans, createTestService, type TestServiceMeans } from '#test/support/services.ts';
import { Fallback } from './fallback.ts';
import type { ForwardTarget } from './forward-target.ts';
import { Forwarding } from './forwarding.ts';
import { Mirrors } from './mirrors.ts';

/** Nobody listens here. */
const DOWN = 'http://127.0.0.1:1';

const fail = () => {
  throw new Error('a fault');
};

/** Does something with an exchange on its way to a service, and says what its client gets. */
async function forward(
  t: TestContext,
  urls: readonly string[],
  parts: Partial<ForwardTarget>,
  act: (forwarding: Forwarding, target: ForwardTarget, means: TestServiceMeans) => void,
): Promise<{ status: number; code: unknown }> {
  const means = createServiceMeans();
  const target: ForwardTarget = {
    service: createTestService(urls, {}, means),
    rules: testForwardRules,
    fallback: undefined,
    affinities: undefined,
    importance: 'normal',
    means: { ...means, random: () => 1, mirrors: new Mirrors(means), services: new Map() },
    ...parts,
  };
  t.after(() => {
    target.service.close();
    means.resolver.close();
  });
  const plan = new RoutePlan('all', [], new RespondTerminal({ status: 204, headers: [], body: undefined }));
  const answer = await injectExchange(means.clock, (exchange) => {
    const forwarding = new Forwarding(exchange, plan, target);
    exchange.source = forwarding;
    act(forwarding, target, means);
  });
  return { status: answer.status, code: (answer.json() as { code?: unknown }).code };
}

const internal = { status: 500, code: 'GH_GATEWAY_INTERNAL' };

test('a fault is answered with 500 when it happens as the turn of the exchange has come', async (t) => {
  const answer = await forward(t, [DOWN], {}, (forwarding, { service }) => {
    service.pick = fail;
    forwarding.enter();
  });
  assert.deepEqual(answer, internal);
});

test('a fault is answered with 500 when the service refuses, and another one is asked', async (t) => {
  const spare = createTestService([DOWN]);
  spare.pick = fail;
  const fallback = new Fallback({ kind: 'service', service: spare, rules: testForwardRules }, ['unavailable']);
  const answer = await forward(t, [DOWN], { fallback }, (forwarding) => {
    forwarding.refuse(serviceErrors.overloaded({ service: 'orders' }));
  });
  assert.deepEqual(answer, internal);
});

test('a fault is answered with 500 when an attempt has failed, and another endpoint is looked for', async (t) => {
  const answer = await forward(t, [DOWN], {}, (forwarding, { service }) => {
    service.pickUntried = fail;
    forwarding.start();
  });
  assert.deepEqual(answer, internal);
});

test('a fault is answered with 500 behind the pause between two attempts', async (t) => {
  const answer = await forward(t, [DOWN], {}, (forwarding, { service }) => {
    forwarding.start();
    service.pick = fail;
  });
  assert.deepEqual(answer, internal);
});

test('a fault is answered with 500 when the time of the request is up', async (t) => {
  const rules = { ...testForwardRules, requestLimit: { ms: 500, setting: 'services.orders.timeouts.request' } };
  const place = { kind: 'answer', terminal: { start: () => undefined } } as const;
  const fallback = Object.assign(new Fallback(place, ['timeout']), { answersAtOnce: fail });
  const answer = await forward(t, [DOWN], { rules, fallback }, (forwarding, _target, { clock, wheel }) => {
    forwarding.start();
    // Before the time is up that the connection has.
    clock.advance(800);
    wheel.advance();
  });
  assert.deepEqual(answer, internal);
});
