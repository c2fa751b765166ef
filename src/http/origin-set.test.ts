import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OriginSet } from './origin-set.ts';

const origins = new OriginSet(['https://app.example.com', 'https://*.shop.example', 'http://*.local.test:3000']);

test('knows exact origins and the names below a wildcard', () => {
  for (const origin of [
    'https://app.example.com',
    'https://a.shop.example',
    'https://a.b.shop.example',
    'http://x.local.test:3000',
  ])
    assert.equal(origins.has(origin), true, origin);
});

test('knows no origin that only looks like one', () => {
  for (const origin of [
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.test',
    'https://evil-app.example.com',
    'HTTPS://app.example.com',
    'https://shop.example',
    'https://.shop.example',
    'https://evilshop.example',
    'https://a.shop.example.evil.test',
    'https://evil.test/.shop.example',
    'https://evil.test#.shop.example',
    'https://evil.test:1@a.shop.example',
    'https://evil.test?.shop.example',
    'http://a.shop.example',
    `https://${'a'.repeat(400)}.shop.example`,
    'null',
    '',
  ])
    assert.equal(origins.has(origin), false, origin);
});
