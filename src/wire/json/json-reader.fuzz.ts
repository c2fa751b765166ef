/** Random and injured documents: what we take is what JSON.parse takes, in whatever pieces it comes, and values are where it says. */
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { JsonDocument, readJson } from './json-document.ts';
import { type JsonFault, JsonReader } from './json-reader.ts';
import type { JsonValue } from './json-value.ts';

/** Deeper than any document here. */
const DEPTH_MAX = 64;

interface Outcome {
  readonly fault: JsonFault | undefined;
  readonly index: readonly number[];
}

function read(pieces: readonly Buffer[]): Outcome {
  const reader = new JsonReader({ index: true, depthMax: DEPTH_MAX });
  for (const piece of pieces) {
    const lent = Buffer.from(piece);
    const fault = reader.write(lent);
    lent.fill('#');
    if (fault !== undefined) return { fault, index: [] };
  }
  const fault = reader.end();
  return { fault, index: fault === undefined ? [...reader.index] : [] };
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set([...places.map((place) => place % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1]!, end));
}

/** The one difference: `JSON.parse` takes text, so what is no UTF-8 never comes to it. */
function isJson(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) return false;
  try {
    JSON.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}

/** What the values of our own make, so that it can be compared. */
function rebuild(value: JsonValue): unknown {
  switch (value.kind) {
    case 'object': {
      // No prototype: `__proto__` is a name like any other.
      const made: Record<string, unknown> = Object.create(null);
      for (const { name, value: member } of value.members() ?? []) made[name.text] = rebuild(member);
      return made;
    }
    case 'list':
      return (value.items() ?? []).map(rebuild);
    case 'string':
      return value.text;
    case 'number':
      return Number(value.text);
    case 'boolean':
      return value.text === 'true';
    default:
      return null;
  }
}

function withoutPrototypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPrototypes);
  if (typeof value !== 'object' || value === null) return value;
  const made: Record<string, unknown> = Object.create(null);
  for (const [name, member] of Object.entries(value)) made[name] = withoutPrototypes(member);
  return made;
}

const spaces = fc.constantFrom('', '', ' ', '\n', '\t', '\r\n  ');
const numbers = fc.constantFrom(
  '0',
  '-0',
  '12',
  '-3.25',
  '1e9',
  '1E+9',
  '0.1e-2',
  '9007199254740993',
  '1.0',
  '100000000000000000000001',
);
const strings = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\u0041"', '"\\ud800"', '"\\/\\b"', '"é"', '"\\u00e9"', '"😀"', '"a"'),
);
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    fc.constantFrom('true', 'false', 'null'),
    numbers,
    strings,
    fc
      .tuple(spaces, fc.array(fc.tuple(spaces, tie('json'), spaces), { maxLength: 4 }))
      .map(([space, items]) => `[${space}${items.map((parts) => parts.join('')).join(',')}]`),
    fc
      .tuple(spaces, fc.array(fc.tuple(spaces, strings, spaces, tie('json'), spaces), { maxLength: 4 }))
      .map(
        ([space, members]) =>
          `{${space}${members.map(([a, name, b, value, c]) => `${a}${name}${b}:${b}${value}${c}`).join(',')}}`,
      ),
  ),
}));
const documents = fc.tuple(spaces, json, spaces).map((parts) => Buffer.from(parts.join('')));
const structural = fc.constantFrom(
  ...Buffer.from('{}[]:,"\\0123-+.eEtfnu \n\u0000\u007f'),
  0x80,
  0xc0,
  0xc3,
  0xe0,
  0xed,
  0xa0,
  0xf0,
  0xf4,
  0x90,
  0xff,
);
const injured = fc
  .tuple(documents, fc.array(fc.tuple(fc.nat(), structural), { maxLength: 3 }), fc.boolean())
  .map(([bytes, injuries, isCut]) => {
    const copy = Buffer.from(bytes);
    for (const [at, byte] of injuries) copy[at % copy.length] = byte;
    return isCut ? copy.subarray(0, copy.length - 1) : copy;
  });
const letters = fc.array(structural, { maxLength: 12 }).map((bytes) => Buffer.from(bytes));
const places = fc.array(fc.nat(), { maxLength: 6 });

test('what is written as JSON is read, and its values are what JSON.parse makes of it', (context) => {
  fc.assert(
    fc.property(documents, (bytes) => {
      const document = readJson(bytes, { depthMax: DEPTH_MAX });
      assert.ok(document instanceof JsonDocument, JSON.stringify(document));
      assert.deepEqual(rebuild(document.root), withoutPrototypes(JSON.parse(bytes.toString())));
      assert.equal(document.root.bytes.toString(), bytes.toString().replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''));
    }),
    fuzzParameters(context),
  );
});

test('whatever comes is taken exactly where JSON.parse takes it', (context) => {
  fc.assert(
    fc.property(fc.oneof(injured, letters), (bytes) => {
      assert.equal(read([bytes]).fault === undefined, isJson(bytes), bytes.toString('latin1'));
    }),
    fuzzParameters(context),
  );
});

test('pieces make no difference', (context) => {
  fc.assert(
    fc.property(fc.oneof(injured, documents), places, (bytes, at) => {
      const whole = read([bytes]);
      assert.deepEqual(read(cut(bytes, [...bytes.keys()])), whole);
      assert.deepEqual(read(cut(bytes, at)), whole);
    }),
    fuzzParameters(context),
  );
});
