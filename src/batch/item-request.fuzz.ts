/** Random requests of batches, made of what breaks out of places: what is taken reads, once it stands in a message, as what was meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { injectedRequest } from '#test/support/asked-request.ts';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { readRequests } from '#test/support/http1-reading.ts';
import { readBatch } from './batch-document.ts';
import { readItemRequest } from './item-request.ts';

const outer = injectedRequest('/batch', [
  'authorization',
  'Bearer a',
  'cookie',
  's=1',
  'origin',
  'https://shop.example.com',
  'x-other',
  'b',
]);
const rules = { inherited: new Set(['authorization', 'cookie']), limits: { headBytes: 4_096, fieldCount: 20 } };

const odd = fc.constantFrom(
  ...[
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
    ':',
    '/',
    '//',
    '..',
    '%2e',
    '%2f',
    '%0d%0a',
    '\\',
    '?',
    '#',
    '*',
    'é',
    '\u212a',
    '\ud800',
    'ſ',
  ],
  ...['host', 'Host', 'content-length', 'Transfer-Encoding', 'connection', 'x-a', 'X-B', 'cookie', 'Authorization', 'origin'],
  ...['GET', 'POST', 'CONNECT', 'HTTP/1.1', 'chunked', '0', '7', 'a', 'http://evil', '__proto__'],
);
const text = fc.array(odd, { maxLength: 4 }).map((parts) => parts.join(''));
const likely = <Value>(usual: Value, other: fc.Arbitrary<Value>) =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 3 }, { arbitrary: other, weight: 2 });
const headers = fc.array(fc.tuple(likely('x-a', text), likely('b', text)), { maxLength: 3 });
const item = fc.record({
  method: likely('PUT', text),
  path: likely(
    '/a',
    text.map((rest) => `/${rest}`),
  ),
  headers,
  body: text,
});

const write = ({ method, path, headers: pairs, body }: { method: string; path: string; headers: string[][]; body: string }) =>
  `[{"method":${JSON.stringify(method)},"path":${JSON.stringify(path)},"headers":{${pairs
    .map((pair) => pair.map((part) => JSON.stringify(part)).join(':'))
    .join(',')}},"text":${JSON.stringify(body)}}]`;

test('what is taken is one request with these fields, and none that is not for its author to say', (context) => {
  let taken = 0;
  fc.assert(
    fc.property(item, (written) => {
      const items = readBatch(Buffer.from(write(written)), 1);
      assert.ok(Array.isArray(items) && items.length === 1);
      const { request, fault } = readItemRequest(items[0], outer, rules);
      if (fault !== undefined) return;
      taken += 1;
      const { method, target, fields, contentLengthBytes } = request;
      assert.ok(target.startsWith('/') && !target.startsWith('//'), target);
      const lines = fields.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${fields[i + 1]}\r\n`] : []));
      const length = Math.max(0, contentLengthBytes);
      const head = `${method} ${target} HTTP/1.1\r\nhost: shop\r\n${lines.join('')}content-length: ${length}\r\n\r\n`;
      const { requests, end } = readRequests([Buffer.from(head + 'x'.repeat(length), 'latin1')]);
      assert.deepEqual([requests.length, end], [1, 'whole'], head);
      const { head: read, body } = requests[0]!;
      assert.deepEqual([read.method, read.target, read.fields, body.length], [method, target, fields, length]);
      assert.deepEqual(
        read.fields.filter((_, i) => read.fields[i - (i % 2)] === 'origin'),
        ['origin', 'https://shop.example.com'],
      );
      assert.equal(read.hasForwardingFields, false);
    }),
    fuzzParameters(context),
  );
  assert.ok(taken > 0, 'some are taken');
});

test('whatever a document is, it is a batch or none', (context) => {
  const documents = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc.json({ maxDepth: 3 }).map((value) => `[${value}]`),
    text,
  );
  fc.assert(
    fc.property(documents, (document) => {
      const items = readBatch(Buffer.from(document), 5);
      if (!Array.isArray(items)) return;
      for (const each of items) readItemRequest(each, outer, rules);
    }),
    fuzzParameters(context),
  );
});
