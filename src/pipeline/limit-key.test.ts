import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toPlainConsumer } from '#http/consumer.ts';
import { LimitKeyReader } from './limit-key.ts';

const request = (clientAddress: string, fields: readonly string[] = [], consumer?: string) => ({
  plan: { routeName: 'orders' },
  request: { clientAddress, fields },
  captureNames: ['tenant'],
  captures: ['a%2Fb'],
  consumer: consumer === undefined ? undefined : toPlainConsumer(consumer, []),
  field: (name: string) => fields[fields.indexOf(name) + 1],
});

test('addresses of one IPv6 network are one client, and those of IPv4 each their own', () => {
  const reader = new LimitKeyReader([{ kind: 'ip' }]);
  const keyOf = (address: string) => reader.read(request(address));
  assert.equal(keyOf('2001:db8:0:1::1'), keyOf('2001:DB8:0:1:ffff::2'));
  assert.notEqual(keyOf('2001:db8:0:1::1'), keyOf('2001:db8:0:2::1'));
  assert.equal(keyOf('198.51.100.7'), '198.51.100.7');
  for (const mapped of ['::ffff:c633:6407', '0:0:0:0:0:ffff:198.51.100.7']) assert.equal(keyOf(mapped), '198.51.100.7');
  assert.equal(keyOf('unknown:thing'), 'unknown:thing');
});

test('requests of one consumer are counted together, and so are those of nobody known', () => {
  const reader = new LimitKeyReader([{ kind: 'consumer' }]);
  assert.equal(reader.read(request('::1', [], 'alice')), 'alice');
  assert.equal(reader.read(request('::1')), reader.read(request('::2')));
  assert.equal(reader.describe(request('::1')), 'consumer (none)');
});

test('requests are counted by a claim of their tokens, whatever stands in it', () => {
  const reader = new LimitKeyReader([{ kind: 'claim', name: 'org.team' }, { kind: 'route' }]);
  const keyOf = (claims: object) =>
    reader.read({ ...request('::1'), consumer: { name: 'ann', claims: claims as Readonly<Record<string, unknown>> } });
  assert.equal(keyOf({ org: { team: 7 } }), '7\norders');
  assert.equal(keyOf({ org: { team: 'a\nb' } }), 'a%0Ab\norders');
  assert.equal(keyOf({ org: { team: {} } }), reader.read(request('::1')));
});

test('parts of a key do not run into each other', () => {
  const reader = new LimitKeyReader([{ kind: 'header', name: 'a' }, { kind: 'path', name: 'tenant' }, { kind: 'route' }]);
  assert.equal(reader.read(request('::1', ['a', 'x'])), 'x\na%2Fb\norders');
});

test('tells people what is counted', () => {
  const reader = new LimitKeyReader([{ kind: 'ip' }, { kind: 'cookie', name: 'session' }, { kind: 'path', name: 'tenant' }]);
  assert.equal(reader.describe(request('::1')), 'ip 0:0:0:0::/64, cookie.session (none), path.tenant a%2Fb');
});
