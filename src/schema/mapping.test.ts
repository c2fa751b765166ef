import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainIssue } from './explain.ts';
import { mapping } from './mapping.ts';
import { listReferences } from './mapping-node.ts';
import { answerRoot, requestRoots } from './mapping-reference.ts';

const roots = { ...requestRoots, calls: { kind: 'named', of: answerRoot }, answer: answerRoot } as const;
const schema = mapping({ help: 'What is sent.', roots });

function problems(written: unknown): string[] {
  const issues = schema.safeParse(written, { error: explainIssue }).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const refused: readonly (readonly [unknown, string])[] = [
  [{ a: { b: '${bdy.id}' } }, 'a.b: "${bdy.id}": unknown reference `${bdy.id}`; did you mean `${body.id}`?'],
  [['${calls}'], '0: "${calls}": `${calls}` needs a name: `${calls.NAME}`'],
  [
    { a: '${calls.user.boddy.id}' },
    'a: "${calls.user.boddy.id}": unknown reference `${calls.user.boddy.id}`; did you mean `${calls.user.body}`?',
  ],
  [
    { a: '${answer}' },
    'a: "${answer}": unknown reference `${answer}`; known are `${answer.body}`, `${answer.status}`, `${answer.header}`',
  ],
  [
    { a: '${answer.status.x}' },
    'a: "${answer.status.x}": `${answer.status.x}`: "answer.status" is one value; nothing can follow it',
  ],
  [{ a: '${body.id' }, 'a: "${body.id": `${` has no closing `}`; write `$${` for the characters themselves'],
  [
    { a: '${body..id}' },
    'a: "${body..id}": `${body..id}` is no reference; write `${name.member}`, `${name[0]}` or `${name["a member"]}`',
  ],
  [
    { a: '${item.x}' },
    'a: "${item.x}": unknown reference `${item.x}`; known are `path`, `query`, `header`, `cookie`, `consumer`, `claim`, `host`, `authority`, `scheme`, `method`, `clientIp`, `requestId`, `body`, `calls`, `answer`',
  ],
  [{ a: '${hoost}' }, 'a: "${hoost}": unknown reference `${hoost}`; did you mean `${host}`?'],
  [{ a: { $pik: 1 } }, 'a.$pik: unknown operator `$pik`; did you mean `$pick`? Write `$$pik` for the name itself'],
  [
    { a: { $text: '1', b: 2 } },
    'a.$text: an operator stands alone in its map; write `$$text` where `$text` is the name of a member',
  ],
  [{ $pick: { from: '${body}', name: ['a'] } }, '$pick.name: unknown key `name`; did you mean `names`?'],
  [{ $pick: ['${body}'] }, '$pick: expected a map with `from` and `names`, not a list'],
  [{ $merge: '${body}' }, '$merge: expected a list with at least one entry, not the text "${body}"'],
  [{ $group: { from: '${body}' } }, '$group: `by` is missing'],
  [{ $group: { by: 'a' } }, '$group: `from` is missing'],
  [{ $each: { in: '${body}', as: 'a b', do: 1 } }, '$each.as: expected a name of letters and digits, not the text "a b"'],
  [
    { $join: { from: [], with: [], by: 'id', many: true } },
    '$join.many: `many` needs `as`: the member that the list is put under',
  ],
  [
    { $if: { when: 'x', do: 1 } },
    '$if.when: expected a condition: a map with `exists`, `value`, `not`, `all` or `any`, not the text "x"',
  ],
  [
    { $if: { when: { value: '${body.a}' }, do: 1 } },
    '$if.when: `value` is compared with one of two: `equals: VALUE`, or `in: [VALUES]`',
  ],
  [
    { $each: { in: '${body.list}', do: '${itm.a}' } },
    '$each.do: "${itm.a}": unknown reference `${itm.a}`; did you mean `${item.a}`?',
  ],
  [{ a: Number.NaN }, 'a: the number NaN has no form in JSON'],
];

for (const [written, problem] of refused) {
  test(`refuses ${JSON.stringify(written)}`, () => assert.ok(problems(written).includes(problem), problems(written).join('\n')));
}

test('tells all mistakes at once', () => {
  assert.equal(problems({ a: '${x.y}', b: ['${z}'], c: { $nothing: 1 } }).length, 3);
});

test('lists all references with where they stand', () => {
  const node = schema.parse({
    a: 'id ${calls.user.body.id} of ${path.id}',
    b: {
      $each: { in: '${calls.orders.body["all of them"]}', do: ['${item.total!}'], when: { exists: '${calls.user.header.ETag}' } },
    },
  });
  const found = listReferences(node).map(({ source, at, isRequired, ...rest }) => [source, at.join('.'), isRequired, rest]);
  assert.deepEqual(found, [
    ['calls.user.body.id', 'a', false, { shape: 'json', root: ['calls', 'user', 'body'], steps: ['id'] }],
    ['path.id', 'a', false, { shape: 'request', variable: { kind: 'capture', name: 'id' } }],
    [
      'calls.orders.body["all of them"]',
      'b.$each.in',
      false,
      { shape: 'json', root: ['calls', 'orders', 'body'], steps: ['all of them'] },
    ],
    ['calls.user.header.ETag', 'b.$each.when.exists', false, { shape: 'text', root: ['calls', 'user', 'header', 'etag'] }],
    ['item.total!', 'b.$each.do.0', true, { shape: 'item', name: 'item', steps: ['total'] }],
  ]);
});

test('takes mappings as deep as they may be, and none that is deeper', () => {
  const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);
  assert.deepEqual(problems(nest(64)), []);
  assert.equal(problems(nest(65)).length, 1);
});

test('is plain data, so that it goes to other threads', () => {
  const node = schema.parse({ $pick: { from: '${body}', names: ['a'] } });
  assert.deepEqual(structuredClone(node), node);
});
