/** Compares the table with a slow matcher that is written down straight from the rules and shares no code with it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MatchDefinition, MatchSubject, PathPattern, PathRegex, RouteDefinition } from './route-definition.ts';
import { compileRouteTable, compileRouteTableNow } from './route-table.ts';

interface Fit {
  readonly rank: readonly number[];
  readonly name: string;
  readonly captures: readonly string[];
  readonly rest: string;
}

/** The best of all fits; among equals the first. */
function findSlowly(routes: readonly RouteDefinition<number>[], asked: MatchSubject): Fit | undefined {
  const fits = routes.flatMap((route) =>
    route.matches.flatMap((match) =>
      fitMatch(match, asked).map((fit) => ({ ...fit, name: route.name, rank: [...fit.rank, route.priority] })),
    ),
  );
  return fits.reduce<Fit | undefined>(
    (best, fit) => (best === undefined || isBetter(fit.rank, best.rank) ? fit : best),
    undefined,
  );
}

function isBetter(left: readonly number[], right: readonly number[]): boolean {
  const index = left.findIndex((value, position) => value !== (right[position] ?? 0));
  return index >= 0 && left[index]! > (right[index] ?? 0);
}

function fitMatch(match: MatchDefinition, asked: MatchSubject): Omit<Fit, 'name'>[] {
  const conditions = [
    match.methods?.includes(asked.method),
    match.listeners?.includes(asked.listener),
    ...Object.entries(match.headers ?? {}).map(([name, condition]) => {
      const values = asked.fields.filter((_, index) => index % 2 === 1 && asked.fields[index - 1] === name);
      return 'equals' in condition
        ? values.includes(condition.equals)
        : values.length > 0 === ('present' in condition && condition.present);
    }),
    ...Object.entries(match.query ?? {}).map(([name, condition]) => {
      const values = new URLSearchParams(asked.query).getAll(name);
      return 'equals' in condition ? values.includes(condition.equals) : values.length > 0;
    }),
  ].filter((condition) => condition !== undefined);
  if (conditions.includes(false)) return [];
  const hostRanks = (match.hosts ?? ['']).map((host) => rankHost(host, asked.host)).filter((rank) => rank !== undefined);
  const pathFits = (match.paths ?? [{ source: '/*', segments: [], isPrefix: true }]).flatMap((path) => fitPath(path, asked.path));
  return hostRanks.flatMap((hostRank) =>
    pathFits.map(({ rank, captures, rest }) => ({ rank: [hostRank, ...rank, conditions.length], captures, rest })),
  );
}

function rankHost(pattern: string, host: string): number | undefined {
  if (pattern === '') return 0;
  if (pattern === host) return 1000;
  return pattern.startsWith('*') && host.endsWith(pattern.slice(1)) && host.length >= pattern.length ? pattern.length : undefined;
}

/** Rank: kind, literal segments, captured segments, no star, then one number per segment for the leftmost literal. */
const RANK_SEGMENTS = 8;

function fitPath(path: PathPattern | PathRegex, asked: string): { rank: number[]; captures: string[]; rest: string }[] {
  const padding = (kinds: number[]) => [...kinds, ...new Array<number>(RANK_SEGMENTS - kinds.length).fill(0)];
  if ('regex' in path) {
    return new RegExp(`^(${path.regex})$`).test(asked) ? [{ rank: [1, 0, 0, 0, ...padding([])], captures: [], rest: '' }] : [];
  }
  const parts = asked === '/' ? [] : asked.slice(1).split('/');
  const { segments, isPrefix } = path;
  if (parts.length < segments.length || (!isPrefix && parts.length > segments.length)) return [];
  const captures: string[] = [];
  for (const [index, segment] of segments.entries()) {
    if ('literal' in segment && segment.literal !== parts[index]) return [];
    if ('capture' in segment && parts[index] === '') return [];
    if ('capture' in segment) captures.push(parts[index]!);
  }
  const kinds = segments.map((segment) => ('literal' in segment ? 1 : 0));
  const literals = kinds.filter((kind) => kind === 1).length;
  const kind = isPrefix && segments.length === 0 ? 0 : !isPrefix && literals === segments.length ? 3 : 2;
  const rank = [kind, literals, captures.length, isPrefix ? 0 : 1, ...padding(kinds)];
  return [{ rank, captures, rest: parts.slice(segments.length).join('/') }];
}

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
  .map((list) => list.map(({ matches, priority }, index) => ({ name: `r${index}`, matches, priority, value: index })));

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
      const { table } = compileRouteTableNow(definitions);
      for (const asked of subjects) {
        const expected = findSlowly(definitions, asked);
        const found = table.lookup(asked);
        assert.equal(found?.route.name, expected?.name);
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
      const { table } = compileRouteTableNow(definitions);
      const { chosen, outranked, nearMisses } = table.explain(asked);
      assert.equal(chosen?.route, table.lookup(asked)?.route.name);
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
      const { ties } = compileRouteTableNow(definitions);
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

test('a table compiled in slices is the table compiled at once', () => {
  fc.assert(
    fc.property(fc.array(routes, { maxLength: 6 }), fc.array(subject, { maxLength: 5 }), (lists, subjects) => {
      const definitions = lists.flat().map((route, index) => ({ ...route, name: `r${index}`, value: index }));
      const atOnce = compileRouteTableNow(definitions);
      const slices = compileRouteTable(definitions);
      let step = slices.next();
      while (step.done !== true) step = slices.next();
      assert.deepEqual(step.value.ties, atOnce.ties);
      for (const asked of subjects) assert.deepEqual(step.value.table.lookup(asked), atOnce.table.lookup(asked));
    }),
    { numRuns: 200 },
  );
});
