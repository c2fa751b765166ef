import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import { GatewayError } from '#base/errors.ts';
import { Secret } from '#base/secret.ts';
import type { SocketAddress } from '#net/address.ts';
import { admit } from './admin-guard.ts';

const loopback: SocketAddress = { host: '127.0.0.1', port: 9080 };
const everywhere: SocketAddress = { host: '0.0.0.0', port: 9080 };
const unix: SocketAddress = { path: '/run/gatehouse.sock' };
const token = new Secret('0123456789abcdef');
const host = 'localhost:9080';

interface Case {
  readonly what: string;
  readonly address: SocketAddress;
  readonly token?: Secret;
  readonly headers: IncomingHttpHeaders;
  /** Who was admitted, or the code of the refusal. */
  readonly expected: string;
}

const cases: readonly Case[] = [
  { what: 'a program on this machine', address: loopback, headers: { host }, expected: 'loopback' },
  { what: 'one that names the address', address: loopback, headers: { host: '127.0.0.1:9080' }, expected: 'loopback' },
  { what: 'one that names the address of IPv6', address: loopback, headers: { host: '[::1]:9080' }, expected: 'loopback' },
  { what: 'a Unix socket, whatever is named', address: unix, headers: { host: 'admin' }, expected: 'loopback' },
  { what: 'a foreign name', address: loopback, headers: { host: 'evil.test:9080' }, expected: 'GH_ADMIN_FOREIGN_HOST' },
  {
    what: 'a foreign name that looks near',
    address: loopback,
    headers: { host: '127.evil.test' },
    expected: 'GH_ADMIN_FOREIGN_HOST',
  },
  { what: 'no name', address: loopback, headers: {}, expected: 'GH_ADMIN_FOREIGN_HOST' },
  { what: 'an open address without a token', address: everywhere, headers: { host }, expected: 'GH_ADMIN_TOKEN_NEEDED' },
  {
    what: 'an open address without a token, where one is shown',
    address: everywhere,
    headers: { host, authorization: 'Bearer 0123456789abcdef' },
    expected: 'GH_ADMIN_TOKEN_NEEDED',
  },
  { what: 'an open address, nothing shown', address: everywhere, token, headers: { host }, expected: 'GH_ADMIN_WRONG_TOKEN' },
  {
    what: 'the token',
    address: everywhere,
    token,
    headers: { host: 'admin.test', authorization: 'Bearer 0123456789abcdef' },
    expected: 'token',
  },
  {
    what: 'the scheme in other letters',
    address: everywhere,
    token,
    headers: { authorization: 'bearer 0123456789abcdef' },
    expected: 'token',
  },
  {
    what: 'another token of the same length',
    address: everywhere,
    token,
    headers: { authorization: 'Bearer 0123456789abcdeF' },
    expected: 'GH_ADMIN_WRONG_TOKEN',
  },
  {
    what: 'a part of the token',
    address: everywhere,
    token,
    headers: { authorization: 'Bearer 0123456789abcde' },
    expected: 'GH_ADMIN_WRONG_TOKEN',
  },
  {
    what: 'another scheme',
    address: everywhere,
    token,
    headers: { authorization: 'Basic 0123456789abcdef' },
    expected: 'GH_ADMIN_WRONG_TOKEN',
  },
  {
    what: 'a loopback address with a token, nothing shown',
    address: loopback,
    token,
    headers: { host },
    expected: 'GH_ADMIN_WRONG_TOKEN',
  },
  { what: 'a page of the same origin', address: loopback, headers: { host, origin: `http://${host}` }, expected: 'loopback' },
  {
    what: 'a page of another origin',
    address: loopback,
    headers: { host, origin: 'http://evil.test' },
    expected: 'GH_ADMIN_CROSS_SITE',
  },
  {
    what: 'a page on another port',
    address: loopback,
    headers: { host, origin: 'http://localhost' },
    expected: 'GH_ADMIN_CROSS_SITE',
  },
  {
    what: 'a page without an origin of its own',
    address: loopback,
    headers: { host, origin: 'null' },
    expected: 'GH_ADMIN_CROSS_SITE',
  },
  {
    what: 'a browser that says same origin',
    address: loopback,
    headers: { host, 'sec-fetch-site': 'same-origin' },
    expected: 'loopback',
  },
  { what: 'a user who typed the address', address: loopback, headers: { host, 'sec-fetch-site': 'none' }, expected: 'loopback' },
  {
    what: 'a browser that says cross-site',
    address: loopback,
    headers: { host, 'sec-fetch-site': 'cross-site' },
    expected: 'GH_ADMIN_CROSS_SITE',
  },
  {
    what: 'a browser that says same-site',
    address: loopback,
    headers: { host, 'sec-fetch-site': 'same-site' },
    expected: 'GH_ADMIN_CROSS_SITE',
  },
  {
    what: 'another site on a Unix socket',
    address: unix,
    headers: { host, 'sec-fetch-site': 'cross-site' },
    expected: 'GH_ADMIN_CROSS_SITE',
  },
  {
    what: 'the token from another site',
    address: everywhere,
    token,
    headers: { host, origin: 'https://evil.test', authorization: 'Bearer 0123456789abcdef' },
    expected: 'GH_ADMIN_CROSS_SITE',
  },
];

for (const { what, address, token, headers, expected } of cases) {
  test(`admission of ${what}: ${expected}`, () => {
    const admitted = admit({ headers, clientAddress: '192.0.2.7' }, { address, token });
    assert.equal(admitted instanceof GatewayError ? admitted.code : admitted.by, expected);
  });
}
