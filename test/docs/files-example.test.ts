/** The example of files does what it says, with the folder that lies beside it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { GatewayInput } from '#config/define-gateway.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { bodyOf, fieldOf, statusOf } from '#test/support/site.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const folder = join(import.meta.dirname, '../../examples/one-request');

test('examples/one-request/files.yaml answers as its comments say', async (t) => {
  const text = readFileSync(join(folder, 'files.yaml'), 'utf8').replace('./site', join(folder, 'site'));
  const { services, routes } = parse(text) as GatewayInput;
  const gateway = await startTestGateway({ services, routes });
  t.after(() => gateway.stop());
  const ask = async (path: string, field = '') => {
    const client = await RawClient.open(gateway.port());
    client.send(`GET ${path} HTTP/1.1\r\nhost: a\r\naccept: */*\r\n${field}connection: close\r\n\r\n`);
    const answer = await client.untilEnd();
    client.close();
    return answer;
  };
  const page = await ask('/');
  assert.deepEqual([statusOf(page), fieldOf(page, 'cache-control')], [200, 'no-cache']);
  assert.equal(bodyOf(await ask('/users/7')), bodyOf(page));
  const script = await ask('/assets/app.4f1d9c.js');
  assert.deepEqual([statusOf(script), fieldOf(script, 'cache-control')], [200, 'public, max-age=31536000, immutable']);
  assert.equal(bodyOf(await ask('/assets/app.4f1d9c.js', 'range: bytes=0-9\r\n')), bodyOf(script).slice(0, 10));
  const missing = await ask('/assets/none.js');
  assert.equal(statusOf(missing), 404);
  assert.match(bodyOf(missing), /There is nothing here/);
});
