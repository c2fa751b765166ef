import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { everySplit, readRequests, splitAt, toBytes } from '#test/support/http1-reading.ts';
import { RequestDecoder, type RequestEvents } from './request-decoder.ts';
import type { RequestHead } from './request-head.ts';

const silentEvents: RequestEvents = {
  onRequestHead() {},
  onBodyChunk() {},
  onRequestEnd() {},
  onRequestFault() {},
};

/** What a case says about one request; the rest of its head is as a new one. */
interface ExpectedRequest {
  readonly head: Partial<RequestHead>;
  readonly body?: string;
  readonly trailers?: string[];
}

interface AcceptedCase {
  readonly what: string;
  readonly text: string;
  readonly requests: readonly ExpectedRequest[];
  readonly end?: 'whole' | 'close';
}

const simpleGet = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

const acceptedCases: readonly AcceptedCase[] = [
  { what: 'nothing', text: '', requests: [] },
  { what: 'empty lines alone', text: '\r\n\r\n', requests: [] },
  {
    what: 'a request without a body, with method and target as they came',
    text: 'gEt /A?b=%20&c"<>\\^`{|} HTTP/1.1\r\nHost: A:80\r\nAccept: text/html\r\n\r\n',
    requests: [
      { head: { method: 'gEt', target: '/A?b=%20&c"<>\\^`{|}', host: 'A:80', minorVersion: 1, fields: ['accept', 'text/html'] } },
    ],
  },
  {
    what: 'names in lower case and values without outer blanks, in their order and with repetitions',
    text: 'GET / HTTP/1.1\r\nHost: a\r\nX-B: \t 1 \t2\t \r\nSET-cookie:a\r\nx-b:\r\nCookie: \xfc\xff\x80\r\n\r\n',
    requests: [{ head: { fields: ['x-b', '1 \t2', 'set-cookie', 'a', 'x-b', '', 'cookie', '\xfc\xff\x80'] } }],
  },
  {
    what: 'a body with a length',
    text: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na\r\n\0b',
    requests: [{ head: { contentLengthBytes: 5, isChunked: false, fields: [] }, body: 'a\r\n\0b' }],
  },
  {
    what: 'an empty body with a length',
    text: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
    requests: [{ head: { contentLengthBytes: 0 } }],
  },
  {
    what: 'a length with leading zeros',
    text: `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 002\r\n\r\nab${simpleGet}`,
    requests: [{ head: { contentLengthBytes: 2 }, body: 'ab' }, { head: { method: 'GET' } }],
  },
  {
    what: 'a chunked body with extensions of every form and trailers',
    text:
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n' +
      '3;a;b=c;d="e;\\"\t\xff"\r\n' +
      'a\r\n\r\n00A\r\n0123456789\r\n000;last\r\nX-Sum: 1\r\nx-sum:  2 \r\n\r\n',
    requests: [
      { head: { isChunked: true, contentLengthBytes: -1 }, body: 'a\r\n0123456789', trailers: ['x-sum', '1', 'x-sum', '2'] },
    ],
  },
  {
    what: 'an empty chunked body',
    text: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    requests: [{ head: { isChunked: true } }],
  },
  {
    what: 'several requests in a row, with empty lines between them',
    text: `\r\n${simpleGet}\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx\r\nPUT /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\n\r\n${simpleGet}`,
    requests: [
      { head: { method: 'GET' } },
      { head: { target: '/2' }, body: 'x' },
      { head: { target: '/3' }, body: 'y' },
      { head: { method: 'GET' } },
    ],
  },
  {
    what: 'an HTTP/1.0 request, which ends its connection',
    text: `GET / HTTP/1.0\r\n\r\n${simpleGet}`,
    requests: [{ head: { minorVersion: 0, host: undefined } }],
    end: 'close',
  },
  {
    what: 'HTTP/1.0 requests that keep their connection',
    text: `POST / HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx${simpleGet}`,
    requests: [{ head: { minorVersion: 0, saysKeepAlive: true }, body: 'x' }, { head: { minorVersion: 1 } }],
  },
  {
    what: 'a request that closes, and nothing behind it',
    text: `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${simpleGet}`,
    requests: [{ head: { saysClose: true } }],
    end: 'close',
  },
  {
    what: 'every form of target',
    text: ['OPTIONS *', 'GET http://a/', 'CONNECT a:443', 'GET a']
      .map((start) => `${start} HTTP/1.1\r\nHost: a\r\n\r\n`)
      .join(''),
    requests: ['*', 'http://a/', 'a:443', 'a'].map((target) => ({ head: { target } })),
  },
  {
    what: 'fields that rule the connection, apart from the others',
    text:
      'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nUpgrade: h2c\r\nConnection: Upgrade, keep-alive\r\nTE: gzip;q=0.5, Trailers\r\n' +
      'Keep-Alive: timeout=5\r\nExpect: 100-continue\r\nProxy-Connection: close\r\nProxy-Authorization: Basic x\r\n\r\n',
    requests: [
      {
        head: {
          saysUpgrade: true,
          saysKeepAlive: true,
          upgrade: 'websocket, h2c',
          acceptsTrailers: true,
          keepAlive: 'timeout=5',
          expect: '100-continue',
          connectionNames: undefined,
          fields: [],
        },
      },
    ],
  },
  {
    what: 'fields that say where a request came from, and the date',
    text: 'GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 x\r\nX-Forwarded-For: 1.2.3.4\r\nDate: today\r\n\r\n',
    requests: [
      {
        head: {
          hasForwardingFields: true,
          hasDate: true,
          fields: ['via', '1.1 x', 'x-forwarded-for', '1.2.3.4', 'date', 'today'],
        },
      },
    ],
  },
];

for (const { what, text, requests, end } of acceptedCases) {
  test(`accepts ${what}, however split`, () => {
    const whole = readRequests([toBytes(text)]);
    assert.equal(whole.end, end ?? 'whole');
    assert.equal(whole.requests.length, requests.length);
    whole.requests.forEach((request, index) => {
      const expected = requests[index]!;
      const { fields, ...rest } = expected.head;
      assert.partialDeepStrictEqual(request.head, rest);
      assert.deepEqual(request.head.fields, fields ?? request.head.fields);
      assert.equal(request.body, expected.body ?? '');
      assert.deepEqual(request.trailers, expected.trailers);
      assert.equal(request.isComplete, true);
    });
    for (const pieces of everySplit(toBytes(text))) assert.deepEqual(readRequests(pieces), whole);
    for (const pieces of [[toBytes(text)], ...everySplit(toBytes(text))]) {
      assert.deepEqual(readRequests(pieces, { isSlow: true }), whole, 'a slow receiver learns the same');
    }
  });
}

const trailerPolicies: [trailer: string, kept: string[] | undefined][] = [
  ['Grpc-Status: 0\r\nGrpc-Message: x', ['grpc-status', '0', 'grpc-message', 'x']],
  ['Host: b', undefined],
  ['Connection: close', undefined],
  ['Upgrade: x\r\nTE: trailers\r\nKeep-Alive: 1\r\nExpect: 100-continue\r\nProxy-Authorization: x', undefined],
  ['Authorization: x\r\nCookie: x\r\nX-Api-Key: x\r\nX-Api-Keys: x', ['x-api-keys', 'x']],
  ['Set-Cookie: x\r\nContent-Type: x\r\nContent-Encoding: x\r\nCache-Control: x\r\nTrailer: x', undefined],
  ['X-Forwarded-For: 1.2.3.4\r\nForwarded: x\r\nVia: x\r\nX-Request-Id: x\r\nX: 1', ['x', '1']],
  ['X-Hop: 1\r\nX: 1', ['x', '1']],
];

for (const [trailer, kept] of trailerPolicies) {
  test(`of the trailer section ${JSON.stringify(trailer)} passes on ${JSON.stringify(kept ?? [])}`, () => {
    const text = `POST / HTTP/1.1\r\nHost: a\r\nConnection: x-hop\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${trailer}\r\n\r\n${simpleGet}`;
    const reading = readRequests([toBytes(text)]);
    assert.deepEqual(reading.requests[0]?.trailers, kept);
    assert.deepEqual({ end: reading.end, count: reading.requests.length }, { end: 'whole', count: 2 });
    assert.equal(reading.requests[0]?.head.host, 'a');
    for (const pieces of everySplit(toBytes(text))) assert.deepEqual(readRequests(pieces), reading);
  });
}

/** Limits that a table of short texts cannot show: from one below to one above, whole and byte by byte. */
const limitCases: { what: string; max: number; textAt: (bytes: number) => string; fault: string; limit: object }[] = [
  {
    what: 'bytes of a head',
    max: 120,
    textAt: (bytes) => `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(bytes - 32)}\r\n\r\n`,
    fault: 'headTooLarge',
    limit: { headBytesMax: 120 },
  },
  {
    what: 'bytes of a head that grows beyond the first buffer',
    max: 5_000,
    textAt: (bytes) => `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(bytes - 32)}\r\n\r\n`,
    fault: 'headTooLarge',
    limit: { headBytesMax: 5_000 },
  },
  {
    what: 'fields',
    max: 10,
    textAt: (count) => `GET / HTTP/1.1\r\nHost: a\r\n${'X: 1\r\n'.repeat(count - 1)}\r\n`,
    fault: 'tooManyFields',
    limit: { fieldCountMax: 10 },
  },
  {
    what: 'bytes of a target',
    max: 10,
    textAt: (bytes) => `GET /${'x'.repeat(bytes - 1)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    fault: 'targetTooLong',
    limit: { targetBytesMax: 10 },
  },
  {
    what: 'empty lines',
    max: 3,
    textAt: (count) => `${'\r\n'.repeat(count)}${simpleGet}`,
    fault: 'requestLine',
    limit: { leadingEmptyLinesMax: 3 },
  },
];

for (const { what, max, textAt, fault, limit } of limitCases) {
  test(`accepts ${max - 1} and ${max} ${what} and refuses ${max + 1}`, () => {
    for (const [count, end] of [
      [max - 1, 'whole'],
      [max, 'whole'],
      [max + 1, fault],
    ] as const) {
      const bytes = toBytes(textAt(count));
      const byteByByte = everySplit(bytes).at(-1)!;
      assert.equal(readRequests([bytes], { limits: limit }).end, end);
      assert.equal(readRequests(byteByByte, { limits: limit }).end, end);
    }
  });
}

test('refuses a head beyond the limit before its end has come, and takes no byte more', () => {
  const endless = toBytes(`GET / HTTP/1.1\r\nX: ${'x'.repeat(300)}`);
  const decoder = new RequestDecoder({ ...limits, headBytesMax: 100 }, silentEvents);
  assert.equal(decoder.decode(endless, 0, endless.length), 100);
  assert.equal(decoder.hasFailed, true);
  assert.equal(decoder.decode(endless, 100, endless.length), 100);
});

test('refuses a byte that cannot be in a head as soon as it is there', () => {
  for (const [text, fault] of [
    ['GET / HTTP/1.1\r\nX: \0', 'fieldValue'],
    ['\x16\x03\x01\x02\x00', 'tls'],
    ['GET /\n', 'bareLineFeed'],
  ] as const) {
    assert.equal(readRequests([toBytes(text)]).end, fault);
  }
});

test('says what it is doing, and takes nothing of the next request until it may', () => {
  const bytes = toBytes(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc${simpleGet}`);
  const bodyAt = bytes.indexOf('abc');
  const decoder = new RequestDecoder(limits, silentEvents);
  assert.deepEqual([decoder.isBetweenRequests, decoder.isReadingBody, decoder.isComplete], [true, false, false]);
  assert.equal(decoder.decode(bytes, 0, 10), 10);
  assert.deepEqual([decoder.isBetweenRequests, decoder.isReadingBody, decoder.isComplete], [false, false, false]);
  assert.equal(decoder.decode(bytes, 10, bodyAt + 1), bodyAt + 1);
  assert.deepEqual([decoder.isReadingBody, decoder.remainingBytes], [true, 2]);
  assert.equal(decoder.decode(bytes, bodyAt + 1, bytes.length), bodyAt + 3);
  assert.deepEqual([decoder.isReadingBody, decoder.remainingBytes, decoder.isComplete], [false, 0, true]);
  assert.equal(decoder.decode(bytes, bodyAt + 3, bytes.length), bodyAt + 3);
  decoder.startNext();
  assert.equal(decoder.isBetweenRequests, true);
  assert.equal(decoder.decode(bytes, bodyAt + 3, bytes.length), bytes.length);
  assert.equal(decoder.isComplete, true);
});

test('a lone CR between requests is the beginning of something', () => {
  const decoder = new RequestDecoder(limits, silentEvents);
  decoder.decode(toBytes('\r'), 0, 1);
  assert.equal(decoder.isBetweenRequests, false);
  decoder.decode(toBytes('\n'), 0, 1);
  assert.equal(decoder.isBetweenRequests, true);
});

test('a large body passes as views, not copied and not gathered', () => {
  const bytes = Buffer.concat([
    toBytes('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n'),
    Buffer.alloc(100_000, 'x'),
  ]);
  const views: Buffer[] = [];
  const decoder = new RequestDecoder(limits, { ...silentEvents, onBodyChunk: (view) => views.push(view) });
  for (const piece of splitAt(bytes, [30_000, 60_000])) decoder.decode(piece, 0, piece.length);
  assert.equal(views.length, 3);
  for (const view of views) assert.equal(view.buffer, bytes.buffer);
});
