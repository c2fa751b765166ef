import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainIssue } from '#schema/explain.ts';
import { cacheConfig } from './config.ts';

function problems(config: unknown): string[] {
  const issues = cacheConfig.safeParse(config, { error: explainIssue }).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('without settings the service decides', () => {
  assert.deepEqual(cacheConfig.parse({}), {
    methods: ['GET', 'QUERY'],
    maxObject: 1_048_576,
    maxRequestBody: 65_536,
    heuristic: true,
    obeyClients: true,
    targets: ['gatehouse-cache-control', 'cdn-cache-control'],
    store: 'memory',
    coalesce: true,
    statusHeader: true,
  });
});

test('a plain ttl is for answers that say how things are', () => {
  assert.deepEqual(cacheConfig.parse({ ttl: '30s' }).ttl, { 200: 30_000, 203: 30_000, 300: 30_000, 301: 30_000, 308: 30_000 });
  assert.deepEqual(cacheConfig.parse({ ttl: { 404: '5s', '5xx': '1s' } }).ttl, { 404: 5_000, '5xx': 1_000 });
});

test('names of fields come out in lower case', () => {
  assert.equal(cacheConfig.parse({ tags: 'Cache-Tag' }).tags, 'cache-tag');
  assert.deepEqual(cacheConfig.parse({ targets: ['Surrogate-Control'] }).targets, ['surrogate-control']);
  assert.deepEqual(cacheConfig.parse({ key: 'header.Accept-Language' }).key, [{ kind: 'header', name: 'accept-language' }]);
});

const refused: readonly (readonly [unknown, string])[] = [
  [{ ttl: 30 }, 'ttl: expected a duration such as `30s`, or a map of durations by status, not the number 30'],
  [{ ttl: '30' }, 'ttl: "30" has no unit; write `30s` or `30ms`'],
  [{ ttl: { 99: '1s' } }, 'ttl.99: "99" is no status; write one such as `404`, or a class such as `4xx`'],
  [{ query: {} }, 'query: give `include` or `exclude`: which parameters count, or which do not'],
  [{ query: { include: ['a'], exclude: ['b'] } }, 'query: give `include` or `exclude`: which parameters count, or which do not'],
  [
    { query: { include: ['a=b'] } },
    'query.include.0: "a=b" is not the name of a parameter; write one such as `page`, or `utm_*`',
  ],
];

for (const [config, problem] of refused) {
  test(`refuses ${JSON.stringify(config)}`, () => assert.deepEqual(problems(config), [problem]));
}
