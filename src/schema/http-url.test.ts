import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpUrl, issuerUrl } from './http-url.ts';

const addresses = [
  'https://login.example.com',
  'https://login.example.com/',
  'http://127.0.0.1:8080/a/b',
  'https://[::1]:8443',
  'HTTPS://login.example.com',
];

test('takes the address of a server as it is written', () => {
  const schema = httpUrl('Where tokens are asked for.');
  for (const url of [...addresses, 'https://login.example.com/token?policy=p']) assert.equal(schema.parse(url), url);
});

test('an issuer has no query', () => {
  const schema = issuerUrl('Who issues tokens.');
  for (const url of addresses) assert.equal(schema.parse(url), url);
  const { error } = schema.safeParse('https://login.example.com/?key=hidden');
  assert.equal(error?.issues[0]?.message, 'the address of an issuer has no query; leave out what begins with `?`');
});

test('refuses what is no such address, without showing a password', () => {
  for (const schema of [httpUrl('A server.'), issuerUrl('An issuer.')])
    for (const url of [
      'login.example.com',
      'ftp://login.example.com',
      'ftp://user:hidden@login.example.com',
      'https:login.example.com',
      ' https://login.example.com',
      'https://user:hidden@login.example.com/',
      'https://:hidden@login.example.com/',
      'https://login.example.com/#hidden',
      `https://login.example.com/${'a'.repeat(1_024)}`,
      '',
    ]) {
      const { error } = schema.safeParse(url);
      assert.match(error?.issues[0]?.message ?? '', /address/, url);
      assert.doesNotMatch(error!.issues[0]!.message, /hidden/);
    }
});
