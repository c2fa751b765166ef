import assert from 'node:assert/strict';
import test from 'node:test';
import { planFailover } from './failover.ts';

interface Case {
  readonly name: string;
  /** `NAME PRIORITY [ZONE]`, and `!` behind one that is not available; `*N` is its weight. */
  readonly endpoints: readonly string[];
  readonly zone?: string;
  /** Traffic in percent. */
  readonly expected: Readonly<Record<string, number>>;
}

const cases: readonly Case[] = [
  { name: 'one level takes everything', endpoints: ['a 0', 'b 0'], expected: { a: 50, b: 50 } },
  { name: 'a higher number waits', endpoints: ['a 0', 'b 1'], expected: { a: 100 } },
  {
    name: 'the next level takes everything when nothing is left of the first',
    endpoints: ['a 0 !', 'b 1', 'c 2'],
    expected: { b: 100 },
  },
  { name: 'numbers may have gaps and come in any order', endpoints: ['c 900', 'b 7', 'a 7 !'], expected: { b: 70, c: 30 } },
  {
    name: 'five of seven still take everything',
    endpoints: ['a 0', 'b 0', 'c 0', 'd 0', 'e 0', 'f 0 !', 'g 0 !', 'h 1'],
    expected: { a: 20, b: 20, c: 20, d: 20, e: 20 },
  },
  {
    name: 'what too few cannot take goes to the next level',
    endpoints: ['a 0', 'b 0 !', 'c 1', 'd 1'],
    expected: { a: 70, c: 15, d: 15 },
  },
  {
    name: 'weights count, not endpoints',
    endpoints: ['a 0 *1', 'b 0 *3 !', 'c 1 *2'],
    expected: { a: 35, c: 65 },
  },
  {
    name: 'levels that lack something together share what comes',
    endpoints: ['a 0', 'b 0 !', 'c 0 !', 'd 0 !', 'e 1', 'f 1 !', 'g 1 !', 'h 1 !'],
    expected: { a: 50, e: 50 },
  },
  { name: 'a weight of 0 is no endpoint that is missing', endpoints: ['a 0', 'b 0 *0', 'c 1'], expected: { a: 100 } },
  { name: 'the own zone goes first', endpoints: ['a 0 x', 'b 0 y', 'c 0'], zone: 'y', expected: { b: 100 } },
  { name: 'zones mean nothing to a gateway that has none', endpoints: ['a 0 x', 'b 0 y'], expected: { a: 50, b: 50 } },
  {
    name: 'nothing in the own zone: the others, wherever they are',
    endpoints: ['a 0 x', 'b 0 y !', 'c 0'],
    zone: 'y',
    expected: { a: 50, c: 50 },
  },
  { name: 'a priority stands above a zone', endpoints: ['a 0 x', 'b 1 y'], zone: 'y', expected: { a: 100 } },
  { name: 'nothing is available', endpoints: ['a 0 !', 'b 1 !'], expected: {} },
];

for (const { name, endpoints, zone, expected } of cases) {
  test(name, () => {
    const all = endpoints.map(readEndpoint);
    const levels = planFailover(all, ({ isAvailable }) => isAvailable, zone);
    const shares = levels.flatMap(({ available, scale }) =>
      available.map((endpoint): [string, number] => [endpoint.name, endpoint.weight * scale]),
    );
    const sum = shares.reduce((total, [, share]) => total + share, 0);
    const percents = shares.filter(([, share]) => share > 0).map(([key, share]) => [key, Math.round((100 * share) / sum)]);
    assert.deepEqual(Object.fromEntries(percents), expected);
  });
}

function readEndpoint(text: string) {
  const [name, priority, ...rest] = text.split(' ');
  const weight = rest.find((word) => word.startsWith('*'));
  return {
    name: name!,
    priority: Number(priority),
    zone: rest.find((word) => /^[a-z]/.test(word)),
    weight: weight === undefined ? 1 : Number(weight.slice(1)),
    isAvailable: !rest.includes('!'),
  };
}

test('the weights of the first level that takes anything keep their worth, so that keys of a hash stay', () => {
  const levels = planFailover(['a 0', 'b 0 !', 'c 0 !', 'd 1'].map(readEndpoint), ({ isAvailable }) => isAvailable, undefined);
  assert.equal(levels[0]!.scale, 1);
});
