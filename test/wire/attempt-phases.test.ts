// Policies that act on each attempt see each of them, also those whose answer is thrown away.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { ForwardTerminal } from '#forward/forward.ts';
import { Mirrors } from '#forward/mirrors.ts';
import type { InjectedAnswer } from '#http/inject.ts';
import { RoutePlan } from '#pipeline/plan.ts';
import type { PolicyPhases } from '#pipeline/policy.ts';
import { runPlan } from '#pipeline/run.ts';
import { testForwardRules } from '#test/support/forward-rules.ts';
import { injectExchange } from '#test/support/inject-exchange.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { answerWith } from '#test/support/scripted-service.ts';
import { createServiceMeans, createTestService } from '#test/support/services.ts';

/** One endpoint that refuses and one that answers, behind one policy. */
async function ask(t: TestContext, phases: PolicyPhases): Promise<{ answer: InjectedAnswer; heads: string[] }> {
  const heads: string[] = [];
  const statuses = [503, 200];
  const upstreams = await Promise.all(
    statuses.map((status) =>
      startRawUpstream((connection) => {
        heads.push(connection.received);
        answerWith(status)(connection, '', 0);
      }),
    ),
  );
  const means = createServiceMeans();
  const service = createTestService(
    upstreams.map(({ url }) => url),
    {},
    means,
  );
  const terminal = new ForwardTerminal(
    { services: [{ service, weight: 1, rules: testForwardRules }] },
    { ...means, random: () => 0, mirrors: new Mirrors(means), services: new Map() },
  );
  const plan = new RoutePlan('all', [{ name: 'watching', phases }], terminal);
  t.after(async () => {
    service.close();
    means.resolver.close();
    for (const upstream of upstreams) await upstream.close();
  });
  const answer = await injectExchange(means.clock, (exchange) => runPlan(exchange, plan));
  return { answer, heads };
}

test('each attempt has a head of its own, and each answer is shaped, the one that is thrown away too', async (t) => {
  const statuses: number[] = [];
  let sent = 0;
  const { answer, heads } = await ask(t, {
    upstreamRequest: (_exchange, request) => void request.fields.push('x-attempt', String(++sent)),
    upstreamResponseHead: (_exchange, response) => {
      statuses.push(response.status);
      response.fields.push('x-shaped', String(statuses.length));
    },
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(statuses, [503, 200]);
  assert.equal(answer.headers['x-shaped'], '2');
  assert.match(heads[0]!, /\r\nx-attempt: 1\r\n/);
  assert.match(heads[1]!, /\r\nx-attempt: 2\r\n/);
  assert.doesNotMatch(heads[1]!, /x-attempt: 1/);
});

test('the status of the upstream decides, not what a policy makes of it', async (t) => {
  const { answer } = await ask(t, {
    upstreamResponseHead: (_exchange, response) => {
      response.status = response.status === 503 ? 200 : 503;
    },
  });
  assert.equal(answer.status, 503);
});

test('a policy that throws at an answer which is not wanted ends the exchange, and nothing is tried again', async (t) => {
  const { answer, heads } = await ask(t, {
    upstreamResponseHead: () => {
      throw new Error('broken');
    },
  });
  assert.equal(answer.status, 500);
  assert.equal(heads.length, 1);
});
