/** Random and injured header blocks: none throws, hangs or exceeds a limit, and what is encoded is decoded to the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { HpackDecoder } from './decoder.ts';
import { BLOCK_START_BYTES_MAX, encodedBytesMax, HpackEncoder } from './encoder.ts';

const limits = { tableBytesMax: 4096, listBytesMax: 1_000_000, fieldCountMax: 1_000 };

const octet = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: octet, maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('\xf9', '\x01', 'e', '0'), maxLength: 20 }),
  fc.nat({ max: 5_000 }).map((length) => 'v'.repeat(length)),
);
const someNames = ['content-type', 'date', 'etag', 'x-request-id', 'set-cookie', 'accept-encoding', ':path', 'x-a', 'x-b'];
const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...someNames) }, text);
const value = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('', '/', 'gzip, deflate', 'a', 'b', 'c', 'd', 'e', 'f') }, text);
const fieldList = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((fields) => fields.flat());
/** A block with what the peer allows before it, in the order in which it says so. */
const blocks = fc.array(
  fc.record({
    sizes: fc.array(fc.oneof(fc.constantFrom(0, 32, 64, 4096, 65_536), fc.nat({ max: 4096 })), { maxLength: 2 }),
    fields: fieldList,
  }),
  { minLength: 1, maxLength: 20 },
);

function encode(encoder: HpackEncoder, fields: readonly string[]): Buffer {
  let room = BLOCK_START_BYTES_MAX;
  for (let i = 0; i < fields.length; i += 2) room += encodedBytesMax(fields[i]!, fields[i + 1]!);
  const into = Buffer.alloc(room);
  let end = encoder.beginBlock(into, 0);
  for (let i = 0; i < fields.length; i += 2) end = encoder.encodeField(fields[i]!, fields[i + 1]!, into, end);
  assert.ok(end <= room);
  return into.subarray(0, end);
}

test('what is encoded is decoded to the same, block after block, while the table changes its size', (context) => {
  fc.assert(
    fc.property(blocks, (given) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(limits);
      for (const { sizes, fields } of given) {
        for (const size of sizes) encoder.setTableBytesMax(size);
        const block = encode(encoder, fields);
        const decoded: string[] = [];
        assert.equal(decoder.decode(block, 0, block.length, decoded), 'ok');
        assert.deepEqual(decoded, fields);
      }
    }),
    fuzzParameters(context),
  );
});

test('a decoder that keeps only what its limits allow stays in step with one that keeps everything', (context) => {
  const low = fc.record({
    tableBytesMax: fc.constant(4096),
    listBytesMax: fc.nat({ max: 500 }),
    fieldCountMax: fc.nat({ max: 8 }),
  });
  fc.assert(
    fc.property(blocks, low, (given, lowLimits) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(lowLimits);
      for (const { fields } of given) {
        const block = encode(encoder, fields);
        const decoded: string[] = [];
        const outcome = decoder.decode(block, 0, block.length, decoded);
        const bytes = (list: readonly string[]) => list.join('').length + 16 * list.length;
        const isWithin = fields.length / 2 <= lowLimits.fieldCountMax && bytes(fields) <= lowLimits.listBytesMax;
        assert.equal(outcome, isWithin ? 'ok' : 'too-large');
        assert.deepEqual(decoded, fields.slice(0, decoded.length));
        assert.ok(decoded.length / 2 <= lowLimits.fieldCountMax && bytes(decoded) <= lowLimits.listBytesMax);
      }
    }),
    fuzzParameters(context),
  );
});

/** Bytes that are likely to mean something, and blocks of an encoder with some bytes changed. */
const likely = [0, 0x01, 0x0f, 0x10, 0x1f, 0x20, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0x82, 0xbe, 0xbf, 0xff];
const changes = fc.array(fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }) }), { maxLength: 3 });
const randomBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.array(fc.constantFrom(...likely), { maxLength: 60 }).map((bytes) => Uint8Array.from(bytes)),
  fc.tuple(fieldList, changes).map(([fields, changed]) => {
    const block = encode(new HpackEncoder(), fields);
    for (const { at, byte } of block.length > 0 ? changed : []) block[at % block.length] = byte;
    return block;
  }),
);

test('random blocks neither throw nor exceed a limit, and the bytes around them make no difference', (context) => {
  fc.assert(
    fc.property(fc.array(randomBytes, { minLength: 1, maxLength: 5 }), fc.nat({ max: 255 }), (given, around) => {
      const alone = new HpackDecoder({ ...limits, fieldCountMax: 50, listBytesMax: 2_000 });
      const amid = new HpackDecoder({ ...limits, fieldCountMax: 50, listBytesMax: 2_000 });
      for (const block of given) {
        const fields: string[] = [];
        const outcome = alone.decode(Buffer.from(block), 0, block.length, fields);
        assert.ok(fields.length <= 2 * 50 && fields.join('').length + 16 * fields.length <= 2_000);
        const bytes = Buffer.concat([Buffer.alloc(5, around), block, Buffer.alloc(5, around)]);
        const again: string[] = [];
        assert.equal(amid.decode(bytes, 5, 5 + block.length, again), outcome);
        assert.deepEqual(again, fields);
        if (outcome === 'malformed') return;
      }
    }),
    fuzzParameters(context),
  );
});
