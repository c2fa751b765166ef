import assert from 'node:assert/strict';
import { Transform } from 'node:stream';
import { test } from 'node:test';
import { type Codec, CodedStream } from './coded-stream.ts';

test('pieces that come while the codec is busy are given to it together', async () => {
  let turns = 0;
  const codec = Object.assign(
    new Transform({
      transform(bytes, _, done) {
        turns += 1;
        setImmediate(done, null, bytes);
      },
    }),
    { flush: () => undefined },
  ) as Codec;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const out: Buffer[] = [];
  const { promise: drained, resolve: onCodedDrained } = Promise.withResolvers<void>();
  const stream = new CodedStream(codec, {
    onCoded: (view) => void out.push(view),
    onCodedDrained,
    onCodedEnd: () => resolve(Buffer.concat(out)),
    onCodecFailed: reject,
    onThrown: reject,
  });
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
  const lent = Buffer.alloc(1);
  let isTaken = true;
  for (const byte of bytes) {
    lent[0] = byte;
    isTaken = stream.write(lent);
  }
  assert.equal(isTaken, false, 'more waits than the codec likes to have');
  await drained;
  stream.write(bytes);
  stream.write(bytes);
  stream.end();
  assert.ok((await promise).equals(Buffer.concat([bytes, bytes, bytes])));
  assert.ok(turns <= 5, `${turns} turns`);
});
