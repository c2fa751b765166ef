/** Random, injured and cut headers: never a throw, the pieces make no difference, and what is written is read again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '#base/limits.ts';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { arbitraryAddresses, arbitraryTlvs, withChecksum, writeV2 } from '#test/support/proxy-headers.ts';
import { type ProxyHeaderReading, readProxyHeader } from './decode.ts';
import { encodeProxyHeaderV1, encodeProxyHeaderV2 } from './encode.ts';
import { HEADER_START_BYTES } from './header.ts';

const whole = fc.oneof(
  arbitraryAddresses.map(encodeProxyHeaderV1),
  fc.tuple(arbitraryAddresses, arbitraryTlvs).map(([addresses, tlvs]) => encodeProxyHeaderV2(addresses, tlvs)),
  arbitraryTlvs.map((tlvs) => withChecksum(writeV2({ tlvs }))),
  fc.record({ versionCommand: fc.nat(255), family: fc.nat(255), tlvs: arbitraryTlvs }).map(writeV2),
);

const injured = fc.tuple(whole, fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 3 })).map(([bytes, injuries]) => {
  const copy = Buffer.from(bytes);
  for (const [at, byte] of injuries) if (at < copy.length) copy[at] = byte;
  return copy;
});

const openings = fc.oneof(
  whole,
  injured,
  fc.tuple(whole, fc.uint8Array({ maxLength: 30 })).map((parts) => Buffer.concat(parts)),
  fc.uint8Array({ maxLength: 150 }).map((bytes) => Buffer.from(bytes)),
);

/** The first reading that is not a wish for more, when the bytes come one by one. */
function readSlowly(bytes: Buffer, read: typeof readProxyHeader): ProxyHeaderReading {
  for (let end = 0; end < bytes.length; end += 1) {
    const reading = read(bytes, end);
    if (reading.kind !== 'more') return reading;
  }
  return read(bytes, bytes.length);
}

test('headers that come in pieces mean the same', (context) => {
  fc.assert(
    fc.property(openings, (bytes) => assert.deepEqual(readSlowly(bytes, readProxyHeader), readProxyHeader(bytes, bytes.length))),
    fuzzParameters(context),
  );
});

test('a header never reaches beyond what came, nor beyond its limit', (context) => {
  fc.assert(
    fc.property(openings, fc.nat(400), (bytes, cut) => {
      const end = Math.min(cut, bytes.length);
      const reading = readProxyHeader(bytes, end);
      if (reading.kind !== 'header') return;
      assert.ok(reading.byteLength <= end && reading.byteLength <= limits.proxyHeaderBytesMax);
    }),
    fuzzParameters(context),
  );
});

function readBefore(rest: Uint8Array, header: Buffer): ProxyHeaderReading {
  const bytes = Buffer.concat([header, rest]);
  return readProxyHeader(bytes, bytes.length);
}

test('what is written is read again, whatever follows', (context) => {
  const written = fc.tuple(arbitraryAddresses, arbitraryTlvs, fc.uint8Array({ maxLength: 20 }));
  fc.assert(
    fc.property(written, ([addresses, tlvs, rest]) => {
      const header = encodeProxyHeaderV2(addresses, tlvs);
      const line = readBefore(rest, encodeProxyHeaderV1(addresses));
      const binary = readBefore(rest, header);
      assert.ok(line.kind === 'header' && binary.kind === 'header');
      assert.deepEqual(line.header.addresses, binary.header.addresses);
      assert.deepEqual(binary.header.addresses!.source.port, addresses.source.port);
      assert.deepEqual(binary.header.tlvs, tlvs);
      // Addresses are written in one way only, so a second round changes nothing.
      assert.deepEqual(encodeProxyHeaderV2(binary.header.addresses, binary.header.tlvs), header);
    }),
    fuzzParameters(context),
  );
});

/** Looks at what a header holds as soon as its start is there: the mistake this fuzzer is for. */
function readHastily(bytes: Buffer, end: number): ProxyHeaderReading {
  return readProxyHeader(bytes, end > HEADER_START_BYTES ? bytes.length : end);
}

test('the fuzzer finds a reader that does not wait for the whole header', (context) => {
  const property = fc.property(openings, fc.nat(60), (bytes, cut) => {
    const end = Math.min(cut, bytes.length);
    const reading = readHastily(bytes, end);
    assert.ok(reading.kind !== 'header' || reading.byteLength <= end);
  });
  const { seed } = fuzzParameters(context);
  assert.equal(fc.check(property, { seed, numRuns: 2_000, endOnFailure: true }).failed, true);
});
