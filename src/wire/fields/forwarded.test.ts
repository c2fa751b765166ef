import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '#base/limits.ts';
import { dropForwardingFields, findClient, toForwardingFields } from './forwarded.ts';

/** Proxies are 10.x and fd00::x; 10.0.0.1 is the peer. */
const peer = {
  address: '10.0.0.1',
  scheme: 'http',
  isTrusted: (address: string) => address.startsWith('10.') || address.startsWith('fd00:'),
} as const;

const xff = (value: string) => ['x-forwarded-for', value];
const forwarded = (value: string) => ['forwarded', value];

const chains: readonly (readonly [name: string, fields: readonly string[], chain: readonly string[]])[] = [
  ['nothing said', [], ['10.0.0.1']],
  ['one address', xff('1.2.3.4'), ['1.2.3.4', '10.0.0.1']],
  ['a forged address before the true one', xff('6.6.6.6, 1.2.3.4'), ['1.2.3.4', '10.0.0.1']],
  ['trusted proxies in between', xff('1.2.3.4, 10.0.0.3,10.0.0.2'), ['1.2.3.4', '10.0.0.3', '10.0.0.2', '10.0.0.1']],
  ['a forged trusted address', xff('10.6.6.6, 1.2.3.4, 10.0.0.2'), ['1.2.3.4', '10.0.0.2', '10.0.0.1']],
  ['only trusted addresses', xff('10.0.0.9, 10.0.0.2'), ['10.0.0.9', '10.0.0.2', '10.0.0.1']],
  [
    'several lines',
    [...xff('6.6.6.6'), 'accept', 'x', ...xff('1.2.3.4'), ...xff('10.0.0.2')],
    ['1.2.3.4', '10.0.0.2', '10.0.0.1'],
  ],
  ['a port', xff('1.2.3.4:5678'), ['1.2.3.4', '10.0.0.1']],
  ['an IPv6 address', xff('2001:DB8::1'), ['2001:db8::1', '10.0.0.1']],
  ['an IPv6 address in brackets', xff('[2001:db8::1]'), ['2001:db8::1', '10.0.0.1']],
  ['an IPv6 address with a port', xff('[2001:db8::1]:443, fd00::2'), ['2001:db8::1', 'fd00::2', '10.0.0.1']],
  ['an IPv4 address in IPv6', xff('::ffff:1.2.3.4'), ['1.2.3.4', '10.0.0.1']],
  ['a trusted IPv4 address in IPv6', xff('1.2.3.4, ::FFFF:10.0.0.2'), ['1.2.3.4', '10.0.0.2', '10.0.0.1']],
  ['no address', xff('1.2.3.4, unknown'), ['10.0.0.1']],
  ['an empty element', xff('1.2.3.4, '), ['10.0.0.1']],
  ['an empty value', xff(''), ['10.0.0.1']],
  ['a value of commas', xff(',,,'), ['10.0.0.1']],
  ['what only looks like an address', xff('1.2.3.4.5'), ['10.0.0.1']],
  ['an octet that is too large', xff('1.2.3.256'), ['10.0.0.1']],
  ['an address block', xff('1.2.3.0/24'), ['10.0.0.1']],
  ['a name', xff('example.com'), ['10.0.0.1']],
  ['brackets without end', xff('[::1'), ['10.0.0.1']],
  ['the standard field', forwarded('for=1.2.3.4'), ['1.2.3.4', '10.0.0.1']],
  ['the standard field in any case', forwarded('FOR=1.2.3.4;Proto=https'), ['1.2.3.4', '10.0.0.1']],
  [
    'the standard field with several hops',
    forwarded('for=6.6.6.6, for=1.2.3.4, for=10.0.0.2'),
    ['1.2.3.4', '10.0.0.2', '10.0.0.1'],
  ],
  ['a quoted IPv6 address', forwarded('for="[2001:db8::1]"'), ['2001:db8::1', '10.0.0.1']],
  ['a quoted IPv6 address with a port', forwarded('for="[2001:db8::1]:443";by=x'), ['2001:db8::1', '10.0.0.1']],
  ['a quoted IPv4 address with a port', forwarded('by=x ; for="1.2.3.4:80"'), ['1.2.3.4', '10.0.0.1']],
  ['a hidden name', forwarded('for=1.2.3.4, for=_hidden'), ['10.0.0.1']],
  ['an unknown client', forwarded('for=unknown'), ['10.0.0.1']],
  ['an element without for', forwarded('for=1.2.3.4, proto=https'), ['10.0.0.1']],
  ['commas and semicolons in quotes', forwarded('for=1.2.3.4;host="a,b;for=6.6.6.6"'), ['1.2.3.4', '10.0.0.1']],
  ['escaped quotes', forwarded('for=1.2.3.4;host="a\\",for=6.6.6.6"'), ['1.2.3.4', '10.0.0.1']],
  ['a quote that a client left open', forwarded('for="6.6.6.6, for=1.2.3.4'), ['1.2.3.4', '10.0.0.1']],
  ['a quote left open in an earlier line', [...forwarded('for="6.6.6.6'), ...forwarded('for=1.2.3.4')], ['1.2.3.4', '10.0.0.1']],
  ['the older field first', [...forwarded('for=6.6.6.6'), ...xff('1.2.3.4')], ['1.2.3.4', '10.0.0.1']],
];

test('walks from right to left, only as far as trust reaches', () => {
  for (const [name, fields, chain] of chains) {
    const client = findClient(fields, peer);
    assert.deepEqual(client.chain, chain, name);
    assert.equal(client.address, chain[0], name);
  }
});

test('stops behind as many hops as its limit says', () => {
  const hops = Array.from({ length: 100 }, (_, i) => `10.0.1.${i}`).join(', ');
  assert.equal(findClient(xff(hops), peer).chain.length, limits.forwardedHopsMax + 1);
  assert.equal(findClient(forwarded(hops.replaceAll('10.', 'for=10.')), peer).chain.length, limits.forwardedHopsMax + 1);
});

test('takes scheme and host from who is trusted, and else from the connection', () => {
  const table: readonly (readonly [fields: readonly string[], scheme: string, host: string | undefined])[] = [
    [[], 'http', undefined],
    [['x-forwarded-proto', 'https', 'x-forwarded-host', 'shop'], 'https', 'shop'],
    [['x-forwarded-proto', 'HTTPS'], 'https', undefined],
    [['x-forwarded-proto', 'http, https', 'x-forwarded-host', 'forged, shop'], 'https', 'shop'],
    [['x-forwarded-proto', 'http', 'x-forwarded-proto', 'https'], 'https', undefined],
    [['x-forwarded-proto', 'gopher'], 'http', undefined],
    [['x-forwarded-host', ''], 'http', undefined],
    [forwarded('for=1.2.3.4;proto=https;host=shop'), 'https', 'shop'],
    [forwarded('for=1.2.3.4;host="shop:8443"'), 'http', 'shop:8443'],
    [forwarded('for=6.6.6.6;host=forged;proto=https, for=1.2.3.4;host=shop'), 'http', 'shop'],
    [forwarded('for=1.2.3.4;host=shop;proto=https, for=10.0.0.2;host=inside;proto=http'), 'https', 'shop'],
    [forwarded('for=_x;host=forged;proto=https'), 'http', undefined],
  ];
  for (const [fields, scheme, host] of table) {
    const client = findClient(fields, peer);
    assert.deepEqual([client.scheme, client.host], [scheme, host], JSON.stringify(fields));
  }
});

test('never lets what a client wrote decide about itself', () => {
  const anything = fc.stringMatching(/^[for=;,"\\ 10.:[\]a-f]{0,40}$/);
  fc.assert(
    fc.property(anything, (garbage) => {
      assert.equal(findClient(xff(`${garbage}, 1.2.3.4`), peer).address, '1.2.3.4');
      assert.equal(findClient(forwarded(`${garbage}, for=1.2.3.4`), peer).address, '1.2.3.4');
      assert.equal(findClient([...forwarded(garbage), ...forwarded('for=1.2.3.4;proto=https')], peer).address, '1.2.3.4');
    }),
  );
});

const facts = {
  chain: ['1.2.3.4'],
  scheme: 'https',
  host: 'shop',
  version: '1.1',
  via: 'gatehouse',
  viaBefore: undefined,
} as const;

test('writes what it knows in both forms', () => {
  assert.deepEqual(toForwardingFields(facts), [
    ...['x-forwarded-for', '1.2.3.4', 'x-forwarded-proto', 'https', 'x-forwarded-host', 'shop'],
    ...['forwarded', 'for=1.2.3.4;host=shop;proto=https', 'via', '1.1 gatehouse'],
  ]);
  assert.deepEqual(
    toForwardingFields({
      ...facts,
      chain: ['2001:db8::1', '10.0.0.1'],
      host: 'shop:8443',
      version: '1.0',
      viaBefore: '1.1 edge',
    }),
    [
      ...['x-forwarded-for', '2001:db8::1, 10.0.0.1', 'x-forwarded-proto', 'https', 'x-forwarded-host', 'shop:8443'],
      ...['forwarded', 'for="[2001:db8::1]", for=10.0.0.1;host="shop:8443";proto=https', 'via', '1.1 edge, 1.0 gatehouse'],
    ],
  );
});

test('leaves out a host that nobody named, and says of a socket file that its client is unknown', () => {
  assert.deepEqual(toForwardingFields({ ...facts, chain: [''], host: '' }), [
    ...['x-forwarded-for', 'unknown', 'x-forwarded-proto', 'https'],
    ...['forwarded', 'for=unknown;proto=https', 'via', '1.1 gatehouse'],
  ]);
});

test('understands what it writes', () => {
  const written = toForwardingFields({ ...facts, chain: ['2001:db8::1', '10.0.0.2'], host: 'shop:8443' });
  const client = findClient([...forwarded(written[written.indexOf('forwarded') + 1]!)], peer);
  assert.deepEqual(client, {
    address: '2001:db8::1',
    scheme: 'https',
    host: 'shop:8443',
    chain: ['2001:db8::1', '10.0.0.2', '10.0.0.1'],
  });
});

test('drops everything that says where a request came from, and nothing else', () => {
  const names = [
    'x-forwarded-for',
    'x-forwarded-proto',
    'x-forwarded-host',
    'x-forwarded-port',
    'x-real-ip',
    'forwarded',
    'via',
    'x-request-id',
  ];
  const fields = names.flatMap((name) => [name, 'x', `${name}-not`, 'y']);
  assert.deepEqual(
    dropForwardingFields(fields),
    names.flatMap((name) => [`${name}-not`, 'y']),
  );
});
