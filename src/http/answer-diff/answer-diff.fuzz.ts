/** Any two documents: nothing differs from itself, every pointer leads to what differs, and ignoring it takes it away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { type ComparedAnswer, type DiffRules, diffAnswers, plainRules } from './answer-diff.ts';
import { parsePointerPattern } from './pointer-pattern.ts';

/** Few names and small numbers, so that documents have something in common. */
const name = fc.constantFrom('a', 'b', '/', '~', '', '*', '__proto__', '0');
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, -0, 1, 1.5, 'x', 'y', '1'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: false }),
  ),
}));
const answer = fc.record({
  status: fc.constantFrom(200, 404),
  fields: fc.array(
    fc.tuple(fc.constantFrom('x-a', 'x-b', 'vary', 'set-cookie', 'date'), fc.constantFrom('1', '2', '1, 2', 'a=1')),
  ),
  value,
});

function toAnswer({
  status,
  fields,
  value: content,
}: {
  status: number;
  fields: [string, string][];
  value: unknown;
}): ComparedAnswer {
  const bytes = Buffer.from(JSON.stringify(content));
  const body = { bytes, isWhole: true, lengthBytes: bytes.length };
  return { status, fields: ['content-type', 'application/json', ...fields.flat()], body };
}

const everything: DiffRules = { ...plainRules, differencesMax: Number.MAX_SAFE_INTEGER };
const absent = Symbol('absent');

function resolve(document: unknown, steps: readonly string[]): unknown {
  let at: unknown = document;
  for (const step of steps) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return absent;
    at = (at as Record<string, unknown>)[step];
  }
  return at;
}

/** The same for documents that mean the same. */
function toComparable(document: unknown): unknown {
  if (document === absent) return 'absent';
  return JSON.stringify(document, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? ['an object', ...Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1))]
      : inner,
  );
}

test('nothing differs from itself', (context) => {
  fc.assert(
    fc.property(answer, (given) => {
      const { differences, uncompared } = diffAnswers(toAnswer(given), toAnswer(given), everything);
      assert.deepEqual([differences, uncompared], [[], undefined]);
    }),
    fuzzParameters(context),
  );
});

test('every pointer leads to what differs, no difference is missed, and ignoring it takes it away', (context) => {
  fc.assert(
    fc.property(value, value, (one, other) => {
      const answers = [one, other].map((content) => toAnswer({ status: 200, fields: [], value: content }));
      const { differences } = diffAnswers(answers[0]!, answers[1]!, everything);
      assert.equal(
        differences.length === 0,
        toComparable(JSON.parse(JSON.stringify(one))) === toComparable(JSON.parse(JSON.stringify(other))),
      );
      for (const { at, kind } of differences) {
        const steps = parsePointerPattern(at);
        assert.ok(typeof steps !== 'string');
        const [before, after] = [resolve(one, steps), resolve(other, steps)];
        assert.notEqual(toComparable(before), toComparable(after), at);
        assert.equal(kind, before === absent ? 'added' : after === absent ? 'removed' : 'changed');
        const without = { ...everything, json: { ...everything.json, ignored: [steps] } };
        const left = diffAnswers(answers[0]!, answers[1]!, without).differences;
        assert.ok(!left.some((difference) => difference.at === at), at);
        if (!steps.includes('*')) assert.equal(left.length, differences.length - 1);
      }
    }),
    fuzzParameters(context),
  );
});

test('a difference that nobody ignores is found: the fuzzer can fail', (context) => {
  const found = fc.check(
    fc.property(value, value, (one, other) => {
      const answers = [one, other].map((content) => toAnswer({ status: 200, fields: [], value: content }));
      assert.deepEqual(diffAnswers(answers[0]!, answers[1]!, everything).differences, []);
    }),
    fuzzParameters(context),
  );
  assert.ok(found.failed);
});
