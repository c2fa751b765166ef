import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CacheResult } from '#http/cache-result.ts';
import type { ExchangePlan } from '#http/exchange.ts';
import { CacheCounts } from './cache-counts.ts';

const ROUTES_MAX = 2_048;

function count(counts: CacheCounts, routeName: string | undefined, cacheResult: CacheResult | undefined): void {
  const plan: Pick<ExchangePlan, 'routeName'> = { routeName };
  counts.count({ plan: plan as ExchangePlan, cacheResult });
}

test('threads count together, by route and result', () => {
  const counts = new CacheCounts();
  const other = new CacheCounts(counts.memory);
  count(counts, 'a', 'hit');
  count(other, 'a', 'hit');
  count(other, 'a', 'miss');
  count(other, 'b', 'bypass');
  count(other, 'b', undefined);
  assert.deepEqual(counts.list(['b', 'c', 'a']), [
    { route: 'b', results: { bypass: 1 } },
    { route: 'a', results: { hit: 2, miss: 1 } },
  ]);
  assert.match(counts.toMetricsText(['a']), /^gatehouse_cache_requests_total\{route="a",result="hit"\} 2$/m);
  assert.equal(new CacheCounts().toMetricsText(['a']), '');
});

test('routes without room are counted together, without a name', () => {
  const counts = new CacheCounts();
  const routes = Array.from({ length: ROUTES_MAX + 10 }, (_, i) => `route ${i}`);
  for (const route of routes) count(counts, route, 'hit');
  const listed = counts.list(routes);
  assert.equal(listed.length, ROUTES_MAX + 1);
  assert.deepEqual(listed.at(-1), { route: '', results: { hit: 10 } });
});
