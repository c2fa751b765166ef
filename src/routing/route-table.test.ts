import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runAtOnce } from '#base/slices.ts';
import { type CompiledTable, compileTable } from '#test/support/compiled-table.ts';
import { compileRoutes } from './route-compiler.ts';
import type {
  MatchDefinition,
  MatchSubject,
  PathPattern,
  PathRegex,
  RouteDefinition,
  ValueCondition,
} from './route-definition.ts';
import { writeRouteImage } from './route-image-writer.ts';

/** `/orders/:id/*` as the configuration would parse it. */
function pattern(source: string): PathPattern {
  const isPrefix = source.endsWith('/*');
  const text = isPrefix ? source.slice(0, -2) : source;
  const parts = text === '' || text === '/' ? [] : text.slice(1).split('/');
  return {
    source,
    segments: parts.map((part) => (part.startsWith(':') ? { capture: part.slice(1) } : { literal: part })),
    isPrefix,
  };
}

interface MatchText extends Omit<MatchDefinition, 'paths'> {
  host?: string;
  path?: string | PathRegex;
  priority?: number;
}

/** Routes by name; `'a.b/orders/*'` stands for `{ host: 'a.b', path: '/orders/*' }`. */
function routes(definitions: Record<string, string | MatchText>): RouteDefinition[] {
  return Object.entries(definitions).map(([name, definition]) => {
    const { host, path, priority = 0, ...match } = typeof definition === 'string' ? toMatchText(definition) : definition;
    const paths = path === undefined ? undefined : [typeof path === 'string' ? pattern(path) : path];
    return { name, priority, matches: [{ ...match, hosts: host ? [host] : match.hosts, paths }] };
  });
}

function toMatchText(text: string): MatchText {
  const slashAt = text.indexOf('/');
  return { host: text.slice(0, slashAt), path: text.slice(slashAt) };
}

/** `a.b/orders?x=1` with GET from one client, unless said otherwise. */
function subject(target: string, facts: Partial<MatchSubject> = {}): MatchSubject {
  const slashAt = target.indexOf('/');
  const [path = '', query = ''] = target.slice(slashAt).split('?');
  const host = target.slice(0, slashAt);
  return { listener: 'web', host, path, query, method: 'GET', fields: [], clientAddress: '10.0.0.1', ...facts };
}

function nameOf(table: CompiledTable, asked: MatchSubject): string | undefined {
  const match = table.lookup(asked);
  const explained = table.explain(asked);
  assert.equal(explained.chosen?.route, match?.name, 'the explanation names the route that look-up finds');
  return match?.name;
}

describe('the order of routes', () => {
  const cases: [what: string, winner: string | MatchText, loser: string | MatchText, asked: MatchSubject][] = [
    ['an exact host before a wildcard', 'x.a.b/*', '*.a.b/orders', subject('x.a.b/orders')],
    ['a longer wildcard before a shorter one', '*.a.b/*', '*.b/orders', subject('x.a.b/orders')],
    ['a wildcard before any host', '*.a.b/*', '/orders', subject('x.a.b/orders')],
    ['an exact path before a prefix', '/orders', '/orders/*', subject('/orders')],
    ['an exact path before a capture', '/orders/open', '/orders/:id', subject('/orders/open')],
    ['more literal segments before captures', '/:any/b/c', '/a/:b/:c', subject('/a/b/c')],
    ['a longer prefix before a shorter one', '/a/b/*', '/a/*', subject('/a/b/c')],
    ['a captured segment before a star', '/a/:id', '/a/*', subject('/a/1')],
    ['two captured segments before one and a star', '/a/:x/:y', '/a/:x/*', subject('/a/1/2')],
    ['a pattern that ends before one with a star', '/a/:x', '/a/:x/*', subject('/a/1')],
    ['a pattern that ends before one with a star and an earlier literal', '/:x/b', '/a/:x/*', subject('/a/b')],
    ['the leftmost literal among equally many', '/a/:x', '/:x/b', subject('/a/b')],
    ['the leftmost literal further on', '/a/b/:x/:y', '/a/:x/b/:y', subject('/a/b/b/c')],
    ['the leftmost literal of prefixes', '/a/:x/*', '/:x/b/*', subject('/a/b/c')],
    ['a pattern before a regular expression', '/:x', { path: { regex: '/.*' } }, subject('/a')],
    ['a regular expression before every path', { path: { regex: '/v[0-9]+/.*' } }, '/*', subject('/v2/a')],
    ['a path before conditions', '/a/b', { path: '/a/*', methods: ['GET'] }, subject('/a/b')],
    ['a host before conditions', 'a.b/*', { path: '/*', methods: ['GET'] }, subject('a.b/a')],
    ['more conditions before fewer', { path: '/a', methods: ['GET'] }, { path: '/a', priority: 9 }, subject('/a')],
    ['a higher priority among equals', { path: '/a', priority: 2 }, { path: '/a', priority: 1 }, subject('/a')],
    ['a negative priority last', '/a', { path: '/a', priority: -1 }, subject('/a')],
  ];
  for (const [what, winner, loser, asked] of cases) {
    test(`puts ${what}, however the routes are listed`, () => {
      assert.equal(nameOf(compileTable(routes({ winner, loser })), asked), 'winner');
      assert.equal(nameOf(compileTable(routes({ loser, winner })), asked), 'winner');
      assert.deepEqual(compileTable(routes({ winner, loser })).ties, []);
    });
  }

  test('gives way to a less specific host when no route of the more specific one holds', () => {
    const table = compileTable(
      routes({ exact: { host: 'x.a.b', path: '/a', methods: ['POST'] }, wildcard: '*.a.b/b', short: '*.b/a', any: '/c' }),
    );
    assert.equal(nameOf(table, subject('x.a.b/a', { method: 'POST' })), 'exact');
    assert.equal(nameOf(table, subject('x.a.b/a')), 'short');
    assert.equal(nameOf(table, subject('x.a.b/b')), 'wildcard');
    assert.equal(nameOf(table, subject('x.a.b/c')), 'any');
    assert.equal(nameOf(table, subject('x.a.b/d')), undefined);
  });

  test('counts the conditions of every kind', () => {
    const table = compileTable(
      routes({
        two: { path: '/a', query: { x: { equals: '1' } }, cookies: { y: { present: true } } },
        one: { path: '/a', methods: ['GET', 'POST', 'PUT'], priority: 5 },
        three: { path: '/a', listeners: ['web'], clientIps: ['10.0.0.0/8'], headers: { 'x-y': { present: false } } },
      }),
    );
    assert.equal(nameOf(table, subject('/a?x=1', { fields: ['cookie', 'y=1'] })), 'three');
    assert.equal(nameOf(table, subject('/a?x=1', { fields: ['cookie', 'y=1', 'x-y', ''] })), 'two');
    assert.equal(nameOf(table, subject('/a', { listener: 'other' })), 'one');
  });
});

describe('hosts', () => {
  test('let a wildcard stand for one or more labels, never for none', () => {
    const table = compileTable(routes({ under: '*.a.b/*' }));
    assert.equal(nameOf(table, subject('x.a.b/')), 'under');
    assert.equal(nameOf(table, subject('y.x.a.b/')), 'under');
    for (const host of ['a.b', '.a.b', 'xa.b', 'x.a.b.c', '']) assert.equal(nameOf(table, subject(`${host}/`)), undefined, host);
  });

  test('are looked at only as far as the longest wildcard reaches', () => {
    const table = compileTable(routes({ short: '*.b/*', long: '*.example.b/*' }));
    assert.equal(nameOf(table, subject(`${'a.'.repeat(8000)}b/`)), 'short');
    assert.equal(nameOf(table, subject(`${'a.'.repeat(8000)}example.b/`)), 'long');
  });
});

describe('paths', () => {
  test('match by whole segments', () => {
    const table = compileTable(routes({ orders: '/orders/*', home: '/', exact: '/exact' }));
    const cases: [path: string, name: string | undefined][] = [
      ['/orders', 'orders'],
      ['/orders/', 'orders'],
      ['/orders/1/2', 'orders'],
      ['/ordersx', undefined],
      ['/Orders', undefined],
      ['/', 'home'],
      ['/exact', 'exact'],
      ['/exact/', undefined],
    ];
    for (const [path, name] of cases) assert.equal(nameOf(table, subject(path)), name, path);
  });

  test('may end in a slash, which is a path of its own', () => {
    const table = compileTable(routes({ plain: '/a', slash: '/a/', deep: '/:x/b/' }));
    assert.equal(nameOf(table, subject('/a')), 'plain');
    assert.equal(nameOf(table, subject('/a/')), 'slash');
    assert.equal(nameOf(table, subject('/c/b/')), 'deep');
    assert.equal(nameOf(table, subject('/c/b')), undefined);
  });

  test('keep an encoded slash inside its segment and hand it on raw', () => {
    const table = compileTable(routes({ one: '/files/:name', two: '/files/:folder/:name' }));
    const match = table.lookup(subject('/files/a%2Fb'));
    assert.equal(match?.name, 'one');
    assert.deepEqual(match?.captures, ['a%2Fb']);
  });

  test('capture no empty segment', () => {
    const table = compileTable(routes({ item: '/items/:id', first: '/:x' }));
    assert.equal(nameOf(table, subject('/items/')), undefined);
    assert.equal(nameOf(table, subject('/')), undefined);
  });

  test('give captures in the order of their names, and what the star stands for', () => {
    const table = compileTable(routes({ a: '/t/:tenant/orders/:id/*' }));
    const match = table.lookup(subject('/t/acme/orders/7/lines/1'));
    assert.deepEqual(match, { name: 'a', captureNames: ['tenant', 'id'], captures: ['acme', '7'], rest: 'lines/1' });
    for (const path of ['/t/acme/orders/7', '/t/acme/orders/7/']) assert.equal(table.lookup(subject(path))?.rest, '', path);
    assert.equal(compileTable(routes({ all: '/*' })).lookup(subject('/a/b'))?.rest, 'a/b');
  });

  test('of regular expressions are anchored and give their named groups', () => {
    const table = compileTable(routes({ a: { path: { regex: '/v(?<major>[0-9]+)(?:\\.(?<minor>[0-9]+))?|/latest' } } }));
    assert.deepEqual(table.lookup(subject('/v2.10'))?.captures, ['2', '10']);
    assert.deepEqual(table.lookup(subject('/latest'))?.captures, ['', '']);
    assert.deepEqual(table.lookup(subject('/v2.10'))?.captureNames, ['major', 'minor']);
    assert.equal(table.lookup(subject('/x/v2')), undefined);
    assert.equal(table.lookup(subject('/v2/x')), undefined);
  });

  test('are tried on a captured branch when the literal one leads nowhere', () => {
    const table = compileTable(
      routes({ literal: '/a/b/c/d', captured: '/a/:x/c/e', post: { path: '/a/:x/c', methods: ['POST'] }, star: '/:y/*' }),
    );
    assert.equal(nameOf(table, subject('/a/b/c/d')), 'literal');
    assert.equal(nameOf(table, subject('/a/b/c/e')), 'captured');
    assert.equal(nameOf(table, subject('/a/b/c')), 'star');
    assert.equal(nameOf(table, subject('/a/b/c', { method: 'POST' })), 'post');
  });

  test('prefer the leftmost literal also when a deeper route draws the search into the captured branch', () => {
    const table = compileTable(routes({ late: '/:x/b', deep: '/:x/b/c', early: '/a/:x' }));
    assert.equal(nameOf(table, subject('/a/b')), 'early');
    assert.equal(nameOf(table, subject('/a/b/c')), 'deep');
  });

  test('of any depth are matched in the time the patterns ask for', () => {
    const deep = `/${'a/'.repeat(255)}a`;
    const table = compileTable(routes({ deep, shallow: '/a/*', shape: `${'/:x'.repeat(200)}/*` }));
    assert.equal(nameOf(table, subject(deep)), 'deep');
    assert.equal(nameOf(table, subject(`${deep}/b`)), 'shallow');
    assert.equal(nameOf(table, subject(`/b${deep}`)), 'shape');
  });
});

describe('what a request is compared with', () => {
  test('is written in bytes, which no character outside ASCII can be mistaken for', () => {
    const table = compileTable(routes({ plain: 'ab.c/abc/d', wildcard: '*.c/e' }));
    assert.equal(nameOf(table, subject('ab.c/abc/d')), 'plain');
    assert.equal(nameOf(table, subject('x.c/e')), 'wildcard');
    // The lower byte of U+0161 is that of `a`; U+00E9 and U+10161 are longer in UTF-8 than in a string.
    for (const character of ['\u0161', '\u00e9', '\u{10161}', '\ud800'])
      for (const target of [`${character}b.c/abc/d`, `ab.c/${character}bc/d`, `ab.c/${character}/abc/d`])
        assert.equal(nameOf(table, subject(target)), undefined, target);
  });

  test('may have captures, a rest and a wildcard of any characters', () => {
    const table = compileTable(routes({ a: '*.b/a/:x/*' }));
    const found = table.lookup(subject('é.š.b/a/\u{10161}é/š/é'));
    assert.deepEqual(found, { name: 'a', captureNames: ['x'], captures: ['\u{10161}é'], rest: 'š/é' });
  });

  test('may be of any length, before and after a shorter one', () => {
    for (let chars = 0; chars < 40; chars += 1) {
      const path = `/a/${'x'.repeat(chars)}`;
      const table = compileTable(routes({ one: `${path}/b`, other: `${path}y/b`, third: `${path}y/:c/*` }));
      assert.equal(nameOf(table, subject(`${path}/b`)), 'one');
      assert.equal(nameOf(table, subject(`${path}y/b`)), 'other');
      assert.equal(nameOf(table, subject(`${path}y/${'é'.repeat(chars * 100 + 1)}/b`)), 'third');
      assert.equal(nameOf(table, subject(`${path}z/b`)), undefined);
      assert.equal(nameOf(table, subject(`${path}y/b/`)), 'third');
    }
  });
});

describe('ties', () => {
  test('are reported with both names and what they share', () => {
    const { ties } = compileTable(routes({ a: 'a.b/orders/:id', b: 'a.b/orders/:number' }));
    const reason = 'both match host a.b and path /orders/:number with 0 conditions and priority 0';
    assert.deepEqual(ties, [{ first: 'a', second: 'b', reason }]);
  });

  test('go to the route defined first', () => {
    assert.equal(nameOf(compileTable(routes({ b: '/a', a: '/a' })), subject('/a')), 'b');
  });

  test('name each pair once and a route never with itself', () => {
    const matches = [{ hosts: ['a', 'b'], paths: [pattern('/x'), pattern('/y')] }, {}];
    const definitions = ['one', 'two'].map((name) => ({ name, matches: [...matches, ...matches], priority: 0 }));
    assert.deepEqual(
      compileTable(definitions).ties.map(({ first, second }) => [first, second]),
      [['one', 'two']],
    );
  });

  const value = (condition: ValueCondition): MatchText => ({ path: '/a', headers: { x: condition } });
  const cases: [what: string, one: MatchText, other: MatchText, isTie: boolean][] = [
    ['no path and every path', {}, { path: '/*' }, true],
    ['different methods', { methods: ['GET'] }, { methods: ['POST', 'PUT'] }, false],
    ['a shared method', { methods: ['GET', 'PUT'] }, { methods: ['POST', 'PUT'] }, true],
    ['different listeners', { listeners: ['web'] }, { listeners: ['secure'] }, false],
    ['different values of a header', value({ equals: '1' }), value({ equals: '2' }), false],
    ['the same value of a header', value({ equals: '1' }), value({ equals: '1' }), true],
    ['presence and absence', value({ present: true }), value({ present: false }), false],
    ['a value and absence', value({ equals: '1' }), value({ present: false }), false],
    ['a value and presence', value({ equals: '1' }), value({ present: true }), true],
    ['a value that an expression excludes', value({ regex: 'a.*' }), value({ equals: 'b' }), false],
    ['a value that an expression allows', value({ equals: 'ab' }), value({ regex: 'a.*' }), true],
    ['two expressions', value({ regex: 'a' }), value({ regex: 'b' }), true],
    ['conditions on different headers', { headers: { x: { equals: '1' } } }, { headers: { y: { equals: '1' } } }, true],
    ['a header and a cookie', { headers: { x: { equals: '1' } } }, { cookies: { x: { equals: '2' } } }, true],
    ['addresses apart', { clientIps: ['10.0.0.0/8'] }, { clientIps: ['192.168.0.0/16', '::1'] }, false],
    ['addresses inside others', { clientIps: ['10.0.0.0/8'] }, { clientIps: ['10.1.0.0/16'] }, true],
    ['different priorities', { priority: 1 }, {}, false],
    ['different numbers of conditions', { methods: ['GET'] }, {}, false],
    ['different hosts', { host: 'a' }, { host: 'b' }, false],
    ['a host and its wildcard', { host: 'x.a' }, { host: '*.a' }, false],
    ['one regular expression', { path: { regex: '/a' } }, { path: { regex: '/a' } }, true],
    ['two regular expressions', { path: { regex: '/a' } }, { path: { regex: '/b' } }, false],
    ['a path with and without a slash at its end', { path: '/a' }, { path: '/a/' }, false],
  ];
  for (const [what, one, other, isTie] of cases) {
    test(`${isTie ? 'are seen' : 'are not seen'} in ${what}`, () => {
      assert.equal(compileTable(routes({ one, other })).ties.length, isTie ? 1 : 0);
      assert.equal(compileTable(routes({ other, one })).ties.length, isTie ? 1 : 0);
    });
  }
});

describe('compiling', () => {
  const many = routes(
    Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`r${index}`, `/area-${index % 7}/s${index}/:id`])),
  );

  test('finds each of many routes', () => {
    const table = compileTable(many);
    for (const [index, route] of many.entries()) {
      const asked = subject(`/area-${index % 7}/s${index}/x`);
      assert.deepEqual(table.lookup(asked), { name: route.name, captureNames: ['id'], captures: ['x'], rest: '' });
      assert.equal(table.lookup({ ...asked, path: `/area-${(index + 1) % 7}/s${index}/x` }), undefined);
    }
    assert.deepEqual(table.ties, []);
  });

  test('is done in small steps', () => {
    const compiling = compileRoutes(many);
    let steps = 0;
    let step = compiling.next();
    for (; step.done !== true; step = compiling.next()) steps += 1;
    assert.equal(steps, many.length / 50);
    const writing = writeRouteImage(step.value);
    for (steps = 0; writing.next().done !== true; steps += 1);
    assert.ok(steps >= many.length / 200);
  });

  test('writes what many routes have in common once', () => {
    const alike = many.map((route) => ({ ...route, matches: [{ ...route.matches[0], methods: ['GET', 'POST'] }] }));
    const bytesOf = (definitions: readonly RouteDefinition[]) =>
      runAtOnce(writeRouteImage(runAtOnce(compileRoutes(definitions)))).byteLength;
    assert.ok(bytesOf(alike) - bytesOf(many) < 100);
    assert.ok(bytesOf(alike) < 100 * alike.length);
  });

  test('of no routes gives a table without any', () => {
    const { ties, ...table } = compileTable([]);
    assert.equal(table.lookup(subject('/')), undefined);
    assert.deepEqual(table.explain(subject('/')), { chosen: undefined, outranked: [], nearMisses: [] });
    assert.deepEqual(ties, []);
  });

  test('takes a route without matches as one for everything', () => {
    const table = compileTable([{ name: 'all', matches: [], priority: 0 }]);
    assert.equal(nameOf(table, subject('a.b/c')), 'all');
  });
});
