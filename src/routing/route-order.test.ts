/** Compares the table with a slow matcher that is written down straight from the rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileTable } from '#test/support/compiled-table.ts';
import { findSlowly, isBetter } from '#test/support/slow-routing.ts';
import type { MatchDefinition, MatchSubject, RouteDefinition } from './route-definition.ts';

/** Few words, hosts and conditions, so that routes compete for the same requests. */
const word = fc.constantFrom('a', 'b');
const literal = word.map((text) => ({ literal: text }));
const capture = word.map((text) => ({ capture: text }));
const pattern = fc
  .record({ segments: fc.array(fc.oneof({ weight: 2, arbitrary: literal }, capture), { maxLength: 4 }), isPrefix: fc.boolean() })
  .map(({ segments, isPrefix }) => ({ source: JSON.stringify(segments), segments, isPrefix }));
const regex = fc.record({ regex: fc.constantFrom('/a.*', '/[ab]/.*', '.*b', '/a|/b/a') });
const subset = <E>(...values: E[]) => fc.option(fc.subarray(values, { minLength: 1 }), { nil: undefined, freq: 1 });
const value = fc.oneof(fc.record({ equals: fc.constantFrom('1', '2') }), fc.record({ present: fc.boolean() }));

const match: fc.Arbitrary<MatchDefinition> = fc.record({
  hosts: subset('a.b', 'x.a.b', '*.b', '*.a.b'),
  paths: fc.option(fc.array(fc.oneof({ weight: 6, arbitrary: pattern }, regex), { minLength: 1, maxLength: 2 }), {
    nil: undefined,
  }),
  methods: subset('GET', 'PUT'),
  listeners: subset('web', 'secure'),
  headers: fc.option(fc.dictionary(fc.constantFrom('h', 'i'), value, { maxKeys: 2, noNullPrototype: true }), { nil: undefined }),
  query: fc.option(fc.record({ q: fc.record({ equals: fc.constantFrom('1', '') }) }), { nil: undefined }),
});

const routes = fc
  .array(fc.record({ matches: fc.array(match, { minLength: 1, maxLength: 2 }), priority: fc.nat({ max: 1 }) }), { maxLength: 12 })
  .map((list) => list.map(({ matches, priority }, index) => ({ name: `r${index}`, matches, priority })));

const subject: fc.Arbitrary<MatchSubject> = fc.record({
  listener: fc.constantFrom('web', 'secure'),
  host: fc.constantFrom('a.b', 'x.a.b', 'y.x.a.b', 'b', 'c', ''),
  path: fc.array(fc.constantFrom('a', 'b', 'a', 'b', 'a%2Fb'), { maxLength: 5 }).chain((parts) => {
    const path = `/${parts.join('/')}`;
    return parts.length === 0 ? fc.constant(path) : fc.constantFrom(path, `${path}/`);
  }),
  query: fc.constantFrom('', 'q', 'q=1', 'q=2&q=%31', 'x=1'),
  method: fc.constantFrom('GET', 'PUT', 'POST'),
  fields: fc
    .array(fc.tuple(fc.constantFrom('h', 'i', 'j'), fc.constantFrom('1', '2')), { maxLength: 3 })
    .map((pairs) => pairs.flat()),
  clientAddress: fc.constant('10.0.0.1'),
});

test('the table finds the route, the captures and the rest that the rules ask for', () => {
  fc.assert(
    fc.property(routes, fc.array(subject, { minLength: 1, maxLength: 10 }), (definitions, subjects) => {
      const table = compileTable(definitions);
      for (const asked of subjects) {
        const expected = findSlowly(definitions, asked);
        const found = table.lookup(asked);
        assert.equal(found?.name, expected?.name);
        assert.deepEqual(found?.captures, expected?.captures);
        if (expected !== undefined && expected.rank[1] !== 1) assert.equal(found?.rest, expected.rest);
      }
    }),
    { numRuns: 1500 },
  );
});

test('an explanation agrees with the look-up and puts every fitting route on one list only', () => {
  fc.assert(
    fc.property(routes, subject, (definitions, asked) => {
      const table = compileTable(definitions);
      const { chosen, outranked, nearMisses } = table.explain(asked);
      assert.equal(chosen?.route, table.lookup(asked)?.name);
      const fitting = definitions.filter((route) => findSlowly([route], asked) !== undefined).map((route) => route.name);
      const listed = [...(chosen === undefined ? [] : [chosen]), ...outranked].map((entry) => entry.route);
      assert.deepEqual(listed.toSorted().slice(0, 11), fitting.toSorted().slice(0, 11));
      for (const miss of nearMisses) assert.equal(fitting.includes(miss.route), false);
    }),
    { numRuns: 500 },
  );
});

test('two routes that fit a request equally well are reported as a tie', () => {
  fc.assert(
    fc.property(routes, subject, (definitions, asked) => {
      const { ties } = compileTable(definitions);
      const best = findSlowly(definitions, asked);
      // The kind of the path, after the host: different expressions that fit one path cannot be seen beforehand.
      if (best === undefined || best.rank[1] === 1) return;
      // One request can carry two values of a header; the tie check takes a header to have one.
      if (new Set(asked.fields.filter((_, index) => index % 2 === 0)).size * 2 < asked.fields.length) return;
      const rivals = definitions.filter((route) => {
        const fit = findSlowly([route], asked);
        return fit !== undefined && route.name !== best.name && !isBetter(best.rank, fit.rank);
      });
      const tied = ties.flatMap(({ first, second }) => [first, second]);
      for (const rival of rivals) assert.ok(tied.includes(rival.name), `${rival.name} ties with ${best.name}`);
    }),
    { numRuns: 1500 },
  );
});

/** More routes and longer names than above, so that tables of keys are full, and few that fit the same requests. */
const longWord = fc.stringMatching(/^[a-d]{0,2}(?:item|part-)?[0-9a-c]{1,9}$/);
const longPattern = fc
  .record({
    segments: fc.array(fc.oneof({ weight: 4, arbitrary: longWord.map((text) => ({ literal: text })) }, capture), {
      maxLength: 5,
    }),
    isPrefix: fc.boolean(),
  })
  .map(({ segments, isPrefix }) => ({ source: JSON.stringify(segments), segments, isPrefix }));
const longHost = fc
  .tuple(fc.constantFrom('', '*.'), fc.array(longWord, { minLength: 1, maxLength: 3 }))
  .map(([star, labels]) => star + labels.join('.'));
const manyRoutes = fc
  .array(
    fc.record({
      paths: fc.array(longPattern, { minLength: 1, maxLength: 3 }),
      hosts: fc.option(fc.array(longHost, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    }),
    {
      minLength: 20,
      maxLength: 120,
    },
  )
  .map((list) => list.map((matched, index): RouteDefinition => ({ name: `r${index}`, matches: [matched], priority: 0 })));

/** Asks for what one of the routes wants, or for something beside it. */
const aimed = fc.record({
  route: fc.nat(),
  path: fc.nat(),
  host: fc.nat(),
  filler: fc.constantFrom('x', 'item1', '%C3%A9'),
  change: fc.constantFrom('', '/', '/x', 'x'),
});

function toAimed(
  definitions: readonly RouteDefinition[],
  aim: { route: number; path: number; host: number; filler: string; change: string },
): MatchSubject {
  const { paths = [], hosts } = definitions[aim.route % definitions.length]!.matches[0]!;
  const path = paths[aim.path % paths.length]!;
  const parts = 'regex' in path ? [] : path.segments.map((segment) => ('literal' in segment ? segment.literal : aim.filler));
  const wanted = hosts?.[aim.host % hosts.length] ?? 'elsewhere';
  const host = wanted.startsWith('*') ? `${aim.filler}${wanted.slice(1)}` : wanted;
  return {
    listener: 'web',
    host,
    path: `/${parts.join('/')}${aim.change}`.replace('//', '/'),
    query: '',
    method: 'GET',
    fields: [],
    clientAddress: '10.0.0.1',
  };
}

test('a large table finds the route, the captures and the rest that the rules ask for', () => {
  fc.assert(
    fc.property(manyRoutes, fc.array(aimed, { minLength: 20, maxLength: 40 }), (definitions, aims) => {
      const table = compileTable(definitions);
      for (const asked of aims.map((aim) => toAimed(definitions, aim))) {
        const expected = findSlowly(definitions, asked);
        const found = table.lookup(asked);
        assert.equal(found?.name, expected?.name);
        assert.deepEqual(found?.captures, expected?.captures);
        assert.equal(found?.rest, expected?.rest);
      }
    }),
    { numRuns: 200 },
  );
});
