import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { everySplit, readResponse, toBytes } from '#test/support/http1-reading.ts';
import { ResponseDecoder, type ResponseEvents } from './response-decoder.ts';

const silentEvents: ResponseEvents = {
  onInformationalHead() {},
  onResponseHead() {},
  onBodyChunk() {},
  onBodyText() {},
  onResponseEnd() {},
  onResponseFault() {},
};

interface AnswerCase {
  readonly what: string;
  readonly text: string;
  readonly method?: string;
  readonly status?: number;
  readonly fields?: string[];
  readonly body?: string;
  readonly trailers?: string[];
  readonly informational?: number[];
  readonly restBytes?: number;
  readonly end?: 'switched';
  readonly allowsReuse?: boolean;
}

const answerCases: readonly AnswerCase[] = [
  { what: 'a body with a length', text: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\r\n', body: 'a\r\n' },
  { what: 'an empty body with a length', text: 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', status: 404 },
  {
    what: 'chunks and trailers',
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nab\r\n1\r\nc\r\n0\r\nGrpc-Status: 0\r\nSet-Cookie: x\r\n\r\n',
    body: 'abc',
    trailers: ['grpc-status', '0'],
  },
  { what: 'a body that the end of the connection ends', text: 'HTTP/1.1 200 OK\r\n\r\nabc', body: 'abc' },
  { what: 'an empty body that the end of the connection ends', text: 'HTTP/1.1 200 OK\r\n\r\n' },
  {
    what: 'an HTTP/1.0 answer',
    text: 'HTTP/1.0 200 OK\r\nServer: old\r\n\r\nabc',
    body: 'abc',
    fields: ['server', 'old'],
    allowsReuse: false,
  },
  {
    what: 'an HTTP/1.0 answer that keeps its connection',
    text: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx',
    body: 'x',
    allowsReuse: true,
  },
  {
    what: 'an answer that closes',
    text: 'HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n',
    allowsReuse: false,
  },
  { what: 'a status line without a reason', text: 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n' },
  { what: 'a reason that is empty', text: 'HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n', status: 299 },
  { what: 'a reason in another language', text: 'HTTP/1.1 200 Sch\xf6n\t so\r\nContent-Length: 0\r\n\r\n' },
  { what: 'no body of a 204', text: 'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc', status: 204, restBytes: 3 },
  {
    what: 'no body of a chunked 204',
    text: 'HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    status: 204,
    restBytes: 5,
  },
  {
    what: 'no body of a 304',
    text: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\nETag: "x"\r\n\r\n',
    status: 304,
    fields: ['etag', '"x"'],
  },
  { what: 'no body of a 304 without a length', text: 'HTTP/1.1 304 Not Modified\r\n\r\n', status: 304 },
  { what: 'no body of an answer to HEAD', method: 'HEAD', text: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n' },
  { what: 'no body of a chunked answer to HEAD', method: 'HEAD', text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' },
  { what: 'no body of an answer to HEAD without a length', method: 'HEAD', text: 'HTTP/1.1 200 OK\r\n\r\n' },
  {
    what: 'informational answers before the answer',
    text: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
    informational: [100, 103],
    body: 'x',
  },
  {
    what: 'an informational answer to HEAD',
    method: 'HEAD',
    text: 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n',
    informational: [102],
  },
  {
    what: 'the change to another protocol, whose bytes stay',
    text: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n\0\x01abc',
    status: 101,
    end: 'switched',
    restBytes: 5,
  },
  {
    what: 'what comes behind the answer is not taken',
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n',
    body: 'x',
    restBytes: 19,
  },
  {
    what: 'fields that rule the connection, apart from the others',
    text: 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nConnection: x-hop, Date\r\nX-Hop: 1\r\nDate: x\r\nX: 1\r\nContent-Length: 0\r\n\r\n',
    fields: ['x', '1'],
  },
];

for (const each of answerCases) {
  test(`reads ${each.what}, however split`, () => {
    const options = { method: each.method ?? 'GET' };
    const reading = readResponse([toBytes(each.text)], options);
    assert.equal(reading.end, each.end ?? 'whole');
    assert.equal(reading.restBytes, each.restBytes ?? 0);
    assert.deepEqual(
      reading.informational.map(({ status }) => status),
      each.informational ?? [],
    );
    const { response } = reading;
    assert.equal(response?.head.status, each.status ?? 200);
    assert.deepEqual(response.head.fields, each.fields ?? response.head.fields);
    assert.equal(response.head.allowsReuse, each.allowsReuse ?? true);
    assert.equal(response.body, each.body ?? '');
    assert.deepEqual(response.trailers, each.trailers);
    assert.equal(response.isComplete, each.end === undefined);
    for (const pieces of everySplit(toBytes(each.text))) {
      assert.deepEqual(readResponse(pieces, options), reading);
      assert.deepEqual(readResponse(pieces, { ...options, isSlow: true }), reading);
    }
  });
}

test('a date that the connection field takes away counts as missing', () => {
  const head = (lines: string) => readResponse([toBytes(`HTTP/1.1 204 X\r\n${lines}\r\n`)]).response!.head;
  assert.equal(head('Date: x\r\n').hasDate, true);
  assert.equal(head('Date: x\r\nConnection: date\r\n').hasDate, false);
});

test('takes nothing while no answer is awaited', () => {
  const decoder = new ResponseDecoder(limits, silentEvents);
  const bytes = toBytes('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  assert.equal(decoder.decode(bytes, 0, bytes.length), 0);
  assert.equal(decoder.finish(), undefined);
  decoder.expect('GET');
  assert.equal(decoder.decode(bytes, 0, bytes.length), bytes.length);
  assert.equal(decoder.isIdle, true);
});

test('reads one answer after the other on one connection, each by its own request', () => {
  const bodies: string[] = [];
  const decoder = new ResponseDecoder(limits, {
    ...silentEvents,
    onBodyChunk: (view) => bodies.push(view.latin1Slice()),
    onBodyText: (text) => bodies.push(text),
  });
  const answer = toBytes('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx');
  for (const method of ['GET', 'HEAD', 'GET']) {
    decoder.expect(method);
    assert.equal(decoder.decode(answer, 0, answer.length), method === 'HEAD' ? answer.length - 1 : answer.length);
    assert.equal(decoder.isIdle, true);
  }
  assert.deepEqual(bodies, ['x', 'x']);
});

test('knows how much of a body is to come', () => {
  const remainingAfter = (text: string) => {
    const decoder = new ResponseDecoder(limits, silentEvents);
    decoder.expect('GET');
    decoder.decode(toBytes(text), 0, text.length);
    return decoder.remainingBytes;
  };
  assert.equal(remainingAfter('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx'), 4);
  assert.equal(remainingAfter('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'), Number.POSITIVE_INFINITY);
  assert.equal(remainingAfter('HTTP/1.1 200 OK\r\n\r\n'), Number.POSITIVE_INFINITY);
  assert.equal(remainingAfter('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), 0);
});
