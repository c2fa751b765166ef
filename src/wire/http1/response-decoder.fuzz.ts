/** Random, injured and randomly split answers: split or whole they mean the same, within the limits, and survive being written anew. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '#base/limits.ts';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { arbitraryResponses, arbitrarySplit } from '#test/support/http1-messages.ts';
import { everySplit, type ReadMessage, readResponse, splitAt, toBytes } from '#test/support/http1-reading.ts';
import { smugglingResponses } from '#test/support/http1-smuggling.ts';
import { encodeChunkSize, encodeFields, encodeLastChunk, encodeStatusLine } from './encode.ts';
import type { UpstreamResponseHead } from './response-head.ts';

const responses = fc.oneof(
  { weight: 8, arbitrary: arbitraryResponses(smugglingResponses.map(({ text }) => text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
);
const methods = fc.constantFrom('GET', 'GET', 'HEAD');

/** Low enough to be met often. */
const lowLimits = fc.record({ headBytesMax: fc.integer({ min: 20, max: 200 }), fieldCountMax: fc.integer({ min: 1, max: 5 }) });
const someLimits = fc.oneof({ weight: 3, arbitrary: fc.constant(limits) }, { weight: 1, arbitrary: lowLimits });

test('the pieces in which an answer arrives make no difference', (context) => {
  fc.assert(
    fc.property(responses, arbitrarySplit, methods, someLimits, (bytes, positions, method, given) => {
      const whole = readResponse([bytes], { method, limits: given });
      const pieces = splitAt(bytes, positions);
      assert.deepEqual(readResponse(pieces, { method, limits: given }), whole);
      assert.deepEqual(readResponse(pieces, { method, limits: given, isSlow: true }), whole);
      assert.deepEqual(readResponse(everySplit(bytes).at(-1)!, { method, limits: given }), whole);
    }),
    fuzzParameters(context),
  );
});

test('nothing that is accepted exceeds a limit', (context) => {
  fc.assert(
    fc.property(responses, lowLimits, (bytes, given) => {
      const { response, informational } = readResponse([bytes], { limits: given });
      for (const head of [...informational, ...(response === undefined ? [] : [response.head])]) {
        assert.ok(head.status >= 100 && head.status <= 599);
        assert.ok(head.fields.length / 2 <= given.fieldCountMax);
        assert.ok(head.fields.join('').length <= given.headBytesMax);
      }
      assert.ok((response?.trailers?.length ?? 0) / 2 <= given.fieldCountMax);
    }),
    fuzzParameters(context),
  );
});

/** As the gateway writes an answer to a client. */
function writeAnew({ head, body, trailers }: ReadMessage<UpstreamResponseHead>): string {
  const lines = [
    ...head.fields,
    ...(head.isChunked ? ['transfer-encoding', 'chunked'] : []),
    ...(head.contentLengthBytes >= 0 ? ['content-length', `${head.contentLengthBytes}`] : []),
  ];
  const start = `${encodeStatusLine(head.status)}${encodeFields(lines)}\r\n`;
  if (!head.isChunked || head.status === 204 || head.status === 304) return start + body;
  const chunk = body === '' ? '' : `${encodeChunkSize(body.length)}${body}\r\n`;
  return start + chunk + encodeLastChunk(trailers);
}

/** What an answer means to whoever comes next. */
function meaningOf({ head, body, trailers }: ReadMessage<UpstreamResponseHead>): object {
  const { status, fields, isChunked, contentLengthBytes, hasDate } = head;
  return { status, fields, isChunked, contentLengthBytes, hasDate, body, trailers };
}

test('what is accepted and written anew is accepted again, with the same meaning', (context) => {
  fc.assert(
    fc.property(responses, (bytes) => {
      const { response } = readResponse([bytes]);
      if (response?.isComplete !== true) return;
      const again = readResponse([toBytes(writeAnew(response))]);
      assert.equal(again.end, 'whole');
      assert.deepEqual(meaningOf(again.response!), meaningOf(response));
    }),
    fuzzParameters(context),
  );
});
