/** The example of idempotency does what it says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { playExample } from './played-example.ts';

const file = join(import.meta.dirname, '../../examples/one-request/idempotency.yaml');

test('examples/one-request/idempotency.yaml answers as its comments say', async () => {
  const order = (item: number, key?: string) => ({
    start: 'POST /orders HTTP/1.1',
    fields: [['host', 'shop'], ...(key === undefined ? [] : [['idempotency-key', key]])] as [string, string][],
    body: `{"item":${item}}`,
  });
  const served = (fields: readonly (readonly [string, string])[] = []) => ({
    start: 'HTTP/1.1 200 OK',
    fields: [['content-type', 'text/plain'], ['server', 'shop/1.4'], ...fields] as [string, string][],
    body: 'served',
  });
  const refused = (start: string, code: string) => ({
    start,
    fields: [['content-type', 'application/problem+json']] as [string, string][],
    body: `{…"code":"${code}"…}`,
  });
  const steps = [
    { request: order(7, '"order-1"'), answer: served() },
    { request: order(7, '"order-1"'), answer: served([['idempotency-replayed', 'true']]) },
    {
      request: order(8, '"order-1"'),
      answer: refused('HTTP/1.1 422 Unprocessable Content', 'GH_IDEMPOTENCY_OTHER_REQUEST'),
    },
    { request: order(7), answer: refused('HTTP/1.1 400 Bad Request', 'GH_IDEMPOTENCY_MISSING_KEY') },
  ];
  const transcripts = steps.map((step, line) => ({ line, received: undefined, ...step }));
  assert.deepEqual(await playExample({ line: 1, configuration: readFileSync(file, 'utf8'), transcripts }), []);
});
