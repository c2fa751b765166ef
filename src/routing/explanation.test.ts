import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTable } from '#test/support/compiled-table.ts';
import type { MatchSubject, RouteDefinition } from './route-definition.ts';

const orders = { source: '/orders', segments: [{ literal: 'orders' }], isPrefix: false };
const order = { source: '/orders/:id', segments: [{ literal: 'orders' }, { capture: 'id' }], isPrefix: false };
const below = { source: '/orders/*', segments: [{ literal: 'orders' }], isPrefix: true };

const definitions: RouteDefinition[] = [
  { name: 'create', matches: [{ hosts: ['a.b'], paths: [orders], methods: ['POST'] }], priority: 0 },
  { name: 'list', matches: [{ hosts: ['a.b'], paths: [orders] }], priority: 3 },
  { name: 'read', matches: [{ hosts: ['a.b'], paths: [order] }], priority: 0 },
  { name: 'legacy', matches: [{ paths: [below] }], priority: 0 },
  { name: 'partner', matches: [{ hosts: ['*.c'], paths: [orders] }], priority: 0 },
  { name: 'other', matches: [{ hosts: ['d'] }], priority: 0 },
];
const table = compileTable(definitions);

const request: MatchSubject = {
  listener: 'web',
  host: 'a.b',
  path: '/orders',
  query: '',
  method: 'GET',
  fields: [],
  clientAddress: '10.0.0.1',
};

test('says which route is chosen, which it outranks and which came close', () => {
  assert.deepEqual(table.explain(request), {
    chosen: {
      route: 'list',
      host: 'a.b',
      path: '/orders',
      because: ['host is exactly a.b', 'path is exactly /orders', 'priority is 3'],
    },
    outranked: [{ route: 'legacy', host: undefined, path: '/orders/*', because: 'a.b is a more specific host than any' }],
    nearMisses: [
      { route: 'create', host: 'a.b', path: '/orders', because: 'method is GET, wants POST' },
      { route: 'partner', host: '*.c', path: '/orders', because: "host is 'a.b', wants '*.c'" },
      { route: 'read', host: 'a.b', path: '/orders/:id', because: "path '/orders' has nothing to capture at segment 2" },
    ],
  });
});

test('names the step of the order in which a route was outranked', () => {
  const { outranked } = table.explain({ ...request, method: 'POST' });
  assert.deepEqual(outranked[0], { route: 'list', host: 'a.b', path: '/orders', because: 'it has more conditions: 1 against 0' });
});

test('counts the leftmost literal as the more specific path', () => {
  const early = { source: '/a/:x', segments: [{ literal: 'a' }, { capture: 'x' }], isPrefix: false };
  const late = { source: '/:x/b', segments: [{ capture: 'x' }, { literal: 'b' }], isPrefix: false };
  const routes = [late, early].map((path) => ({ name: path.source, matches: [{ paths: [path] }], priority: 0 }));
  const { chosen, outranked } = compileTable(routes).explain({ ...request, path: '/a/b' });
  assert.equal(chosen?.route, '/a/:x');
  assert.equal(outranked[0]?.because, '/a/:x is a more specific path than /:x/b');
});

test('names the segment that differs when nothing matches', () => {
  const { chosen, nearMisses } = table.explain({ ...request, path: '/x' });
  assert.equal(chosen, undefined);
  assert.equal(nearMisses.find((miss) => miss.route === 'list')?.because, "path '/x' has no literal 'orders' at segment 1");
});

test('says when a path goes on too long', () => {
  const { nearMisses } = table.explain({ ...request, path: '/orders/' });
  assert.equal(
    nearMisses.find((miss) => miss.route === 'list')?.because,
    "path '/orders/' goes on after segment 1, /orders does not",
  );
});

test('keeps to the ten closest', () => {
  const many = Array.from({ length: 100 }, (_, index) => ({
    name: `r${index}`,
    matches: [{ paths: [orders], methods: [index === 50 ? 'GET' : 'PUT'] }],
    priority: index,
  }));
  const { chosen, nearMisses } = compileTable(many).explain(request);
  assert.equal(chosen?.route, 'r50');
  assert.deepEqual(
    nearMisses.map((miss) => miss.route),
    ['r99', 'r98', 'r97', 'r96', 'r95', 'r94', 'r93', 'r92', 'r91', 'r90'],
  );
});
