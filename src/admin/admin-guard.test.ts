import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import { GatewayError } from '#base/errors.ts';
import { Secret } from '#base/secret.ts';
import type { AdminConfiguration } from '#config/configuration.ts';
import type { SocketAddress } from '#net/address.ts';
import { admit, toAdminAccess } from './admin-guard.ts';

const loopback: SocketAddress = { host: '127.0.0.1', port: 9080 };
const everywhere: SocketAddress = { host: '0.0.0.0', port: 9080 };
const unix: SocketAddress = { path: '/run/gatehouse.sock' };
const token = new Secret('0123456789abcdef');
const named = {
  bob: { role: 'read', token: new Secret('bob-0123456789abcdef') },
  carol: { role: 'operate', sha256: createHash('sha256').update('carol-0123456789abcdef').digest('hex') },
} as const;
const host = 'localhost:9080';

interface Case {
  readonly what: string;
  readonly address: SocketAddress;
  readonly token?: Secret;
  readonly tokens?: AdminConfiguration['tokens'];
  readonly clientCa?: string;
  readonly hasCertificate?: boolean;
  readonly headers: IncomingHttpHeaders;
  /** Who was admitted, or the code of the refusal. */
  readonly expected: string;
}

const cases: readonly Case[] = [
  { what: 'a program on this machine', address: loopback, headers: { host }, expected: 'loopback admin' },
  { what: 'one that names the address', address: loopback, headers: { host: '127.0.0.1:9080' }, expected: 'loopback admin' },
  { what: 'one that names the address of IPv6', address: loopback, headers: { host: '[::1]:9080' }, expected: 'loopback admin' },
  { what: 'a Unix socket, whatever is named', address: unix, headers: { host: 'admin' }, expected: 'loopback admin' },
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
    expected: 'token admin',
  },
  {
    what: 'the scheme in other letters',
    address: everywhere,
    token,
    headers: { authorization: 'bearer 0123456789abcdef' },
    expected: 'token admin',
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
  {
    what: 'a page of the same origin',
    address: loopback,
    headers: { host, origin: `http://${host}` },
    expected: 'loopback admin',
  },
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
    expected: 'loopback admin',
  },
  {
    what: 'a user who typed the address',
    address: loopback,
    headers: { host, 'sec-fetch-site': 'none' },
    expected: 'loopback admin',
  },
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
    what: 'a token with a name',
    address: everywhere,
    tokens: named,
    headers: { authorization: 'Bearer bob-0123456789abcdef' },
    expected: 'bob read',
  },
  {
    what: 'a token of which there is only a hash',
    address: everywhere,
    token,
    tokens: named,
    headers: { authorization: 'Bearer carol-0123456789abcdef' },
    expected: 'carol operate',
  },
  {
    what: 'the hash of a token in its place',
    address: everywhere,
    tokens: named,
    headers: { authorization: `Bearer ${named.carol.sha256}` },
    expected: 'GH_ADMIN_WRONG_TOKEN',
  },
  {
    what: 'the token without a name beside others',
    address: loopback,
    token,
    tokens: named,
    headers: { authorization: 'Bearer 0123456789abcdef' },
    expected: 'token admin',
  },
  {
    what: 'a client certificate where there are no tokens',
    address: everywhere,
    clientCa: 'ca',
    hasCertificate: true,
    headers: { host: 'admin.test' },
    expected: 'certificate admin',
  },
  {
    what: 'no client certificate',
    address: loopback,
    clientCa: 'ca',
    headers: { host },
    expected: 'GH_ADMIN_CERTIFICATE_NEEDED',
  },
  {
    what: 'a token without the client certificate',
    address: everywhere,
    clientCa: 'ca',
    token,
    headers: { authorization: 'Bearer 0123456789abcdef' },
    expected: 'GH_ADMIN_CERTIFICATE_NEEDED',
  },
  {
    what: 'a client certificate without the token',
    address: everywhere,
    clientCa: 'ca',
    hasCertificate: true,
    token,
    headers: { host },
    expected: 'GH_ADMIN_WRONG_TOKEN',
  },
  {
    what: 'the token from another site',
    address: everywhere,
    token,
    headers: { host, origin: 'https://evil.test', authorization: 'Bearer 0123456789abcdef' },
    expected: 'GH_ADMIN_CROSS_SITE',
  },
];

for (const { what, address, token, tokens = {}, clientCa, hasCertificate = false, headers, expected } of cases) {
  test(`admission of ${what}: ${expected}`, () => {
    const tls = clientCa === undefined ? undefined : { cert: 'c', key: 'k', clientCa };
    const access = toAdminAccess({ address, token, tokens, tls, apply: false, protectMetrics: false });
    const admitted = admit({ headers, clientAddress: '192.0.2.7', hasCertificate }, access);
    assert.equal(admitted instanceof GatewayError ? admitted.code : `${admitted.by} ${admitted.role}`, expected);
  });
}
