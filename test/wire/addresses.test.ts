/** Clients that would like to be taken for somebody else, over real sockets of both families. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readAnswers } from '#test/support/answers.ts';
import { writeV2 } from '#test/support/proxy-headers.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const DENIED = '203.0.113.7';
const respond = { respond: { text: 'in' } };

const gateway = await startTestGateway({
  listeners: {
    web: { address: '127.0.0.1:0', trustedProxies: ['127.0.0.2'] },
    six: { address: '[::1]:0', trustedProxies: ['127.0.0.2'] },
    both: { address: '[::]:0', trustedProxies: ['127.0.0.2'] },
    trusting: { address: '[::1]:0', trustedProxies: ['::1'] },
    proxied: { address: '127.0.0.1:0', proxyProtocol: { from: ['127.0.0.3'] } },
    strict: { address: '127.0.0.1:0', policies: { ip: { allow: ['127.0.0.4'] } } },
  },
  policies: { ip: { deny: ['203.0.113.0/24', '2001:db8:bad::/48', '127.0.0.9'] } },
  routes: {
    all: { match: { path: '/*' }, to: respond },
    open: { match: { path: '/open' }, to: respond, policies: { ip: false } },
    own: { match: { path: '/own' }, to: respond, policies: { ip: { allow: ['127.0.0.5', '::1'] } } },
  },
});
after(() => gateway.stop());

interface Client {
  readonly listener?: string;
  readonly path?: string;
  /** Where it connects from; 127.0.0.2 and so on are all this machine. */
  readonly from?: string;
  readonly fields?: readonly string[];
  /** Sent before the request. */
  readonly proxyHeader?: Buffer | string;
}

async function send({ listener = 'web', path = '/', from, fields = [], proxyHeader = '' }: Client): Promise<number> {
  const isIpv6 = listener === 'six' || listener === 'trusting';
  const client = await RawClient.open(gateway.port(listener), isIpv6 ? '::1' : '127.0.0.1', from);
  client.send(proxyHeader);
  const lines = ['host: shop.test', ...fields, 'connection: close'].map((line) => `${line}\r\n`);
  client.send(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const text = await client.untilEnd();
  client.close();
  return readAnswers(text, ['GET']).answers[0]?.status ?? 0;
}

const v1 = (address: string) => `PROXY ${address.includes(':') ? 'TCP6' : 'TCP4'} ${address} ${address} 40000 443\r\n`;
/** Version 2 with 203.0.113.7 as the client. */
const v2Denied = writeV2({ block: Buffer.from('cb007107c63364079c4001bb', 'hex') });
/** The same in the form of IPv6. */
const v2Mapped = writeV2({
  family: 0x21,
  block: Buffer.from(`${'00000000000000000000ffffcb007107'.repeat(2)}9c4001bb`, 'hex'),
});

const cases: readonly (readonly [what: string, client: Client, status: number])[] = [
  ['a client that nobody denies', {}, 200],
  ['a client that is denied', { from: '127.0.0.9' }, 403],
  ['its neighbour', { from: '127.0.0.8' }, 200],
  ['a client over IPv6 that nobody denies', { listener: 'six' }, 200],
  ['an IPv4 client of a listener for both families', { listener: 'both', from: '127.0.0.9' }, 403],
  ['its neighbour there', { listener: 'both', from: '127.0.0.8' }, 200],

  ['a denied client that names another', { from: '127.0.0.9', fields: ['x-forwarded-for: 192.0.2.1'] }, 403],
  ['a denied client that names this machine', { from: '127.0.0.9', fields: ['x-forwarded-for: 127.0.0.1'] }, 403],
  ['a denied client with `forwarded`', { from: '127.0.0.9', fields: ['forwarded: for=192.0.2.1'] }, 403],
  ['a denied client with other names for it', { from: '127.0.0.9', fields: ['x-real-ip: 192.0.2.1', 'client-ip: ::1'] }, 403],
  ['an untrusted client that names a denied one', { fields: [`x-forwarded-for: ${DENIED}`] }, 200],
  ['an untrusted client over IPv6 that names a denied one', { listener: 'six', fields: [`x-forwarded-for: ${DENIED}`] }, 200],
  ['an untrusted client that names an allowed one', { path: '/own', fields: ['x-forwarded-for: 127.0.0.5'] }, 403],
  ['a PROXY header where none is read', { proxyHeader: v1('192.0.2.1'), from: '127.0.0.9' }, 400],

  ['a trusted proxy for a client that nobody denies', { from: '127.0.0.2', fields: ['x-forwarded-for: 192.0.2.1'] }, 200],
  ['a trusted proxy for a denied client', { from: '127.0.0.2', fields: [`x-forwarded-for: ${DENIED}`] }, 403],
  ['a trusted proxy, over IPv6', { listener: 'trusting', fields: [`x-forwarded-for: ${DENIED}`] }, 403],
  [
    'a denied client that put others before itself',
    { from: '127.0.0.2', fields: [`x-forwarded-for: 192.0.2.1, 127.0.0.1, ${DENIED}`] },
    403,
  ],
  ['the same in two lines', { from: '127.0.0.2', fields: ['x-forwarded-for: 192.0.2.1', `x-forwarded-for: ${DENIED}`] }, 403],
  ['a client that put a denied one before itself', { from: '127.0.0.2', fields: [`x-forwarded-for: ${DENIED}, 192.0.2.1`] }, 200],
  [
    'a denied client that put the trusted proxy before itself',
    { from: '127.0.0.2', fields: [`x-forwarded-for: 127.0.0.2, ${DENIED}, 127.0.0.2`] },
    403,
  ],

  ['a PROXY header of a denied client', { listener: 'proxied', from: '127.0.0.3', proxyHeader: v1(DENIED) }, 403],
  ['a PROXY header of its neighbour', { listener: 'proxied', from: '127.0.0.3', proxyHeader: v1('203.0.114.7') }, 200],
  [
    'a PROXY header of a denied client over IPv6',
    { listener: 'proxied', from: '127.0.0.3', proxyHeader: v1('2001:db8:bad::9') },
    403,
  ],
  ['a binary PROXY header', { listener: 'proxied', from: '127.0.0.3', proxyHeader: v2Denied }, 403],
  ['a binary PROXY header with a mapped address', { listener: 'proxied', from: '127.0.0.3', proxyHeader: v2Mapped }, 403],
  ['a binary PROXY header of another', { listener: 'proxied', from: '127.0.0.3', proxyHeader: writeV2() }, 200],
  ['a PROXY header from somebody else', { listener: 'proxied', from: '127.0.0.9', proxyHeader: v1('192.0.2.1') }, 400],

  ['a listener with a list of its own', { listener: 'strict', from: '127.0.0.4' }, 200],
  ['a listener with a list of its own, and somebody else', { listener: 'strict', from: '127.0.0.1' }, 403],
  ['a route that switches it off', { path: '/open', from: '127.0.0.9' }, 200],
  ['a route that switches it off, through that listener', { listener: 'strict', path: '/open' }, 200],
  ['a route with a list of its own', { path: '/own', from: '127.0.0.5' }, 200],
  ['a route with a list of its own, over IPv6', { listener: 'six', path: '/own' }, 200],
  ['a route with a list of its own, and somebody else', { path: '/own' }, 403],
  ['a path in another spelling', { path: '/%6fwn' }, 403],
  ['a path that leads back', { path: '/open/../own' }, 403],
];

/** All spellings of one denied address that a proxy may pass on. */
const spellings = [
  DENIED,
  `${DENIED}:4711`,
  `::ffff:${DENIED}`,
  `::FFFF:${DENIED}`,
  '::ffff:cb00:7107',
  '0:0:0:0:0:ffff:cb00:7107',
  `"[::ffff:${DENIED}]:80"`,
  '2001:db8:bad::1',
  '2001:0DB8:0BAD:0000:0000:0000:0000:0001',
  '[2001:db8:bad::1]:443',
  '2001:db8:bad::1%25eth0',
  '2001:db8:bad:0:0:0:1.2.3.4',
];

for (const [what, client, status] of cases) test(`${status} for ${what}`, async () => assert.equal(await send(client), status));

for (const spelling of spellings) {
  test(`403 for a client that a trusted proxy calls ${spelling}`, async () => {
    const quoted = spelling.startsWith('"') ? spelling : `"${/^[^[]*:[^:]*:/.test(spelling) ? `[${spelling}]` : spelling}"`;
    assert.equal(await send({ from: '127.0.0.2', fields: [`forwarded: for=${quoted}`] }), 403, 'forwarded');
    if (spelling.startsWith('"')) return;
    assert.equal(await send({ from: '127.0.0.2', fields: [`x-forwarded-for: ${spelling}`] }), 403, 'x-forwarded-for');
  });
}

test('the access log has the rule', async () => {
  await send({ path: '/logged', from: '127.0.0.9' });
  const line = (await gateway.stop()).find(({ target }) => target === '/logged');
  assert.deepEqual(
    [line?.['status'], line?.['client'], line?.['code'], line?.['detail']],
    [403, '127.0.0.9', 'GH_IP_REFUSED', { list: 'deny', rule: '127.0.0.9' }],
  );
});
