import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineErrors } from '#base/errors.ts';
import { type BenchAnswer, type BenchRequest, createPolicyBench, planPhases } from '#test/support/policy-bench.ts';
import type { PolicyPhases } from './policy.ts';

const testErrors = defineErrors('plan-test', {
  refused: { side: 'client', stage: 'read-body', status: 413, retry: 'never', help: 'Refused by a test.' },
});

test('a policy that refuses a piece of the request body ends the exchange, and nothing is answered twice', async () => {
  let bytes = 0;
  const bench = createPolicyBench({
    policies: [
      planPhases({
        requestChunk(_, chunk) {
          bytes += chunk.length;
          return bytes > 4 ? testErrors.refused() : undefined;
        },
      }),
    ],
  });
  const answer = await bench.send({ method: 'POST', body: ['ab', 'cd', 'e', 'f'] });
  assert.deepEqual([answer.status, bytes, bench.seen.length], [413, 5, 0]);
  assert.equal((answer.json() as { code: string }).code, 'GH_PLAN_TEST_REFUSED');
});

const secret = 'the password of the database';

function fail(): never {
  throw new TypeError(secret);
}

function assertInternal(answer: BenchAnswer): void {
  assert.equal(answer.status, 500);
  assert.deepEqual(answer.json(), {
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    detail: 'The gateway failed to handle the request.',
    code: 'GH_GATEWAY_INTERNAL',
    requestId: 'bench-request',
  });
  assert.deepEqual(answer.values('content-type'), ['application/problem+json']);
  assertFault(answer);
}

function assertFault(answer: BenchAnswer): void {
  assert.equal(answer.exchange.error?.code, 'GH_GATEWAY_INTERNAL');
  assert.equal((answer.exchange.error.cause as Error).message, secret, 'the log gets the reason');
  assert.ok(!JSON.stringify([answer.fields, answer.text]).includes('password'), 'the client does not');
}

const throwing: readonly (readonly [string, PolicyPhases, BenchRequest?])[] = [
  ['requestHead', { requestHead: fail }],
  ['requestHead, after waiting', { requestHead: () => Promise.reject(new TypeError(secret)) }],
  ['localAnswer', { localAnswer: fail }],
  ['requestChunk', { requestChunk: fail }, { method: 'POST', body: ['a', 'b'] }],
  ['upstreamRequest', { upstreamRequest: fail }],
  ['upstreamResponseHead', { upstreamResponseHead: fail }],
  ['responseHead', { responseHead: fail }],
  ['answerStage', { answerStage: fail }],
];

for (const [phase, phases, request] of throwing) {
  test(`a policy that throws in ${phase} is a fault of ours that tells nothing`, async () => {
    const upstream = () => ({ fields: ['x-upstream', '1', 'content-encoding', 'gzip'], body: ['from the ', 'upstream'] });
    const bench = createPolicyBench({ policies: [planPhases(phases)], upstream });
    const answer = await bench.send(request);
    assertInternal(answer);
    assert.deepEqual(answer.values('content-encoding'), []);
    assert.equal(bench.finished.length, 1);
  });
}

test('a policy that throws for an answer of the gateway itself has it replaced', async () => {
  const policies = [planPhases({ responseHead: fail }), planPhases({ requestHead: () => testErrors.refused() })];
  assertInternal(await createPolicyBench({ policies }).send());
});

test('a policy that throws in finish keeps no other from its word', async () => {
  const notes: string[] = [];
  const policies = [planPhases({ finish: fail }), planPhases({ finish: () => void notes.push('finish') })];
  const bench = createPolicyBench({ policies });
  const answer = await bench.send();
  assert.deepEqual([answer.status, answer.text, notes, bench.finished.length], [200, 'served', ['finish'], 1]);
  assertFault(answer);
});

test('policies that run after one that threw are not asked', async () => {
  const notes: string[] = [];
  const note = planPhases({ requestHead: () => void notes.push('next') as undefined });
  await createPolicyBench({ policies: [planPhases({ requestHead: fail }), note] }).send();
  assert.deepEqual(notes, []);
});
