import assert from 'node:assert/strict';
import test from 'node:test';
import { toRecords } from '#test/support/services.ts';
import { type EndpointChange, noChange } from './endpoint-changes.ts';
import { joinEndpoints } from './joined-endpoints.ts';

interface Named {
  readonly configured?: readonly string[];
  readonly discovered?: readonly string[];
  readonly changes?: Readonly<Record<string, Partial<EndpointChange>>>;
}

/** `weight URL origins`, with `draining` where it is. */
function join({ configured = [], discovered = [], changes = {} }: Named): string[] {
  const joined = joinEndpoints({
    configured: toRecords(...configured),
    discovered: toRecords(...discovered),
    changes: new Map(Object.entries(changes).map(([url, change]) => [url, { ...noChange, ...change }])),
  });
  return [...joined].map(
    ([url, { weight, origins, isDraining }]) => `${weight} ${url} ${origins.join('+')}${isDraining ? ' draining' : ''}`,
  );
}

const A = 'http://a:80';
const [added] = toRecords(`5 ${A}`);

test('all that name endpoints add up, and one that is named twice has both weights', () => {
  assert.deepEqual(join({ configured: ['2 http://a', 'http://b'], discovered: ['3 http://a', 'http://c', 'http://c'] }), [
    `5 ${A} configuration+discovery`,
    '1 http://b:80 configuration',
    '2 http://c:80 discovery',
  ]);
});

for (const { what, named, expected } of [
  { what: 'adds one', named: { changes: { [A]: { added } } }, expected: [`5 ${A} operator`] },
  {
    what: 'adds one that something else names as well',
    named: { discovered: ['2 http://a'], changes: { [A]: { added } } },
    expected: [`2 ${A} discovery`],
  },
  {
    what: 'removes one that two name',
    named: { configured: ['http://a'], discovered: ['http://a', 'http://b'], changes: { [A]: { isRemoved: true } } },
    expected: ['1 http://b:80 discovery'],
  },
  {
    what: 'weighs one',
    named: { configured: ['http://a'], changes: { [A]: { weight: 0 } } },
    expected: [`0 ${A} configuration`],
  },
  {
    what: 'drains one',
    named: { configured: ['http://a'], changes: { [A]: { isDraining: true } } },
    expected: [`1 ${A} configuration draining`],
  },
  {
    what: 'has changed one that nobody names any more',
    named: { changes: { [A]: { weight: 3, isDraining: true } } },
    expected: [],
  },
] satisfies { what: string; named: Named; expected: string[] }[]) {
  test(`an operator ${what}`, () => assert.deepEqual(join(named), expected));
}
