import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { encodeHealthRequest, readServingStatus } from './health-check.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('asks about the server as a whole with an empty message, and about a service by its name', () => {
  assert.deepEqual(encodeHealthRequest(''), hex('00 00000000'));
  assert.deepEqual(encodeHealthRequest('a.B'), hex('00 00000005 0a 03 612e42'));
  const long = encodeHealthRequest('x'.repeat(200));
  assert.deepEqual(long.subarray(0, 8), hex('00 000000cb 0a c8 01'));
  assert.equal(long.length, 8 + 200);
});

const answers: { name: string; bytes: string; expected: string | undefined }[] = [
  { name: 'serving', bytes: '00 00000002 0801', expected: 'SERVING' },
  { name: 'not serving', bytes: '00 00000002 0802', expected: 'NOT_SERVING' },
  { name: 'a service that is not known', bytes: '00 00000002 0803', expected: 'SERVICE_UNKNOWN' },
  { name: 'nothing said', bytes: '00 00000000', expected: 'UNKNOWN' },
  { name: 'a fixed number that is cut off', bytes: '00 00000005 0801 210000', expected: undefined },
  { name: 'skipped fields', bytes: '00 0000000b 1202ffff 1d01020304 0801', expected: 'SERVING' },
  { name: 'a number beyond those that there are', bytes: '00 00000002 0809', expected: undefined },
  { name: 'a compressed message', bytes: '01 00000002 0801', expected: undefined },
  { name: 'a message that is cut off', bytes: '00 00000003 0801', expected: undefined },
  { name: 'a text that is longer than the message', bytes: '00 00000003 12ff01', expected: undefined },
  { name: 'a number that never ends', bytes: '00 0000000c 08ffffffffffffffffffffff', expected: undefined },
  { name: 'an end of a group', bytes: '00 00000001 0c', expected: undefined },
  { name: 'nothing', bytes: '', expected: undefined },
];

for (const { name, bytes, expected } of answers) {
  test(`reads an answer: ${name}`, () => assert.equal(readServingStatus(hex(bytes)), expected));
}

test('reads the last of several', () => assert.equal(readServingStatus(hex('00 00000004 0801 0802')), 'NOT_SERVING'));

test('whatever comes is read to an end', () => {
  const frames = fc.tuple(fc.nat(40), fc.uint8Array({ maxLength: 40 })).map(([length, bytes]) => {
    const frame = Buffer.alloc(5 + bytes.length);
    frame.writeUInt32BE(length, 1);
    frame.set(bytes, 5);
    return frame;
  });
  fc.assert(
    fc.property(frames, (frame) => void readServingStatus(frame)),
    { numRuns: 500 },
  );
});
