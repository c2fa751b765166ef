// A body that was signed and changed on its way: what a service receives of it, over real sockets.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { eventually } from '#test/support/eventually.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const SECRET = 'c91f6f2b1d2e47c08a53d1f0b6e4a795';
const BODY = 'x'.repeat(100_000);

async function start(t: TestContext) {
  const upstream = await startRawUpstream((connection) => {
    if (bodyOf(connection.received).length === BODY.length) connection.send('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone');
  });
  t.after(() => upstream.close());
  const gateway = await startTestGateway({
    consumers: { alice: { hmacKeys: [{ id: 'alice-1', secret: SECRET }] } },
    services: { orders: { endpoints: [upstream.url] } },
    routes: { all: { match: { path: '/*' }, to: 'orders' } },
    policies: { hmac: { covers: ['@method'] } },
  });
  t.after(() => gateway.stop());
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  /** All that a service has received, once nothing more can come. */
  const received = async () => {
    await eventually(
      () => upstream.connections.every(({ socket }) => socket.destroyed),
      'the connection to the service has ended',
    );
    return upstream.connections.map((connection) => connection.received).join('');
  };
  return { client, upstream, received };
}

function bodyOf(received: string): string {
  const head = received.indexOf('\r\n\r\n');
  return head < 0 ? '' : received.slice(head + 4);
}

function toHead(length: string): string {
  const digest = `sha-256=:${createHash('sha256').update(BODY).digest('base64')}:`;
  const created = Math.floor(systemClock.wallMs() / 1_000);
  const input = `("@method" "content-digest");created=${created};keyid="alice-1";nonce="one"`;
  const base = `"@method": POST\n"content-digest": ${digest}\n"@signature-params": ${input}`;
  const signature = createHmac('sha256', SECRET).update(base).digest('base64');
  const fields = [`content-digest: ${digest}`, `signature-input: sig=${input}`, `signature: sig=:${signature}:`, length];
  return `POST /orders HTTP/1.1\r\nhost: shop.example.com\r\nconnection: close\r\n${fields.join('\r\n')}\r\n\r\n`;
}

test('a signed body comes through whole', async (t) => {
  const { client, upstream } = await start(t);
  client.send(Buffer.from(toHead(`content-length: ${BODY.length}`) + BODY));
  assert.match(await client.untilEnd(), /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(bodyOf(upstream.connections[0]!.received), BODY);
});

test('a service never receives the end of a body that was changed', async (t) => {
  const { client, received } = await start(t);
  client.send(Buffer.from(`${toHead(`content-length: ${BODY.length}`)}${BODY.slice(1)}y`));
  assert.match(await client.untilEnd(), /^HTTP\/1\.1 401 .*GH_HMAC_BODY_CHANGED/s);
  const text = await received();
  assert.ok(bodyOf(text).length < BODY.length);
  assert.doesNotMatch(text, /y$/);
});

test('a body whose length is not known beforehand is not begun', async (t) => {
  const { client, received } = await start(t);
  client.send(Buffer.from(`${toHead('transfer-encoding: chunked')}1\r\nx\r\n0\r\n\r\n`));
  assert.match(await client.untilEnd(), /^HTTP\/1\.1 411 .*GH_HMAC_LENGTH_MISSING/s);
  assert.equal(await received(), '');
});
