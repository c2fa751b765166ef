import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainIssue } from '#schema/explain.ts';
import { rewriteConfig } from './config.ts';

function problems(config: unknown): string[] {
  const issues = rewriteConfig.safeParse(config, { error: explainIssue }).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('takes a prefix off', () => {
  assert.deepEqual(rewriteConfig.parse({ stripPrefix: '/api' }), {
    path: { kind: 'strip-prefix', prefix: '/api' },
    host: undefined,
    query: undefined,
  });
});

test('replaces a prefix, a given one or that of the route', () => {
  assert.deepEqual(rewriteConfig.parse({ replacePrefix: { from: '/a', with: '/b/c' } }).path, {
    kind: 'replace-prefix',
    prefix: '/a',
    replacement: '/b/c',
  });
  assert.deepEqual(rewriteConfig.parse({ replacePrefix: { with: '/' } }).path, {
    kind: 'replace-prefix',
    prefix: undefined,
    replacement: '/',
  });
});

test('makes a path, a query and a host', () => {
  assert.deepEqual(rewriteConfig.parse({ path: '/v2/${path.id}', query: '', host: 'Orders:80' }), {
    path: {
      kind: 'template',
      template: { source: '/v2/${path.id}', parts: ['/v2/', { kind: 'capture', name: 'id' }] },
    },
    host: 'orders:80',
    query: { source: '', parts: [] },
  });
});

const refused: readonly (readonly [unknown, string])[] = [
  [{}, ': nothing is rewritten; give `stripPrefix`, `replacePrefix`, `path`, `host` or `query`'],
  [
    { stripPrefix: '/a', path: '/b' },
    'path: `stripPrefix` and `path` exclude each other; give one of `stripPrefix`, `replacePrefix` or `path`',
  ],
  [{ stripPrefix: '/a/' }, 'stripPrefix: "/a/" ends with `/`; write "/a"'],
  [{ stripPrefix: '/a/*' }, 'stripPrefix: "/a/*": leave out `/*`; everything below the path is meant anyway'],
  [{ replacePrefix: '/a' }, 'replacePrefix: expected a map, not a text'],
  [{ replacePrefix: { from: '/a' } }, 'replacePrefix.with: `with` is missing'],
  [{ path: 'v2' }, 'path: "v2" must begin with `/`'],
  [{ path: '/a?b' }, 'path: "/a?b": a path has no query or fragment; use `query` beside `path`'],
  [
    { host: 'http://a' },
    'host: "http://a" is not a host; write a name and, if needed, a port, such as `orders.internal` or `orders.internal:8080`',
  ],
];

for (const [config, problem] of refused) {
  test(`refuses ${JSON.stringify(config)}`, () => assert.deepEqual(problems(config), [problem]));
}

test('suggests the key that was meant', () => {
  assert.ok(problems({ stripPrefx: '/a' }).includes(': unknown key `stripPrefx`; did you mean `stripPrefix`?'));
});
