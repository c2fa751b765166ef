/** Random and injured frames, split at random and at every byte: they mean the same, and nothing that is kept grows beyond its limit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { arbitrarySplit } from '#test/support/http1-messages.ts';
import { everySplit, splitAt } from '#test/support/http1-reading.ts';
import { encodeFrame, encodeSettings, FrameType } from '#test/support/http2-frames.ts';
import { readFrames, readingLimits } from '#test/support/http2-reading.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { FRAME_HEAD_BYTES, PREFACE } from './frame-types.ts';
import { FrameWriter } from './frame-writer.ts';

const someBytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));
const frame = fc
  .record({
    type: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...Object.values(FrameType)) }, fc.nat(255)),
    flags: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(0, 1, 4, 5, 8, 12, 32, 36, 44) }, fc.nat(255)),
    stream: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(0, 1, 1, 3) }, fc.nat()),
    payload: fc.oneof(
      someBytes(20),
      fc.constantFrom(0, 4, 5, 6, 8, 300).map((length) => Buffer.alloc(length, 2)),
    ),
  })
  .map(({ type, flags, stream, payload }) => encodeFrame(type, flags, stream, payload));

/** Frames that mostly follow the rules, so that decoders come further than to the first. */
const properFrame = fc.oneof(
  fc
    .record({ stream: fc.constantFrom(1, 3), bytes: someBytes(50), flags: fc.constantFrom(0, 1) })
    .map(({ stream, bytes, flags }) => {
      return encodeFrame(FrameType.data, flags, stream, bytes);
    }),
  fc.record({ bytes: someBytes(50), pad: fc.nat(20) }).map(({ bytes, pad }) => {
    return encodeFrame(FrameType.data, 8, 1, Buffer.concat([Buffer.from([pad]), bytes, Buffer.alloc(pad)]));
  }),
  fc.array(someBytes(30), { minLength: 1, maxLength: 25 }).map((pieces) => {
    const isLast = (index: number) => (index === pieces.length - 1 ? 4 : 0);
    return Buffer.concat(pieces.map((piece, index) => encodeFrame(index === 0 ? 1 : 9, isLast(index), 1, piece)));
  }),
  someBytes(8).map((bytes) => encodeFrame(FrameType.ping, 0, 0, Buffer.concat([bytes, Buffer.alloc(8)]).subarray(0, 8))),
  someBytes(30).map((bytes) => encodeFrame(FrameType.settings, 0, 0, bytes.subarray(0, bytes.length - (bytes.length % 6)))),
);

const connections = fc
  .record({
    frames: fc.array(fc.oneof({ weight: 4, arbitrary: properFrame }, frame), { maxLength: 12 }),
    injury: fc.option(fc.record({ at: fc.nat(400), byte: fc.nat(255) })),
  })
  .map(({ frames, injury }) => {
    const bytes = Buffer.concat([Buffer.from(PREFACE), encodeSettings(), ...frames]);
    if (injury !== null && injury.at < bytes.length) bytes[injury.at] = injury.byte;
    return bytes;
  });

const someLimits = fc.oneof(
  fc.constant(readingLimits),
  fc.record({ blockBytesMax: fc.nat(100), continuationsMax: fc.nat(5), settingsMax: fc.nat(3) }),
);

test('the pieces in which frames arrive make no difference', (context) => {
  fc.assert(
    fc.property(connections, arbitrarySplit, someLimits, (bytes, positions, limits) => {
      const whole = readFrames([bytes], limits);
      assert.deepEqual(readFrames(splitAt(bytes, positions), limits), whole);
      assert.deepEqual(readFrames(everySplit(bytes).at(-1)!, limits), whole);
    }),
    fuzzParameters(context),
  );
});

test('nothing follows a fault, and no head is longer than it may be', (context) => {
  fc.assert(
    fc.property(connections, someLimits, (bytes, limits) => {
      const said = readFrames([bytes], limits);
      const fault = said.findIndex((line) => line.startsWith('fault: '));
      if (fault >= 0) assert.equal(fault, said.length - 1);
    }),
    fuzzParameters(context),
  );
});

/** What a writer can be told to write, with what a decoder then says. */
const written = fc.oneof(
  fc.record({ stream: fc.constantFrom(1, 3), bytes: someBytes(50) }).map(({ stream, bytes }) => ({
    said: [`data on ${stream}: ${bytes.length}`, `${bytes.length} bytes: ${bytes.latin1Slice()}`],
    write: (writer: FrameWriter) => {
      writer.reserve(FRAME_HEAD_BYTES + bytes.length);
      writer.data(stream, bytes, 0, bytes.length);
    },
  })),
  fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 50 }).map((text) => ({
    said: [`data on 1: ${text.length}`, `${text.length} bytes, the last: ${text}`],
    write: (writer: FrameWriter) => {
      writer.reserve(FRAME_HEAD_BYTES + text.length);
      const { at } = writer;
      writer.dataText(1, text);
      writer.markLast(at);
    },
  })),
  fc.record({ bytes: someBytes(200), frameBytesMax: fc.integer({ min: 12, max: 100 }) }).map(({ bytes, frameBytesMax }) => ({
    said: [`head on 5: ${bytes.latin1Slice()}`],
    write: (writer: FrameWriter) => {
      writer.reserve(FRAME_HEAD_BYTES + bytes.length);
      const blockStart = writer.at + FRAME_HEAD_BYTES;
      bytes.copy(writer.bytes, blockStart);
      writer.at = blockStart + bytes.length;
      writer.frameHeaders(5, blockStart, frameBytesMax);
    },
  })),
  fc.constantFrom(0, 1, 0x7fff_ffff).map((code) => ({
    said: [`reset of 7: ${code}`, `window of 9: ${code + 1 < 2 ** 31 ? code + 1 : 1}`, `goaway behind ${0x7fff_ffff}: ${code}`],
    write: (writer: FrameWriter) => {
      writer.reset(7, code);
      writer.windowUpdate(9, code + 1 < 2 ** 31 ? code + 1 : 1);
      writer.goaway(0x7fff_ffff, code);
    },
  })),
  fc.record({ id: fc.nat(0xffff), value: fc.nat(0xffff_ffff), payload: someBytes(8) }).map(({ id, value, payload }) => {
    const eight = Buffer.concat([payload, Buffer.alloc(8)]).subarray(0, 8);
    return {
      said: [`setting ${id}: ${value}`, 'settings', 'settings acknowledged', `ping ${eight.latin1Slice()}`, 'ping answered'],
      write: (writer: FrameWriter) => {
        writer.settings([id, value]);
        writer.settingsAck();
        writer.ping(eight, 0, false);
        writer.ping(eight, 0, true);
      },
    };
  }),
);

test('what is written is read again as it was meant, however small the buffers', (context) => {
  fc.assert(
    fc.property(fc.array(written, { maxLength: 10 }), (steps) => {
      const writer = new FrameWriter({
        take: (bytesMin) => Buffer.alloc(bytesMin),
        giveBack: (buffer) => void buffer.fill(0xcc),
      });
      for (const { write } of steps) write(writer);
      const bytes = Buffer.concat([Buffer.from(PREFACE), encodeSettings(), writer.bytes.subarray(0, writer.at)]);
      assert.deepEqual(readFrames([bytes]), ['settings', ...steps.flatMap(({ said }) => said)]);
    }),
    fuzzParameters(context),
  );
});

/** Loses the last byte of what a piece brings too little of: the mistake this fuzzer is for. */
class ForgetfulDecoder extends FrameDecoder {
  override decode(bytes: Buffer, start: number, end: number): void {
    super.decode(bytes, start, end - start === 3 ? end - 1 : end);
  }
}

test('the fuzzer finds a decoder that forgets where a piece ended', (context) => {
  const property = fc.property(connections, arbitrarySplit, (bytes, positions) => {
    const read = (pieces: readonly Uint8Array[]) =>
      readFrames(pieces, readingLimits, (...given) => new ForgetfulDecoder(...given));
    assert.deepEqual(read(splitAt(bytes, positions)), read([bytes]));
  });
  const { seed } = fuzzParameters(context);
  assert.equal(fc.check(property, { seed, numRuns: 2_000, endOnFailure: true }).failed, true);
});
