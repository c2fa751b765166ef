/** The example of a batch does what it says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const KEY = 'a-key-that-is-long-enough-for-ops';

test('examples/one-request/batch.yaml answers as its comments say', async (t) => {
  const text = readFileSync(join(import.meta.dirname, '../../examples/one-request/batch.yaml'), 'utf8');
  const upstream = await startRawUpstream((connection) =>
    connection.send('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"id": 7 }'),
  );
  t.after(() => upstream.close());
  const { routes } = parse(text) as GatewayInput;
  const gateway = await startTestGateway({
    consumers: { ops: { keys: [KEY] } },
    services: { orders: { endpoints: [upstream.url] } },
    ...(routes && { routes }),
  });
  t.after(() => gateway.stop());
  const body = /-d '(.*)'$/m.exec(text)![1]!;
  const send = async (more: Record<string, string>) => {
    const headers = { 'content-type': 'application/json', ...more };
    const answer = await ask(gateway.port(), '/batch', { method: 'POST', headers, body });
    return { ...answer, statuses: [...answer.body.matchAll(/\{"status":(\d+)/g)].map((match) => Number(match[1])) };
  };
  const { statuses, body: answered } = await send({});
  assert.deepEqual(statuses, [200, 401]);
  assert.ok(answered.includes('"body":{"id": 7 }'), answered);
  assert.deepEqual((await send({ 'x-api-key': KEY })).statuses, [200, 200]);
});
