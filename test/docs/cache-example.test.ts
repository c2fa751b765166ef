/** The example of caching does what it says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { GatewayInput } from '#config/define-gateway.ts';
import { startCacheSite } from '#test/support/cache-site.ts';

test('examples/one-request/cache.yaml answers as its comments say', async (t) => {
  const text = readFileSync(join(import.meta.dirname, '../../examples/one-request/cache.yaml'), 'utf8');
  const { routes } = parse(text) as GatewayInput;
  const site = await startCacheSite(t, { more: { routes } as Partial<GatewayInput> });
  site.script = ({ body }) => ({ body: `found ${body}` });
  const first = await site.ask({ path: '/products/7?utm_source=mail' });
  assert.equal(first.field('cache-status'), 'gatehouse; fwd=uri-miss; fwd-status=200; ttl=30; stored');
  site.clock.advance(29_000);
  const second = await site.ask({ path: '/products/7?utm_source=web' });
  assert.deepEqual([second.field('age'), second.field('cache-status')], ['29', 'gatehouse; hit; ttl=1']);
  site.clock.advance(60_000 + 31_000);
  site.script = () => ({ status: 503 });
  assert.equal(
    (await site.ask({ path: '/products/7' })).field('cache-status'),
    'gatehouse; fwd=stale; fwd-status=503; detail=stale-on-error',
  );
  site.script = ({ body }) => ({ body: `found ${body}` });
  const search = (body: string) => site.ask({ method: 'QUERY', path: '/search', body });
  assert.deepEqual(
    [(await search('a')).body, (await search('b')).body, (await search('a')).body],
    ['found a', 'found b', 'found a'],
  );
  const before = site.seen.length;
  await site.ask({ path: '/other' });
  await site.ask({ path: '/other' });
  assert.equal(site.seen.length, before + 2);
});
