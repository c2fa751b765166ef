import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  MatchDefinition,
  MatchSubject,
  PathPattern,
  PathRegex,
  RouteDefinition,
  ValueCondition,
} from './route-definition.ts';
import { type CompiledRoutes, compileRouteTable, compileRouteTableNow } from './route-table.ts';

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
function routes(definitions: Record<string, string | MatchText>): RouteDefinition<string>[] {
  return Object.entries(definitions).map(([name, definition]) => {
    const { host, path, priority = 0, ...match } = typeof definition === 'string' ? toMatchText(definition) : definition;
    const paths = path === undefined ? undefined : [typeof path === 'string' ? pattern(path) : path];
    return { name, priority, value: `value of ${name}`, matches: [{ ...match, hosts: host ? [host] : match.hosts, paths }] };
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

function nameOf({ table }: CompiledRoutes<string>, asked: MatchSubject): string | undefined {
  const match = table.lookup(asked);
  const explained = table.explain(asked);
  assert.equal(explained.chosen?.route, match?.route.name, 'the explanation names the route that look-up finds');
  return match?.route.name;
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
      assert.equal(nameOf(compileRouteTableNow(routes({ winner, loser })), asked), 'winner');
      assert.equal(nameOf(compileRouteTableNow(routes({ loser, winner })), asked), 'winner');
      assert.deepEqual(compileRouteTableNow(routes({ winner, loser })).ties, []);
    });
  }

  test('gives way to a less specific host when no route of the more specific one holds', () => {
    const table = compileRouteTableNow(
      routes({ exact: { host: 'x.a.b', path: '/a', methods: ['POST'] }, wildcard: '*.a.b/b', short: '*.b/a', any: '/c' }),
    );
    assert.equal(nameOf(table, subject('x.a.b/a', { method: 'POST' })), 'exact');
    assert.equal(nameOf(table, subject('x.a.b/a')), 'short');
    assert.equal(nameOf(table, subject('x.a.b/b')), 'wildcard');
    assert.equal(nameOf(table, subject('x.a.b/c')), 'any');
    assert.equal(nameOf(table, subject('x.a.b/d')), undefined);
  });

  test('counts the conditions of every kind', () => {
    const table = compileRouteTableNow(
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
    const table = compileRouteTableNow(routes({ under: '*.a.b/*' }));
    assert.equal(nameOf(table, subject('x.a.b/')), 'under');
    assert.equal(nameOf(table, subject('y.x.a.b/')), 'under');
    for (const host of ['a.b', '.a.b', 'xa.b', 'x.a.b.c', '']) assert.equal(nameOf(table, subject(`${host}/`)), undefined, host);
  });

  test('are looked at only as far as the longest wildcard reaches', () => {
    const table = compileRouteTableNow(routes({ short: '*.b/*', long: '*.example.b/*' }));
    assert.equal(nameOf(table, subject(`${'a.'.repeat(8000)}b/`)), 'short');
    assert.equal(nameOf(table, subject(`${'a.'.repeat(8000)}example.b/`)), 'long');
  });
});

describe('paths', () => {
  test('match by whole segments', () => {
    const table = compileRouteTableNow(routes({ orders: '/orders/*', home: '/', exact: '/exact' }));
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
    const table = compileRouteTableNow(routes({ plain: '/a', slash: '/a/', deep: '/:x/b/' }));
    assert.equal(nameOf(table, subject('/a')), 'plain');
    assert.equal(nameOf(table, subject('/a/')), 'slash');
    assert.equal(nameOf(table, subject('/c/b/')), 'deep');
    assert.equal(nameOf(table, subject('/c/b')), undefined);
  });

  test('keep an encoded slash inside its segment and hand it on raw', () => {
    const { table } = compileRouteTableNow(routes({ one: '/files/:name', two: '/files/:folder/:name' }));
    const match = table.lookup(subject('/files/a%2Fb'));
    assert.equal(match?.route.name, 'one');
    assert.deepEqual(match?.captures, ['a%2Fb']);
  });

  test('capture no empty segment', () => {
    const table = compileRouteTableNow(routes({ item: '/items/:id', first: '/:x' }));
    assert.equal(nameOf(table, subject('/items/')), undefined);
    assert.equal(nameOf(table, subject('/')), undefined);
  });

  test('give captures in the order of their names, and what the star stands for', () => {
    const { table } = compileRouteTableNow(routes({ a: '/t/:tenant/orders/:id/*' }));
    const match = table.lookup(subject('/t/acme/orders/7/lines/1'));
    assert.deepEqual(match, {
      route: { name: 'a', value: 'value of a', captureNames: ['tenant', 'id'] },
      captures: ['acme', '7'],
      rest: 'lines/1',
    });
    for (const path of ['/t/acme/orders/7', '/t/acme/orders/7/']) assert.equal(table.lookup(subject(path))?.rest, '', path);
    assert.equal(compileRouteTableNow(routes({ all: '/*' })).table.lookup(subject('/a/b'))?.rest, 'a/b');
  });

  test('of regular expressions are anchored and give their named groups', () => {
    const { table } = compileRouteTableNow(
      routes({ a: { path: { regex: '/v(?<major>[0-9]+)(?:\\.(?<minor>[0-9]+))?|/latest' } } }),
    );
    assert.deepEqual(table.lookup(subject('/v2.10'))?.captures, ['2', '10']);
    assert.deepEqual(table.lookup(subject('/latest'))?.captures, ['', '']);
    assert.deepEqual(table.lookup(subject('/v2.10'))?.route.captureNames, ['major', 'minor']);
    assert.equal(table.lookup(subject('/x/v2')), undefined);
    assert.equal(table.lookup(subject('/v2/x')), undefined);
  });

  test('are tried on a captured branch when the literal one leads nowhere', () => {
    const table = compileRouteTableNow(
      routes({ literal: '/a/b/c/d', captured: '/a/:x/c/e', post: { path: '/a/:x/c', methods: ['POST'] }, star: '/:y/*' }),
    );
    assert.equal(nameOf(table, subject('/a/b/c/d')), 'literal');
    assert.equal(nameOf(table, subject('/a/b/c/e')), 'captured');
    assert.equal(nameOf(table, subject('/a/b/c')), 'star');
    assert.equal(nameOf(table, subject('/a/b/c', { method: 'POST' })), 'post');
  });

  test('prefer the leftmost literal also when a deeper route draws the search into the captured branch', () => {
    const table = compileRouteTableNow(routes({ late: '/:x/b', deep: '/:x/b/c', early: '/a/:x' }));
    assert.equal(nameOf(table, subject('/a/b')), 'early');
    assert.equal(nameOf(table, subject('/a/b/c')), 'deep');
  });

  test('of any depth are matched in the time the patterns ask for', () => {
    const deep = `/${'a/'.repeat(255)}a`;
    const table = compileRouteTableNow(routes({ deep, shallow: '/a/*', shape: `${'/:x'.repeat(200)}/*` }));
    assert.equal(nameOf(table, subject(deep)), 'deep');
    assert.equal(nameOf(table, subject(`${deep}/b`)), 'shallow');
    assert.equal(nameOf(table, subject(`/b${deep}`)), 'shape');
  });
});

describe('a request without captures', () => {
  test('gets the same frozen match each time', () => {
    const { table } = compileRouteTableNow(routes({ exact: '/a', prefix: '/b/*' }));
    for (const path of ['/a', '/b', '/b/']) {
      const match = table.lookup(subject(path));
      assert.ok(match !== undefined && Object.isFrozen(match));
      assert.equal(match, table.lookup(subject(path)));
    }
  });
});

describe('ties', () => {
  test('are reported with both names and what they share', () => {
    const { ties } = compileRouteTableNow(routes({ a: 'a.b/orders/:id', b: 'a.b/orders/:number' }));
    const reason = 'both match host a.b and path /orders/:number with 0 conditions and priority 0';
    assert.deepEqual(ties, [{ first: 'a', second: 'b', reason }]);
  });

  test('go to the route defined first', () => {
    assert.equal(nameOf(compileRouteTableNow(routes({ b: '/a', a: '/a' })), subject('/a')), 'b');
  });

  test('name each pair once and a route never with itself', () => {
    const matches = [{ hosts: ['a', 'b'], paths: [pattern('/x'), pattern('/y')] }, {}];
    const definitions = ['one', 'two'].map((name) => ({ name, matches: [...matches, ...matches], priority: 0, value: 1 }));
    assert.deepEqual(
      compileRouteTableNow(definitions).ties.map(({ first, second }) => [first, second]),
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
      assert.equal(compileRouteTableNow(routes({ one, other })).ties.length, isTie ? 1 : 0);
      assert.equal(compileRouteTableNow(routes({ other, one })).ties.length, isTie ? 1 : 0);
    });
  }
});

describe('compiling', () => {
  const many = routes(
    Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`r${index}`, `/area-${index % 7}/s${index}/:id`])),
  );

  test('yields every few routes and ends with the same table', () => {
    const slices = compileRouteTable(many);
    let count = 0;
    let step = slices.next();
    for (; step.done !== true; step = slices.next()) count += 1;
    assert.equal(count, many.length / 50);
    for (let index = 0; index < many.length; index += 997) {
      const asked = subject(`/area-${index % 7}/s${index}/x`);
      assert.equal(step.value.table.lookup(asked)?.route.name, `r${index}`);
      assert.deepEqual(step.value.table.explain(asked).chosen, compileRouteTableNow([many[index]!]).table.explain(asked).chosen);
    }
    assert.deepEqual(step.value.ties, []);
  });

  test('of no routes gives a table without any', () => {
    const { table, ties } = compileRouteTableNow([]);
    assert.equal(table.lookup(subject('/')), undefined);
    assert.deepEqual(table.explain(subject('/')), { chosen: undefined, outranked: [], nearMisses: [] });
    assert.deepEqual(ties, []);
  });

  test('takes a route without matches as one for everything', () => {
    const table = compileRouteTableNow([{ name: 'all', matches: [], priority: 0, value: '' }]);
    assert.equal(nameOf(table, subject('a.b/c')), 'all');
  });
});
