import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { csrfPolicy } from './policy.ts';

const APP = 'https://app.example.com';

async function benchWith(config: object = {}) {
  return createPolicyBench({ policies: [await plan(csrfPolicy, { origins: [APP], ...config })] });
}

const post = (...fields: string[]) => ({ method: 'POST', host: 'shop.example.com', fields });

test('lets pass what a page of this origin, a person or a program sends', async () => {
  const bench = await benchWith();
  for (const request of [
    post('sec-fetch-site', 'same-origin', 'origin', 'https://shop.example.com'),
    post('sec-fetch-site', 'none'),
    post(),
    post('cookie', 'session=1'),
    post('origin', 'https://shop.example.com'),
    post('origin', 'http://shop.example.com'),
    { ...post('origin', 'https://shop.example.com'), host: 'Shop.Example.com:443' },
    { ...post('origin', 'http://shop.example.com:8080'), host: 'shop.example.com:8080' },
    post('sec-fetch-site', 'cross-site', 'origin', APP),
    post('origin', APP),
    { ...post('sec-fetch-site', 'cross-site', 'origin', 'https://evil.test'), method: 'GET' },
    { ...post('sec-fetch-site', 'cross-site'), method: 'HEAD' },
    { ...post('sec-fetch-site', 'cross-site'), method: 'OPTIONS' },
  ])
    assert.equal((await bench.send(request)).status, 200, JSON.stringify(request));
});

test('refuses what a page of another origin sends', async () => {
  const bench = await benchWith();
  for (const [request, reason] of [
    [post('sec-fetch-site', 'cross-site', 'origin', 'https://evil.test'), 'cross-site'],
    [post('sec-fetch-site', 'same-site', 'origin', 'https://blog.example.com'), 'same-site'],
    [post('sec-fetch-site', 'cross-site'), 'cross-site'],
    // The newer field counts, whatever the older one says.
    [post('sec-fetch-site', 'cross-site', 'origin', 'https://shop.example.com'), 'cross-site'],
    [post('sec-fetch-site', ''), 'sec-fetch-site'],
    [post('sec-fetch-site', 'SAME-ORIGIN'), 'sec-fetch-site'],
    [post('origin', 'https://evil.test'), 'origin'],
    [post('origin', 'null'), 'origin'],
    [post('origin', ''), 'origin'],
    [post('origin', 'https://shop.example.com.evil.test'), 'origin'],
    [post('origin', 'https://shop.example.com:8443'), 'origin'],
    [post('origin', 'https://evil.test#://shop.example.com'), 'origin'],
    [post('origin', `${APP}.evil.test`), 'origin'],
    [post('sec-fetch-site', 'same-origin', 'sec-fetch-site', 'cross-site'), 'several fields'],
    [post('origin', 'https://shop.example.com', 'origin', 'https://evil.test'), 'several fields'],
    [{ ...post('origin', 'https://evil.test'), method: 'DELETE' }, 'origin'],
    [{ ...post('origin', 'https://evil.test'), method: 'get' }, 'origin'],
  ] as const) {
    const answer = await bench.send(request);
    assert.equal(answer.status, 403, JSON.stringify(request));
    assert.deepEqual(answer.exchange.error?.detail, { reason });
  }
  assert.equal(bench.seen.length, 0);
});

test('a WebSocket that a page of another origin opens is refused', async () => {
  const bench = await benchWith();
  const open = (origin: string) => bench.send({ method: 'GET', upgrade: 'websocket', fields: ['origin', origin] });
  assert.equal((await open('https://evil.test')).status, 403);
  assert.equal((await open('https://shop.example.com')).status, 200);
});

test('reports whom it would refuse, where it only reports', async () => {
  const bench = await benchWith({ mode: 'report' });
  const answer = await bench.send(post('origin', 'https://evil.test'));
  assert.equal(answer.status, 200);
  assert.equal(answer.exchange.reported?.code, 'GH_CSRF_CROSS_ORIGIN');
});
