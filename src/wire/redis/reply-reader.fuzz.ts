/** Random, injured and cut answers: never a throw, and the pieces they come in make no difference. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { type Reply, ReplyError, ReplyReader } from './reply-reader.ts';

const BULK_BYTES_MAX = 50;

function read(pieces: readonly Buffer[]): { replies: Reply[]; problem: string | undefined } {
  const replies: Reply[] = [];
  const reader = new ReplyReader(BULK_BYTES_MAX, (reply) => replies.push(reply));
  for (const piece of pieces) {
    // What was only lent is gone.
    const lent = Buffer.from(piece);
    const problem = reader.read(lent);
    lent.fill('#');
    if (problem !== undefined) return { replies, problem };
  }
  return { replies, problem: undefined };
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set([...places.map((place) => place % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1]!, end));
}

const line = fc.string({ maxLength: 20 }).map((text) => text.replace(/[^ -~]/g, '.'));
const { reply } = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small', maxDepth: 2 },
    line,
    line.map((text) => new ReplyError(text)),
    fc.integer(),
    fc.uint8Array({ maxLength: BULK_BYTES_MAX }).map((bytes) => Buffer.from(bytes)),
    fc.constant(null),
    fc.array(tie('reply'), { maxLength: 4 }),
  ),
}));

function encode(value: Reply): Buffer {
  if (value === null) return Buffer.from('$-1\r\n');
  if (typeof value === 'string') return Buffer.from(`+${value}\r\n`);
  if (typeof value === 'number') return Buffer.from(`:${value}\r\n`);
  if (value instanceof ReplyError) return Buffer.from(`-${value.text}\r\n`);
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')]);
  return Buffer.concat([Buffer.from(`*${(value as readonly Reply[]).length}\r\n`), ...(value as readonly Reply[]).map(encode)]);
}

const streams = fc.array(reply, { maxLength: 5 }).map((replies) => Buffer.concat(replies.map(encode)));
const injured = fc.tuple(streams, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 })).map(([bytes, injuries]) => {
  for (const [at, byte] of injuries) if (bytes.length > 0) bytes[at % bytes.length] = byte;
  return bytes;
});
const places = fc.array(fc.nat(), { maxLength: 8 });

test('what was written is read, in whatever pieces it comes', (context) => {
  fc.assert(
    fc.property(fc.array(reply, { maxLength: 5 }), places, (replies, at) => {
      const outcome = read(cut(Buffer.concat(replies.map(encode)), at));
      assert.deepEqual(outcome, { replies, problem: undefined });
    }),
    fuzzParameters(context),
  );
});

test('whatever comes is read the same in pieces, or refused the same', (context) => {
  fc.assert(
    fc.property(
      fc.oneof(
        injured,
        fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      ),
      places,
      (bytes, at) => {
        const whole = read([bytes]);
        const byByte = read(cut(bytes, [...bytes.keys()]));
        assert.deepEqual(byByte, whole);
        assert.deepEqual(read(cut(bytes, at)), whole);
      },
    ),
    fuzzParameters(context),
  );
});
