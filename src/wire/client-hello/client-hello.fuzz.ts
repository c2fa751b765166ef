/** Random, injured and cut ClientHellos: never a throw, and neither the pieces nor the records make a difference. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { alpn, extension, serverName, toRecords, writeHello } from '#test/support/client-hellos.ts';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { ClientHelloReader, type ClientHelloReading } from './client-hello.ts';

const name = fc.string({ minLength: 1, maxLength: 30, unit: fc.constantFrom('a', 'b', '-', '.', '0') });
const anyExtension = fc.oneof(
  name.map(serverName),
  fc.array(name, { minLength: 1, maxLength: 3 }).map((protocols) => alpn(...protocols)),
  fc.tuple(fc.nat(60), fc.uint8Array({ maxLength: 40 })).map(([type, value]) => extension(type, Buffer.from(value))),
);
const messages = fc.array(anyExtension, { maxLength: 5 }).map((extensions) => writeHello({ extensions }));
const injuredMessages = fc
  .tuple(messages, fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }))
  .map(([message, injuries]) => injure(message, injuries));
const records = fc.tuple(injuredMessages, fc.integer({ min: 1, max: 300 })).map(([message, bytes]) => toRecords(message, bytes));
const openings = fc.oneof(
  { weight: 6, arbitrary: records },
  {
    weight: 3,
    arbitrary: fc
      .tuple(records, fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 3 }))
      .map(([bytes, injuries]) => injure(bytes, injuries)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)) },
);

function injure(bytes: Buffer, injuries: readonly [at: number, byte: number][]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, byte] of injuries) if (at < copy.length) copy[at] = byte;
  return copy;
}

/** Reads at each of the ends until something comes out. */
function readInPieces(bytes: Buffer, ends: readonly number[], reader = new ClientHelloReader()): ClientHelloReading {
  for (const end of ends.toSorted((left, right) => left - right)) {
    const reading = reader.read(bytes, Math.min(end, bytes.length));
    if (reading.kind !== 'more') return reading;
  }
  return reader.read(bytes, bytes.length);
}

const someEnds = fc.array(fc.nat(400), { maxLength: 6 });

test('hellos that come in pieces mean the same', (context) => {
  fc.assert(
    fc.property(openings, someEnds, (bytes, ends) => {
      const whole = readInPieces(bytes, []);
      assert.deepEqual(readInPieces(bytes, ends), whole);
      assert.deepEqual(readInPieces(bytes, [...bytes.keys()]), whole);
    }),
    fuzzParameters(context),
  );
});

test('the records that a hello is spread over make no difference', (context) => {
  fc.assert(
    fc.property(injuredMessages, fc.integer({ min: 1, max: 200 }), (message, fragmentBytes) => {
      // A message that says it is longer than it is would go on in records that are not there.
      assert.deepEqual(readInPieces(toRecords(message, fragmentBytes), []), readInPieces(toRecords(message), []));
    }),
    fuzzParameters(context),
  );
});

/** Begins anew with each record: the mistake this fuzzer is for. */
class ForgetfulReader extends ClientHelloReader {
  override read(bytes: Buffer, end: number): ClientHelloReading {
    const recordEnd = end < 5 ? end : Math.min(end, 5 + bytes.readUInt16BE(3));
    return new ClientHelloReader().read(bytes, recordEnd);
  }
}

test('the fuzzer finds a reader that looks at one record only', (context) => {
  const property = fc.property(openings, someEnds, (bytes, ends) => {
    assert.deepEqual(readInPieces(bytes, ends, new ForgetfulReader()), readInPieces(bytes, []));
  });
  const { seed } = fuzzParameters(context);
  assert.equal(fc.check(property, { seed, numRuns: 2_000, endOnFailure: true }).failed, true);
});
