/** The examples of documents do what they say, with the document that lies beside them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import type { GatewayInput } from '#config/define-gateway.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { bodyOf, fieldOf, statusOf } from '#test/support/site.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const folder = join(import.meta.dirname, '../../examples/one-request');
const ORDER = '{"items":[{"sku":"chair-4","count":2}]}';

async function start(t: TestContext, example: string, answer = '[]') {
  const upstream = await startRawUpstream((connection) =>
    connection.send(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`),
  );
  const text = readFileSync(join(folder, example), 'utf8').replaceAll('./shop-api', join(folder, 'shop-api'));
  const { routes } = parse(text.replace('sample: 5%', 'sample: 100%')) as GatewayInput;
  const gateway = await startTestGateway({ services: { shop: { endpoints: [upstream.url] } }, routes });
  t.after(async () => {
    await gateway.stop();
    await upstream.close();
  });
  const ask = async (line: string, body = '', fields = 'content-type: application/json\r\n') => {
    const client = await RawClient.open(gateway.port());
    const length = body === '' ? '' : `${fields}content-length: ${body.length}\r\n`;
    client.send(`${line} HTTP/1.1\r\nhost: a\r\n${length}connection: close\r\n\r\n${body}`);
    const got = await client.untilEnd();
    client.close();
    return got;
  };
  return { ask, gateway };
}

function pointersOf(answer: string): string[] {
  const { errors } = JSON.parse(bodyOf(answer)) as { readonly errors: readonly { in: string; pointer: string }[] };
  return errors.map(({ in: place, pointer }) => `${place} ${pointer}`);
}

test('examples/one-request/validate.yaml answers as its comments say', async (t) => {
  const { ask, gateway } = await start(t, 'validate.yaml');
  assert.deepEqual(pointersOf(await ask('GET /v1/orders?limit=500&state=open,lost')), ['query /limit', 'query /state/1']);
  assert.deepEqual(pointersOf(await ask('POST /v1/orders', '{"items":[{"sku":"chair-4","count":0}]}')), ['body /items/0/count']);
  assert.deepEqual(pointersOf(await ask('POST /v1/orders', ORDER.replace('}]', ',"colour":1}]'))), ['body /items/0/colour']);
  const form = await ask('POST /v1/orders', 'items=1', 'content-type: application/x-www-form-urlencoded\r\n');
  assert.equal(statusOf(form), 415);
  assert.equal(fieldOf(await ask('DELETE /v1/orders'), 'allow'), 'GET, POST, HEAD');
  assert.equal(statusOf(await ask('GET /v1/baskets')), 404);
  assert.deepEqual(pointersOf(await ask('GET /search?page=none')), ['query /page']);
  assert.equal(statusOf(await ask('GET /search?page=2')), 200);
  assert.equal(statusOf(await ask('GET /v1/orders?limit=5')), 200);
  // The service answers what the document does not promise here, which is only logged.
  assert.equal(statusOf(await ask('POST /v1/orders', ORDER)), 200);
  const reported = (await gateway.stop()).flatMap(({ target, reported: found }) =>
    found === undefined ? [] : [[target, found]],
  );
  const detail = { in: 'status', pointer: '', keyword: 'undeclared', message: 'status 200 is not declared' };
  assert.deepEqual(reported, [['/v1/orders', { code: 'GH_VALIDATE_INVALID_ANSWER', detail }]]);
});

test('examples/one-request/mock.yaml answers as its comments say', async (t) => {
  const { ask } = await start(t, 'mock.yaml');
  const made = await ask('GET /v1/orders/7');
  assert.deepEqual(
    [statusOf(made), JSON.parse(bodyOf(made))],
    [200, { id: 7, items: [{ sku: 'chair-4', count: 1, price: 49.9 }] }],
  );
  const placed = await ask('POST /v1/orders', ORDER);
  assert.deepEqual([statusOf(placed), (JSON.parse(bodyOf(placed)) as { id: number }).id], [201, 7]);
  const soldOut = await ask('POST /v1/orders', ORDER, 'content-type: application/json\r\nprefer: code=409\r\n');
  assert.deepEqual([statusOf(soldOut), fieldOf(soldOut, 'preference-applied')], [409, 'code=409']);
  assert.equal(statusOf(await ask('POST /v1/orders', '{}')), 400);
  const closed = await ask('GET /stock');
  assert.deepEqual([statusOf(closed), fieldOf(closed, 'retry-after')], [503, '30']);
});
