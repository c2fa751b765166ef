import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { RequestDecoder } from './request-decoder.ts';
import type { RequestHead } from './request-head.ts';
import { ResponseDecoder } from './response-decoder.ts';
import type { UpstreamResponseHead } from './response-head.ts';

const requestLimits = {
  headBytesMax: limits.headBytesMax,
  fieldCountMax: limits.fieldCountMax,
  targetBytesMax: limits.targetBytesMax,
  leadingEmptyLinesMax: limits.leadingEmptyLinesMax,
};

/** Decodes heads one after the other over one connection; a fault ends the list. */
function readRequests(texts: readonly string[]): (RequestHead | string)[] {
  const read: (RequestHead | string)[] = [];
  const decoder = new RequestDecoder(requestLimits, {
    onRequestHead: (head) => read.push(head),
    onBodyChunk() {},
    onRequestEnd() {},
    onRequestFault: (fault) => read.push(fault),
  });
  for (const text of texts) {
    const bytes = Buffer.from(text, 'latin1');
    decoder.decode(bytes, 0, bytes.length);
    if (decoder.isComplete) decoder.startNext();
  }
  return read;
}

function readResponses(texts: readonly string[]): (UpstreamResponseHead | string)[] {
  const read: (UpstreamResponseHead | string)[] = [];
  const decoder = new ResponseDecoder(requestLimits, {
    onInformationalHead: (head) => read.push(head),
    onResponseHead: (head) => read.push(head),
    onBodyChunk() {},
    onBodyText() {},
    onResponseEnd() {},
    onResponseFault: (fault) => read.push(fault),
  });
  for (const text of texts) {
    const bytes = Buffer.from(text, 'latin1');
    decoder.expect('GET');
    decoder.decode(bytes, 0, bytes.length);
  }
  return read;
}

/** Everything that a head tells, however it was come by. */
function facts(head: RequestHead | UpstreamResponseHead | string | undefined): unknown {
  if (typeof head !== 'object') return head;
  const { fieldText, fields, messageText, allowsReuse } = head;
  // Places in the text count for what they cut out of it.
  const { hostStart, hostEnd: _host, lengthStart, lengthEnd: _length, ...said } = head;
  return { ...said, fieldText, fields, messageText, allowsReuse, offsets: [hostStart, lengthStart] };
}

const requestBlocks = [
  'Host: a\r\n',
  'Host: a\r\nAccept: */*\r\n',
  'Accept: */*\r\nHost: a\r\nX: 1\r\n',
  'Host:a\r\nX:1\r\n',
  'Host: a\r\nConnection: keep-alive\r\n',
  'Connection: close\r\nHost: a\r\nX-B: 2\r\n',
  'Host: a\r\nConnection: x-b\r\nX-B: 2\r\n',
  'Host: a\r\nX-B:2\r\nKeep-Alive: 5\r\nX-C:  3 \r\n',
  'Host: a\r\nX-Forwarded-For: 1.2.3.4\r\nDate: now\r\n',
  'Host: a\r\nTE: trailers\r\nConnection: te\r\n',
  'Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n',
  'Host: a\r\nContent-Length: 0\r\n',
  'Host: a\r\nContent-Length: 00\r\nX: 1\r\n',
  'Content-Length: 0\r\nX: 1\r\nHost: a\r\n',
  'X: 1\r\n',
  'Host: a\r\nHost: a\r\n',
  `Host: a\r\nX: ${'x'.repeat(1100)}\r\n`,
];

test('a request with the same fields behind another request line is read as on a connection of its own', () => {
  for (const block of requestBlocks) {
    const texts = [
      'GET /a HTTP/1.1',
      'GET /longer?than=that HTTP/1.1',
      'DELETE /b HTTP/1.1',
      'GET /c HTTP/1.0',
      'GET /d HTTP/1.1',
    ].map((line) => `${line}\r\n${block}\r\n`);
    const together = readRequests(texts);
    for (const [i, head] of together.entries())
      assert.deepEqual(facts(head), facts(readRequests([texts[i]!])[0]), `${i}: ${JSON.stringify(texts[i])}`);
  }
});

test('fields that differ in one character are read anew', () => {
  const [first, second, third] = readRequests([
    'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nX: 2\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: b\r\nX: 2\r\n\r\n',
  ]) as RequestHead[];
  assert.deepEqual([first!.fields, second!.fields, third!.fields, third!.host], [['x', '1'], ['x', '2'], ['x', '2'], 'b']);
});

test('fields that lack the Host which a request needs are refused however often they come', () => {
  assert.deepEqual(readRequests(['GET / HTTP/1.1\r\nX: 1\r\n\r\n']), ['missingHost']);
  const [first, second] = readRequests(['GET / HTTP/1.0\r\nX: 1\r\n\r\n', 'GET / HTTP/1.1\r\nX: 1\r\n\r\n']);
  assert.equal(typeof first, 'object');
  assert.equal(second, 'missingHost');
});

test('what is done to the fields of one request does not show in the next', () => {
  const text = 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n';
  const [first] = readRequests([text]) as RequestHead[];
  first!.fields.push('x-added', '1');
  const [one, other, third, fourth] = readRequests([text, text, text, text]) as RequestHead[];
  one!.fields.push('x-added', '1');
  one!.fields = ['x-other', '2'];
  assert.deepEqual(other!.fields, ['x', '1']);
  other!.fields.push('x-added', '1');
  assert.deepEqual(third!.fields, ['x', '1']);
  fourth!.fields = ['x-other', '2'];
  assert.deepEqual([fourth!.fields, fourth!.fieldText], [['x-other', '2'], 'x-other: 2\r\n']);
});

const responseBlocks = [
  'Content-Length: 0\r\n',
  'Server: x\r\nDate: now\r\nContent-Length: 0\r\nConnection: keep-alive\r\n',
  'Connection: keep-alive\r\nServer:x\r\nContent-Length: 0\r\n',
  'Host: a\r\nContent-Length: 0\r\n',
  'Connection: server\r\nServer: x\r\nContent-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\nContent-Length: 0\r\n',
];

test('an answer with the same fields behind another status line is read as on a connection of its own', () => {
  for (const block of responseBlocks) {
    const texts = ['HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 200', 'HTTP/1.0 200 OK', 'HTTP/1.1 200 OK'].map(
      (line) => `${line}\r\n${block}\r\n`,
    );
    const together = readResponses(texts);
    for (const [i, head] of together.entries())
      assert.deepEqual(facts(head), facts(readResponses([texts[i]!])[0]), `${i}: ${JSON.stringify(texts[i])}`);
  }
});
