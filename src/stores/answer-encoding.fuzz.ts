/** Random, injured and cut answers: what was written is read as it was, and whatever else is read never throws. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnswerFacts } from '#base/answer-store.ts';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { decodeAnswer, decodeAnswerHead, encodeAnswer, encodeAnswerHead } from './answer-encoding.ts';

const plain = { noNullPrototype: true } as const;
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ minLength: 120, maxLength: 300 }),
);
const fieldText = text.map((value) => value.replace(/[\r\n\0]/g, ''));
const time = fc.oneof(fc.integer({ min: 0, max: 2 ** 40 }), fc.constant(Number.POSITIVE_INFINITY));
const facts: fc.Arbitrary<AnswerFacts> = fc.record(
  {
    status: fc.integer({ min: 200, max: 599 }),
    fields: fc.array(fc.tuple(fieldText, fieldText), { maxLength: 5 }).map((pairs) => pairs.flat()),
    body: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    part: fc.option(fc.record({ firstByte: fc.maxSafeNat(), wholeBytes: fc.maxSafeNat() }, plain), { nil: undefined }),
    selection: fc.option(fc.record({ names: fc.array(text, { maxLength: 3 }), values: text }, plain), { nil: undefined }),
    dateMs: fc.integer({ min: 0, max: 2 ** 42 }),
    bornMs: time,
    freshUntilMs: time,
    usableWhileAskedMs: time,
    usableOnErrorMs: time,
    keptUntilMs: time,
    isAlwaysAsked: fc.boolean(),
    isNeverStale: fc.boolean(),
    isImmutable: fc.boolean(),
    tags: fc.array(text, { maxLength: 3 }),
  },
  plain,
);
const record = fc.record({ uri: text, partition: text, facts }, plain);

test('what was written is read as it was', (context) => {
  fc.assert(
    fc.property(record, (written) => {
      const head = encodeAnswerHead(written);
      assert.deepEqual(decodeAnswer(encodeAnswer(written)), written);
      assert.deepEqual(decodeAnswerHead(head), { ...written, facts: { ...written.facts, body: Buffer.alloc(0) } });
    }),
    fuzzParameters(context),
  );
});

test('times are those of whoever reads', (context) => {
  fc.assert(
    fc.property(record, fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), (written, shiftMs) => {
      const bytes = encodeAnswer(written, shiftMs);
      assert.equal(decodeAnswer(bytes)?.facts.keptUntilMs, written.facts.keptUntilMs + shiftMs);
      assert.deepEqual(decodeAnswer(bytes, -shiftMs), written);
    }),
    fuzzParameters(context),
  );
});

test('what is shorter, longer or other than what was written is nothing, or an answer all the same', (context) => {
  const injuries = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(record, injuries, fc.nat(), (written, changes, cut) => {
      const bytes = encodeAnswer(written);
      assert.equal(decodeAnswer(bytes.subarray(0, cut % bytes.length)), undefined);
      assert.equal(decodeAnswer(Buffer.concat([bytes, Buffer.from('x')])), undefined);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      for (const read of [decodeAnswer(bytes), decodeAnswerHead(bytes)]) {
        if (read === undefined) continue;
        assert.equal(read.facts.fields.length % 2, 0);
        assert.ok(read.facts.fields.every((field) => !/[\r\n\0]/.test(field)));
      }
    }),
    fuzzParameters(context),
  );
});

test('bytes of anybody are read without a throw', (context) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const first = Buffer.from([1, ...bytes]);
      decodeAnswer(first);
      decodeAnswerHead(first);
    }),
    fuzzParameters(context),
  );
});
