/** Random, injured and randomly split requests: split or whole they mean the same, within the limits, and survive being written anew. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '#base/limits.ts';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { arbitraryRequests, arbitrarySplit } from '#test/support/http1-messages.ts';
import { everySplit, type ReadMessage, readRequests, splitAt, toBytes } from '#test/support/http1-reading.ts';
import { smugglingRequests } from '#test/support/http1-smuggling.ts';
import { encodeChunkSize, encodeFields, encodeLastChunk } from './encode.ts';
import { LF } from './octets.ts';
import { RequestDecoder } from './request-decoder.ts';
import type { RequestHead } from './request-head.ts';

const requests = fc.oneof(
  { weight: 8, arbitrary: arbitraryRequests(smugglingRequests.map(({ text }) => text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
);

/** Low enough to be met often. */
const lowLimits = fc.record({
  headBytesMax: fc.integer({ min: 20, max: 200 }),
  fieldCountMax: fc.integer({ min: 1, max: 5 }),
  targetBytesMax: fc.integer({ min: 1, max: 30 }),
  leadingEmptyLinesMax: fc.nat(3),
});
const someLimits = fc.oneof({ weight: 3, arbitrary: fc.constant(limits) }, { weight: 1, arbitrary: lowLimits });

test('the pieces in which requests arrive make no difference', (context) => {
  fc.assert(
    fc.property(requests, arbitrarySplit, someLimits, (bytes, positions, given) => {
      const whole = readRequests([bytes], { limits: given });
      const pieces = splitAt(bytes, positions);
      assert.deepEqual(readRequests(pieces, { limits: given }), whole);
      assert.deepEqual(readRequests(pieces, { limits: given, isSlow: true }), whole);
      assert.deepEqual(readRequests(everySplit(bytes).at(-1)!, { limits: given }), whole);
    }),
    fuzzParameters(context),
  );
});

test('nothing that is accepted exceeds a limit', (context) => {
  fc.assert(
    fc.property(requests, lowLimits, (bytes, given) => {
      for (const { head, trailers } of readRequests([bytes], { limits: given }).requests) {
        assert.ok(head.target.length <= given.targetBytesMax);
        assert.ok(head.fields.length / 2 <= given.fieldCountMax);
        assert.ok((trailers?.length ?? 0) / 2 <= given.fieldCountMax);
        assert.ok(head.method.length + head.target.length + head.fields.join('').length <= given.headBytesMax);
      }
    }),
    fuzzParameters(context),
  );
});

/** As the gateway writes a request to an upstream: what was read, and nothing that was not. */
function writeAnew({ head, body, trailers }: ReadMessage<RequestHead>): string {
  const lines = [
    ...(head.host === undefined ? [] : ['host', head.host]),
    ...head.fields,
    ...(head.isChunked ? ['transfer-encoding', 'chunked'] : []),
    ...(head.contentLengthBytes >= 0 ? ['content-length', `${head.contentLengthBytes}`] : []),
    ...(head.allowsReuse ? ['connection', 'keep-alive'] : ['connection', 'close']),
  ];
  const start = `${head.method} ${head.target} HTTP/1.${head.minorVersion}\r\n${encodeFields(lines)}\r\n`;
  if (!head.isChunked) return start + body;
  const chunk = body === '' ? '' : `${encodeChunkSize(body.length)}${body}\r\n`;
  return start + chunk + encodeLastChunk(trailers);
}

/** What a request means to whoever comes next. */
function meaningOf({ head, body, trailers }: ReadMessage<RequestHead>): object {
  const { method, target, host, fields, isChunked, contentLengthBytes, allowsReuse } = head;
  return { method, target, host, fields, isChunked, contentLengthBytes, allowsReuse, body, trailers };
}

test('what is accepted and written anew is accepted again, with the same meaning', (context) => {
  fc.assert(
    fc.property(requests, (bytes) => {
      const complete = readRequests([bytes]).requests.filter(({ isComplete }) => isComplete);
      const again = readRequests([toBytes(complete.map(writeAnew).join(''))]);
      assert.match(again.end, /^(whole|close)$/);
      assert.deepEqual(again.requests.map(meaningOf), complete.map(meaningOf));
    }),
    fuzzParameters(context),
  );
});

/** Takes an LF at the start of a piece for the rest of a line that is already over: the mistake this fuzzer is for. */
class ForgetfulDecoder extends RequestDecoder {
  override decode(bytes: Buffer, start: number, end: number): number {
    return super.decode(bytes, bytes[start] === LF ? start + 1 : start, end);
  }
}

test('the fuzzer finds a decoder that forgets where a piece began', (context) => {
  const property = fc.property(requests, arbitrarySplit, (bytes, positions) => {
    const createDecoder = (...given: ConstructorParameters<typeof RequestDecoder>) => new ForgetfulDecoder(...given);
    assert.deepEqual(readRequests(splitAt(bytes, positions), { createDecoder }), readRequests([bytes], { createDecoder }));
  });
  const { seed } = fuzzParameters(context);
  assert.equal(fc.check(property, { seed, numRuns: 2_000, endOnFailure: true }).failed, true);
});
