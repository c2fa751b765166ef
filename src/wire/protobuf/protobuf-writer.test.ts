import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProtobuf } from '#test/support/protobuf-fields.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

const takeHex = (writer: ProtobufWriter) => Buffer.from(writer.take()).toString('hex');

test('numbers, texts and bytes are written as the specification says', () => {
  const writer = new ProtobufWriter();
  // The examples of https://protobuf.dev/programming-guides/encoding.
  writer.integer(1, 150);
  assert.equal(takeHex(writer), '089601');
  writer.text(2, 'testing');
  assert.equal(takeHex(writer), '120774657374696e67');
  const start = writer.begin(3);
  writer.integer(1, 150);
  writer.end(start);
  assert.equal(takeHex(writer), '1a03089601');
  writer.integer(1, -2);
  assert.equal(takeHex(writer), '08feffffffffffffffff01');
  writer.fixed32(16, 0x301);
  writer.fixed64(7, 1, 2);
  writer.double(4, 0.5);
  writer.hex(1, '00ff');
  assert.equal(takeHex(writer), '8501010300003902000000010000002100000000' + '0000e03f' + '0a0200ff');
});

test('a message of any length has its length before it, and so have those around it', () => {
  for (const length of [0, 1, 24, 25, 126, 127, 128, 129, 16_383, 16_384, 100_000]) {
    for (const sign of ['x', 'ä', '€', '😀']) {
      const writer = new ProtobufWriter();
      const outer = writer.begin(1);
      const inner = writer.begin(2);
      writer.text(3, sign.repeat(length));
      writer.end(inner);
      writer.integer(4, 7);
      writer.end(outer);
      const fields = readProtobuf(readProtobuf(Buffer.from(writer.take())).get(1)![0] as Buffer);
      assert.deepEqual(fields.get(4), [7n]);
      assert.equal(String(readProtobuf(fields.get(2)![0] as Buffer).get(3)![0]), sign.repeat(length));
    }
  }
});

test('whole numbers up to the largest of 64 bits are read as what they were', () => {
  const writer = new ProtobufWriter();
  for (let power = 0; power < 63; power++) {
    for (const value of [2 ** power, 2 ** power - 1, -(2 ** power)]) {
      writer.integer(1, value);
      assert.equal(BigInt.asIntN(64, readProtobuf(Buffer.from(writer.take())).get(1)![0] as bigint), BigInt(value));
    }
  }
});

test('what is lent is overwritten, what is taken stays, and what was written before is part of what is written then', () => {
  const writer = new ProtobufWriter();
  writer.integer(1, 1);
  const taken = writer.take();
  writer.integer(1, 2);
  assert.equal(writer.length, 2);
  const lent = writer.lend();
  assert.equal(writer.length, 0);
  const start = writer.begin(2);
  writer.fields(taken);
  writer.end(start);
  assert.deepEqual(
    [[...taken], [...lent]],
    [
      [0x08, 1],
      [0x12, 2],
    ],
  );
  assert.equal(takeHex(writer), '12020801');
});
