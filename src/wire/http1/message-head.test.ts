import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRequests, toBytes } from '#test/support/http1-reading.ts';
import type { RequestHead } from './request-head.ts';

function readHead(lines: string): RequestHead {
  const { requests, end } = readRequests([toBytes(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`)]);
  assert.ok(end === 'whole' || end === 'close', end);
  return requests[0]!.head;
}

/** What a client may have removed by naming it, and what it may not: the tricks by which a front end's fields are taken away. */
const connectionCases: [connection: string, lines: string, kept: string[]][] = [
  ['x-hop', 'X-Hop: 1\r\nX-End: 2\r\n', ['x-end', '2']],
  ['X-HOP', 'x-hop: 1\r\nX-hop: 2\r\n', []],
  ['x-a, x-b ,\tx-c', 'X-A: 1\r\nX-B: 1\r\nX-C: 1\r\nX-D: 1\r\n', ['x-d', '1']],
  [',, ,', 'X-A: 1\r\n', ['x-a', '1']],
  ['cookie', 'Cookie: 1\r\n', []],
  ['x-forwarded-for', 'X-Forwarded-For: 1.2.3.4\r\n', ['x-forwarded-for', '1.2.3.4']],
  ['X-Real-Ip, Forwarded, Via', 'Via: 1\r\nForwarded: 2\r\nX-Real-IP: 3\r\n', ['via', '1', 'forwarded', '2', 'x-real-ip', '3']],
  ['x-request-id', 'X-Request-Id: 1\r\n', ['x-request-id', '1']],
  ['x-hop\xa0', 'X-Hop: 1\r\n', ['x-hop', '1']],
  ['constructor, __proto__, has', 'constructor: 1\r\n__proto__: 2\r\nX: 3\r\n', ['x', '3']],
];

for (const [connection, lines, kept] of connectionCases) {
  test(`"Connection: ${connection}" leaves ${JSON.stringify(kept)}`, () => {
    assert.deepEqual(readHead(`Connection: ${connection}\r\n${lines}`).fields, kept);
    assert.deepEqual(readHead(`${lines}Connection: ${connection}\r\n`).fields, kept, 'also when it comes last');
  });
}

test('a client cannot take away host, length or coding by naming them', () => {
  const text =
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: host, content-length, transfer-encoding, expect\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab';
  const { requests, end } = readRequests([toBytes(text)]);
  assert.equal(end, 'whole');
  assert.deepEqual(
    { host: requests[0]!.head.host, expect: requests[0]!.head.expect, body: requests[0]!.body },
    { host: 'a', expect: '100-continue', body: 'ab' },
  );
});

test('a hop-by-hop field that a peer asks to keep goes all the same', () => {
  assert.deepEqual(readHead('Proxy-Connection: x\r\nTE: x\r\nKeep-Alive: x\r\nUpgrade: x\r\n').fields, []);
});

const reuseCases: [lines: string, minorVersion: 0 | 1, allowsReuse: boolean][] = [
  ['', 1, true],
  ['', 0, false],
  ['Connection: close\r\n', 1, false],
  ['Connection: cLoSe\r\n', 1, false],
  ['Connection: x, close\r\n', 1, false],
  ['Connection: keep-alive\r\nConnection: close\r\n', 1, false],
  ['Connection: keep-alive, close\r\n', 0, false],
  ['Connection: Keep-Alive\r\n', 0, true],
  ['Connection: KEEP-ALIVE, x\r\n', 0, true],
  ['Connection: closed\r\n', 1, true],
  ['Connection: close\xa0\r\n', 1, true],
  ['Proxy-Connection: keep-alive\r\n', 0, false],
];

for (const [lines, minorVersion, allowsReuse] of reuseCases) {
  test(`HTTP/1.${minorVersion} with ${JSON.stringify(lines)} ${allowsReuse ? 'keeps' : 'ends'} its connection`, () => {
    const { requests } = readRequests([toBytes(`GET / HTTP/1.${minorVersion}\r\nHost: a\r\n${lines}\r\n`)]);
    assert.equal(requests[0]!.head.allowsReuse, allowsReuse);
  });
}

const trailerAcceptance: [value: string, acceptsTrailers: boolean][] = [
  ['trailers', true],
  ['gzip, Trailers', true],
  ['trailers;q=0.5', true],
  ['deflate,trailers ,x', true],
  ['trailersx', false],
  ['x-trailers', false],
  ['', false],
];

test('"TE: trailers" is understood within a list, and no other word is', () => {
  for (const [value, acceptsTrailers] of trailerAcceptance) {
    assert.equal(readHead(`TE: ${value}\r\n`).acceptsTrailers, acceptsTrailers, value);
  }
});

test('thousands of names in Connection cost no more than reading them', () => {
  const names = Array.from({ length: 16_000 }, (_, index) => `x${index}`).join(',');
  const fields = Array.from({ length: 120 }, (_, index) => `y${index}`);
  const head = readRequests(
    [toBytes(`GET / HTTP/1.1\r\nHost: a\r\nConnection: ${names}\r\n${fields.map((name) => `${name}:\r\n`).join('')}\r\n`)],
    { limits: { headBytesMax: 1024 * 1024 } },
  ).requests[0]!.head;
  assert.equal(head.fields.length, 2 * fields.length);
});

test('all heads have the same shape, whatever the request says', () => {
  const shapes = [
    '',
    'Connection: x, close\r\nX: 1\r\n',
    'Upgrade: x\r\nExpect: y\r\nTE: trailers\r\nKeep-Alive: 1\r\nDate: x\r\n',
  ].map((lines) => Object.keys(readHead(lines)).join());
  assert.equal(new Set(shapes).size, 1);
});
