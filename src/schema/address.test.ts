import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAddress } from './address.ts';

const accepted = {
  '0.0.0.0:8080': { host: '0.0.0.0', port: 8080 },
  '127.0.0.1:0': { host: '127.0.0.1', port: 0 },
  '[::]:8080': { host: '::', port: 8080 },
  '[::1]:65535': { host: '::1', port: 65_535 },
  ':8080': { host: '::', port: 8080 },
  'localhost:80': { host: 'localhost', port: 80 },
  'unix:/run/gatehouse.sock': { path: '/run/gatehouse.sock' },
};

const refused = {
  '8080': '"8080" has no colon; write `:8080`',
  '10.0.0.1': '"10.0.0.1" has no port; write `10.0.0.1:8080`',
  ':65536': '":65536" has no valid port; after the last colon write a number from 0 to 65535',
  ':http': '":http" has no valid port; after the last colon write a number from 0 to 65535',
  '::1:8080': '"::1:8080": an IPv6 address goes in brackets, such as `[::]:8080`',
  'shop.example.com:80':
    '"shop.example.com:80": a listener needs an IP address, not the name "shop.example.com"; write `0.0.0.0:8080`, `[::]:8080`, `:8080` or `unix:/run/gatehouse.sock`',
  'unix:run/x.sock': 'the path of a Unix socket must be absolute, such as `unix:/run/gatehouse.sock`, not "run/x.sock"',
  [`unix:/${'x'.repeat(107)}`]: 'the path of a Unix socket may have at most 107 bytes, not 108',
};

for (const [text, value] of Object.entries(accepted)) {
  test(`reads the address ${text}`, () => assert.deepEqual(readAddress(text), { value }));
}

for (const [text, problem] of Object.entries(refused)) {
  test(`refuses the address ${text}`, () => assert.deepEqual(readAddress(text), { problem }));
}
