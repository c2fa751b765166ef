/** The examples of compression do what they say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { brotliDecompressSync, gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { parse } from 'yaml';
import type { GatewayInput } from '#config/define-gateway.ts';
import { openMatrixClient, startMatrixUpstream } from '#test/support/matrix.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const orders = JSON.stringify(Array.from({ length: 100 }, (_, id) => ({ id, name: `order ${id}` })));

async function start(t: TestContext, example: string) {
  const seen: (string | undefined)[] = [];
  const service = await startMatrixUpstream(t, 'h1', (request, response) => {
    seen.push(String(request.headers['accept-encoding']));
    request.on('data', (bytes: Buffer) => seen.push(bytes.toString()));
    request.on('end', () => response.setHeader('content-type', 'application/json').end(orders));
  });
  const path = join(import.meta.dirname, '../../examples/one-request', example);
  const { services = {}, policies, routes } = parse(readFileSync(path, 'utf8')) as GatewayInput;
  const gateway = await startTestGateway({
    services: Object.fromEntries(Object.keys(services).map((name) => [name, service])),
    ...(policies && { policies }),
    ...(routes && { routes }),
  });
  t.after(() => gateway.stop());
  return { client: openMatrixClient(t, 'h1', gateway.port()), seen };
}

test('examples/one-request/compress.yaml compresses what it says', async (t) => {
  const { client, seen } = await start(t, 'compress.yaml');
  const ask = (path: string, accepted: string) => client.ask({ path, fields: { 'accept-encoding': accepted } });
  const br = await ask('/orders', 'br, gzip');
  assert.deepEqual([br.fields['content-encoding'], br.fields['vary']], ['br', 'accept-encoding']);
  assert.equal(brotliDecompressSync(br.body).toString(), orders);
  assert.equal(gunzipSync((await ask('/reports/7', 'br, gzip')).body).toString(), orders);
  assert.equal(zstdDecompressSync((await ask('/reports/7', '*')).body).toString(), orders);
  const account = await ask('/account/7', 'br');
  assert.deepEqual([account.fields['content-encoding'], account.body.toString()], [undefined, orders]);
  assert.equal((await client.ask({ path: '/orders' })).body.toString(), orders);
  assert.deepEqual(seen, ['identity', 'br, gzip', '*', 'br', 'identity']);
});

test('examples/one-request/decompress.yaml unpacks and refuses what it says', async (t) => {
  const { client, seen } = await start(t, 'decompress.yaml');
  const post = (coding: string, body: Buffer) =>
    client.ask({ method: 'POST', path: '/events', fields: { 'content-encoding': coding }, body });
  assert.equal((await post('gzip', gzipSync('one event\n'))).status, 200);
  assert.deepEqual(seen, ['undefined', 'one event\n']);
  assert.equal((await post('gzip', gzipSync(Buffer.alloc(50_000_000)))).status, 413);
  const unknown = await post('compress', Buffer.from('x'));
  assert.deepEqual([unknown.status, unknown.fields['accept-encoding']], [415, 'gzip, deflate, br, zstd']);
});
