import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverUrl } from './server-url.ts';

const schema = serverUrl('Where tokens are asked for.', 'https://login.example.com/token');

test('takes the address of a server as it is written', () => {
  for (const url of [
    'https://login.example.com',
    'https://login.example.com/',
    'http://127.0.0.1:8080/a/b',
    'https://[::1]:8443',
  ])
    assert.equal(schema.parse(url), url);
});

test('refuses what is no such address, without showing a password', () => {
  for (const url of [
    'login.example.com',
    'ftp://login.example.com',
    'https://user:hidden@login.example.com/',
    'https://:hidden@login.example.com/',
    'https://login.example.com/?key=hidden',
    'https://login.example.com/#hidden',
    '',
  ]) {
    const { error } = schema.safeParse(url);
    assert.match(error!.issues[0]!.message, /is not the address of a server; write an `https` URL/);
    assert.equal(error!.issues[0]!.message.includes('hidden'), false);
  }
});
