import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAuthority } from './authority.ts';
import { readHostPattern } from './host-pattern.ts';

const accepted = {
  'shop.example.com': { source: 'shop.example.com', isWildcard: false, name: 'shop.example.com' },
  'Shop.Example.COM.': { source: 'shop.example.com', isWildcard: false, name: 'shop.example.com' },
  '*.example.com': { source: '*.example.com', isWildcard: true, name: '.example.com' },
  localhost: { source: 'localhost', isWildcard: false, name: 'localhost' },
  my_service: { source: 'my_service', isWildcard: false, name: 'my_service' },
  '10.0.0.1': { source: '10.0.0.1', isWildcard: false, name: '10.0.0.1' },
  '[2001:DB8::1]': { source: '[2001:db8::1]', isWildcard: false, name: '[2001:db8::1]' },
  'grün.example': { source: 'xn--grn-ioa.example', isWildcard: false, name: 'xn--grn-ioa.example' },
};

const notAHost = (text: string) => `"${text}" is not a host name; write \`shop.example.com\` or \`*.example.com\``;

const refused = {
  '': notAHost(''),
  '*': 'leave `host` out to match every host',
  'shop.example.com:8080':
    '"shop.example.com:8080": a host has no port here; write "shop.example.com" (`listener` narrows a route to a port)',
  'https://shop.example.com': '"https://shop.example.com": write the host name alone, such as `shop.example.com`',
  'shop.*.com': '"shop.*.com": `*` may only be the whole first label, such as `*.example.com`',
  '*shop.com': '"*shop.com": `*` may only be the whole first label, such as `*.example.com`',
  '-shop.com': notAHost('-shop.com'),
  'shop..com': notAHost('shop..com'),
  'shop example': notAHost('shop example'),
  '10.0.0.300': notAHost('10.0.0.300'),
  [`${'a'.repeat(64)}.com`]: `"${'a'.repeat(60)}…" is not a host name; write \`shop.example.com\` or \`*.example.com\``,
};

for (const [text, value] of Object.entries(accepted)) {
  test(`reads the host ${text}`, () => assert.deepEqual(readHostPattern(text), { value }));
}

for (const [text, problem] of Object.entries(refused)) {
  test(`refuses the host ${JSON.stringify(text).slice(0, 40)}`, () => assert.deepEqual(readHostPattern(text), { problem }));
}

test('reads a host with and without a port for host fields', () => {
  assert.deepEqual(readAuthority('Orders.internal:8080'), { value: 'orders.internal:8080' });
  assert.deepEqual(readAuthority('[::1]:80'), { value: '[::1]:80' });
  for (const text of ['', 'a:0', 'a:', 'a/b', 'http://a', '*.a', '::1', 'a b']) {
    assert.ok('problem' in readAuthority(text), text);
  }
});
