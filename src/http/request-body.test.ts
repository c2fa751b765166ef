import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '#base/errors.ts';
import type { PhaseResult } from '#pipeline/policy.ts';
import { createPolicyBench, planPhases } from '#test/support/policy-bench.ts';
import type { Exchange } from './exchange.ts';
import { readRequestBody, replaceRequestBody } from './request-body.ts';

type Look = (body: Buffer, exchange: Exchange) => PhaseResult | undefined;

/** A policy that reads the body first. */
const reading = (bytesMax: number, look: Look = () => undefined) =>
  planPhases({
    async requestHead(exchange) {
      const body = await readRequestBody(exchange, bytesMax);
      return body instanceof GatewayError ? body : look(body, exchange);
    },
  });

const post = (body: readonly string[], more = {}) => ({ method: 'POST', body, ...more });

test('a body that was read as a whole reaches the service as it was', async () => {
  const seen: string[] = [];
  const note: Look = (body) => void seen.push(body.toString('latin1')) as undefined;
  const bench = createPolicyBench({ policies: [reading(4, note), reading(8, note)] });
  assert.equal((await bench.send(post(['ab', 'c', 'd']))).text, 'served');
  assert.deepEqual([seen, bench.seen[0]?.body], [['abcd', 'abcd'], ['abcd']]);
  assert.match(bench.seen[0]!.head, /content-length: 4\r\n/);
});

test('a request without a body has an empty one', async () => {
  const seen: number[] = [];
  const bench = createPolicyBench({ policies: [reading(4, (body) => void seen.push(body.length) as undefined)] });
  await bench.send({});
  assert.deepEqual([seen, bench.seen[0]?.body], [[0], []]);
  assert.doesNotMatch(bench.seen[0]!.head, /content-length/);
});

test('a longer body is refused, whether it says so or not', async () => {
  for (const request of [post(['ab', 'cd', 'e', 'f']), post(['abcde'], { contentLength: 5 })]) {
    const bench = createPolicyBench({ policies: [reading(4)] });
    const answer = await bench.send(request);
    assert.deepEqual([answer.status, bench.seen.length], [413, 0]);
    assert.equal((answer.json() as { code: string }).code, 'GH_CLIENT_BODY_TOO_LONG');
  }
  const bench = createPolicyBench({ policies: [reading(8), reading(4)] });
  assert.equal((await bench.send(post(['abcde']))).status, 413);
});

test('a body can be replaced, and can be given to a request without one', async () => {
  const replace: Look = (_, exchange) => void replaceRequestBody(exchange, Buffer.from('longer')) as undefined;
  const bench = createPolicyBench({ policies: [reading(4, replace)] });
  await bench.send(post(['ab'], { contentLength: 2 }));
  await bench.send({});
  for (const { body, head } of bench.seen) {
    assert.deepEqual(body, ['longer']);
    assert.match(head, /content-length: 6\r\n/);
  }
  const remove: Look = (_, exchange) => void replaceRequestBody(exchange, Buffer.alloc(0)) as undefined;
  const removing = createPolicyBench({ policies: [reading(4, remove)] });
  await removing.send(post(['ab'], { contentLength: 2 }));
  assert.deepEqual(removing.seen[0]?.body, []);
});

test('a policy that counts the body sees it while it is read', async () => {
  const seen: number[] = [];
  const counting = planPhases({ requestChunk: (_, chunk) => void seen.push(chunk.length) as undefined });
  await createPolicyBench({ policies: [counting, reading(9)] }).send(post(['ab', 'c']));
  assert.deepEqual(seen, [2, 1]);
});
