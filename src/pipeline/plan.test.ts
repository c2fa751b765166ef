import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineErrors } from '#base/errors.ts';
import { type BenchAnswer, type BenchRequest, createPolicyBench, planPhases } from '#test/support/policy-bench.ts';
import type { PolicyPhases } from './policy.ts';

const testErrors = defineErrors('plan-test', {
  refused: { side: 'client', stage: 'read-body', status: 413, retry: 'never', help: 'Refused by a test.' },
});

const upper = (_: unknown, chunk: Buffer) => Buffer.from(chunk.toString('latin1').toUpperCase());
const bracket = (_: unknown, chunk: Buffer) => Buffer.from(`[${chunk.toString('latin1')}]`);

test('pieces of a request body are replaced by one policy after the other', async () => {
  const policies = [planPhases({ requestChunk: upper }), planPhases({}), planPhases({ requestChunk: bracket })];
  const bench = createPolicyBench({ policies });
  await bench.send({ method: 'POST', body: ['ab', 'c'] });
  assert.deepEqual(bench.seen[0]?.body, ['[AB]', '[C]']);
});

test('pieces of an answer are replaced in reverse order', async () => {
  const policies = [planPhases({ responseChunk: bracket }), planPhases({ responseChunk: upper })];
  const answer = await createPolicyBench({ policies, upstream: () => ({ body: ['ab', 'c'] }) }).send();
  assert.equal(answer.text, '[AB][C]');
});

test('a piece that no policy replaces is passed on as it is', async () => {
  const bench = createPolicyBench({
    policies: [planPhases({ requestChunk: () => undefined, responseChunk: () => undefined })],
  });
  const answer = await bench.send({ method: 'POST', body: ['ab'] });
  assert.deepEqual([bench.seen[0]?.body, answer.text], [['ab'], 'served']);
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

test('a policy that refuses a piece of an answer breaks it off and stops whoever produces it', async () => {
  let pieces = 0;
  const bench = createPolicyBench({
    policies: [
      planPhases({
        responseChunk() {
          pieces += 1;
          return pieces === 2 ? testErrors.refused() : undefined;
        },
      }),
    ],
    upstream: () => ({ body: ['a', 'b', 'c'] }),
  });
  const answer = await bench.send();
  assert.deepEqual([answer.status, answer.text, answer.isBrokenOff, pieces], [200, 'a', true, 2]);
  assert.equal(answer.exchange.error?.code, 'GH_PLAN_TEST_REFUSED');
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

test('a policy that throws in responseChunk breaks the answer off', async () => {
  const answer = await createPolicyBench({ policies: [planPhases({ responseChunk: fail })] }).send();
  assert.deepEqual([answer.status, answer.text, answer.isBrokenOff], [200, '', true]);
  assertFault(answer);
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
