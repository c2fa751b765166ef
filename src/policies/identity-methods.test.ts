/** Methods of finding out who asks, alone, as any of several and all of several, through a whole gateway without sockets. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createGateway, type GatewayInput } from '#gatehouse';
import { startRawUpstream } from '#test/support/raw-upstream.ts';

const KEY = 'robot-key-0123456789abcdef';
const SECRET = 'c91f6f2b1d2e47c08a53d1f0b6e4a795';
const PASSWORD = 'alice has a password';

const upstream = await startRawUpstream((connection) => connection.send('HTTP/1.1 204 No Content\r\n\r\n'));
after(() => upstream.close());

const configuration: GatewayInput = {
  version: 1,
  listeners: { web: { address: '127.0.0.1:0' } },
  accessLog: false,
  consumers: {
    robot: { keys: [KEY] },
    alice: { password: PASSWORD, hmacKeys: [{ id: 'alice-1', secret: SECRET }] },
    guest: {},
  },
  services: { shop: { endpoints: [upstream.url] } },
  routes: {
    any: {
      match: { path: '/any' },
      to: 'shop',
      policies: {
        'any-of': { methods: [{ 'api-key': {} }, { 'basic-auth': {} }, { hmac: { covers: ['@path'] } }], anonymous: 'guest' },
      },
    },
    all: { match: { path: '/all' }, to: 'shop', policies: { 'api-key': {}, 'basic-auth': {} } },
    each: {
      match: { path: '/each' },
      to: 'shop',
      policies: { 'api-key': { anonymous: 'guest' }, 'basic-auth': { anonymous: 'guest' } },
    },
  },
  policies: { headers: { response: { set: { 'x-consumer': '${consumer}' } } } },
};

const gateway = createGateway({ configuration });
after(() => gateway.stop());

async function ask(url: string, headers: Readonly<Record<string, string>> = {}) {
  const answer = await gateway.inject({ url, headers });
  return answer.status === 204 ? answer.headers['x-consumer'] : answer.status;
}

const key = { 'x-api-key': KEY };
const basic = { authorization: `Basic ${Buffer.from(`alice:${PASSWORD}`).toString('base64')}` };
const wrongBasic = { authorization: `Basic ${Buffer.from('alice:wrong').toString('base64')}` };

function sign(nonce: string): Record<string, string> {
  const input = `("@path");created=${Math.floor(systemClock.wallMs() / 1_000)};keyid="alice-1";nonce="${nonce}"`;
  const base = `"@path": /any\n"@signature-params": ${input}`;
  const signature = createHmac('sha256', SECRET).update(base).digest('base64');
  return { 'signature-input': `sig=${input}`, signature: `sig=:${signature}:` };
}

test('any of several: the first that accepts says who asks', async () => {
  assert.equal(await ask('/any', key), 'robot');
  assert.equal(await ask('/any', basic), 'alice');
  assert.equal(await ask('/any', { ...key, ...basic }), 'robot');
  assert.equal(await ask('/any', { ...key, ...wrongBasic }), 'robot');
  assert.equal(await ask('/any', { 'x-api-key': 'wrong', ...basic }), 'alice');
  assert.equal(await ask('/any'), 'guest');
  assert.equal(await ask('/any', wrongBasic), 401);
});

test('any of several: signatures count once there too, without any rate limit in the configuration', async () => {
  const signed = sign('one');
  assert.equal(await ask('/any', signed), 'alice');
  assert.equal(await ask('/any', signed), 401);
  assert.equal(await ask('/any', sign('two')), 'alice');
});

test('all of several: each must accept, and the last says who asks', async () => {
  assert.equal(await ask('/all', key), 401);
  assert.equal(await ask('/all', basic), 401);
  assert.equal(await ask('/all', { ...key, ...basic }), 'alice');
  assert.equal(await ask('/all', { ...key, ...wrongBasic }), 401);
});

test('whoever is anonymous to one method stays who another has found', async () => {
  assert.equal(await ask('/each'), 'guest');
  assert.equal(await ask('/each', key), 'robot');
  assert.equal(await ask('/each', basic), 'alice');
});
