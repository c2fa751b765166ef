import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineErrors, type GatewayError } from '#base/errors.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { createPolicyBench, planPhases } from '#test/support/policy-bench.ts';
import { rescue } from './rescue.ts';

const testErrors = defineErrors('rescue-test', {
  refused: { side: 'client', stage: 'policy', status: 429, retry: 'never', help: 'There is too much of it.' },
});

function benchRefusing(error: GatewayError) {
  return createPolicyBench({ policies: [planPhases({ requestHead: () => error })] });
}

test('an error becomes a problem document (RFC 9457)', async () => {
  const answer = await benchRefusing(testErrors.refused({ secret: 'for the log' })).send();
  assert.equal(answer.status, 429);
  assert.deepEqual(answer.fields, ['content-type', 'application/problem+json']);
  assert.ok(answer.text.endsWith('}\n'));
  assert.deepEqual(answer.json(), {
    type: 'about:blank',
    title: 'Too Many Requests',
    status: 429,
    detail: 'There is too much of it.',
    code: 'GH_RESCUE_TEST_REFUSED',
    requestId: 'bench-request',
  });
});

test('what a client may know stands in the detail, whatever it holds', async () => {
  const answer = await benchRefusing(testErrors.refused({}, { publicDetail: 'more than "10"\n' })).send();
  assert.equal((answer.json() as { detail: string }).detail, 'There is too much of it: more than "10"\n.');
});

test('an answer to HEAD has the head of the problem and no body', async () => {
  const answer = await benchRefusing(testErrors.refused()).send({ method: 'HEAD' });
  assert.deepEqual([answer.status, answer.text], [429, '']);
  assert.deepEqual(answer.values('content-type'), ['application/problem+json']);
});

test('an answer that has begun is broken off and never continued', async () => {
  const bench = createPolicyBench({ upstream: () => ({ body: ['half'], error: upstreamErrors.truncatedBody() }) });
  const answer = await bench.send();
  assert.deepEqual([answer.status, answer.text, answer.isBrokenOff], [200, 'half', true]);
  assert.equal(answer.exchange.error?.code, 'GH_UPSTREAM_TRUNCATED_BODY');
});

test('an exchange that is over is left as it is', async () => {
  const { exchange, status } = await createPolicyBench().send();
  rescue(exchange, testErrors.refused());
  assert.deepEqual([status, exchange.status, exchange.error], [200, 200, undefined]);
});

test('whoever produces the answer is told that nobody waits for it', async () => {
  const told: string[] = [];
  const terminal = {
    start(exchange: Parameters<typeof rescue>[0]) {
      exchange.source = {
        onRequestChunk() {},
        onRequestEnd() {},
        onRequestFlush() {},
        onClientDrained() {},
        onClientGone: () => void told.push('left'),
      };
      rescue(exchange, testErrors.refused());
    },
  };
  await createPolicyBench({ terminal }).send();
  assert.deepEqual(told, ['left']);
});
