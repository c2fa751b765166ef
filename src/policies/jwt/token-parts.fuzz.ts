/** Random and injured tokens: never a throw, and what is taken means the same to other readers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { parseTokenJson } from './token-json.ts';
import { readToken } from './token-parts.ts';

const encode = (text: string) => Buffer.from(text).toString('base64url');
const names = fc.oneof(fc.constantFrom('a', 'b', 'sub', 'alg', '__proto__', 'a:b', '"', '\\', '{'), fc.string({ maxLength: 4 }));
const maps = fc.dictionary(names, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
const texts = fc.oneof(
  { weight: 4, arbitrary: maps.map((map) => JSON.stringify(map)) },
  { weight: 2, arbitrary: maps.map((map) => JSON.stringify(map, undefined, 1)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string() },
);
const tokens = fc
  .tuple(
    texts,
    texts,
    fc.uint8Array({ maxLength: 8 }),
    fc.array(fc.tuple(fc.nat(200), fc.string({ maxLength: 1 })), { maxLength: 2 }),
  )
  .map(([header, claims, signature, injuries]) => {
    let token = `${encode(header)}.${encode(claims)}.${Buffer.from(signature).toString('base64url')}`;
    for (const [at, character] of injuries) token = token.slice(0, at) + character + token.slice(at + 1);
    return token;
  });

test('a token that is taken says the same to another reader', (context) => {
  let taken = 0;
  fc.assert(
    fc.property(tokens, (token) => {
      const read = readToken(token);
      if (typeof read === 'string') return;
      taken += 1;
      assert.deepEqual(read.claims, decodeJwt(token));
      // jose asks for an algorithm there.
      if (typeof read.header['alg'] === 'string') assert.deepEqual(read.header, decodeProtectedHeader(token));
    }),
    fuzzParameters(context),
  );
  assert.ok(taken > 0, 'some are taken');
});

test('a map is taken exactly when it names nothing twice and has names that need no escapes', (context) => {
  const members = fc.array(fc.tuple(names, fc.jsonValue({ maxDepth: 2 })), { maxLength: 5 });
  fc.assert(
    fc.property(members, (written) => {
      const text = `{${written.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
      const own = written.map(([name]) => name);
      const isPlain = [...own, ...listNames(written.map(([, value]) => value))].every(
        (name) => JSON.stringify(name) === `"${name}"`,
      );
      const read = parseTokenJson(text);
      assert.equal(read !== undefined, isPlain && new Set(own).size === own.length, text);
      if (read !== undefined) assert.deepEqual(Object.keys(read).toSorted(), own.toSorted());
    }),
    fuzzParameters(context),
  );
});

/** Of all maps inside. */
function listNames(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return [...(Array.isArray(value) ? [] : Object.keys(value)), ...Object.values(value).flatMap(listNames)];
}
