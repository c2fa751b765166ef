import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BenchRequest, createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { rewritePolicy } from './policy.ts';

interface Case {
  readonly config: unknown;
  readonly path?: string;
  readonly request: BenchRequest;
  readonly target: string;
}

async function send({ config, path = '/*', request }: Omit<Case, 'target'>) {
  const bench = createPolicyBench({ policies: [await plan(rewritePolicy, config)], path });
  const answer = await bench.send(request);
  return { answer, seen: bench.seen[0] };
}

function testTargets(what: string, cases: readonly Case[]): void {
  for (const one of cases) {
    test(`${what}: ${one.request.url} by ${JSON.stringify(one.config)} becomes ${one.target}`, async () => {
      const { answer, seen } = await send(one);
      assert.equal(seen?.target, one.target);
      assert.equal(answer.status, 200);
    });
  }
}

const strip = { stripPrefix: '/api' };

testTargets('cuts a prefix off by whole segments', [
  { config: strip, request: { url: '/api/orders/7' }, target: '/orders/7' },
  { config: strip, request: { url: '/api' }, target: '/' },
  { config: strip, request: { url: '/api/' }, target: '/' },
  { config: strip, request: { url: '/api/orders/' }, target: '/orders/' },
  { config: strip, request: { url: '/apis/orders' }, target: '/apis/orders' },
  { config: strip, request: { url: '/orders/api' }, target: '/orders/api' },
  { config: strip, request: { url: '/api/api/x' }, target: '/api/x' },
  { config: strip, request: { url: '/api%2Forders' }, target: '/api%2Forders' },
  { config: strip, request: { url: '/%61pi/orders?x=1' }, target: '/orders?x=1' },
  { config: { stripPrefix: '/' }, request: { url: '/orders' }, target: '/orders' },
]);

const replace = { replacePrefix: { from: '/api', with: '/v2/shop' } };

testTargets('replaces a given prefix', [
  { config: replace, request: { url: '/api/orders' }, target: '/v2/shop/orders' },
  { config: replace, request: { url: '/api' }, target: '/v2/shop' },
  { config: replace, request: { url: '/api/' }, target: '/v2/shop/' },
  { config: replace, request: { url: '/apis' }, target: '/apis' },
  { config: { replacePrefix: { from: '/', with: '/v2' } }, request: { url: '/orders' }, target: '/v2/orders' },
  { config: { replacePrefix: { from: '/', with: '/v2' } }, request: { url: '/' }, target: '/v2' },
  { config: { replacePrefix: { from: '/api', with: '/' } }, request: { url: '/api' }, target: '/' },
  { config: { replacePrefix: { from: '/api', with: '/' } }, request: { url: '/api/orders' }, target: '/orders' },
]);

const replaceRoute = { replacePrefix: { with: '/internal' } };

testTargets("replaces the prefix of the route's path", [
  { config: replaceRoute, path: '/orders/*', request: { url: '/orders/7/items' }, target: '/internal/7/items' },
  { config: replaceRoute, path: '/orders/*', request: { url: '/orders' }, target: '/internal' },
  { config: replaceRoute, path: '/orders/*', request: { url: '/orders/' }, target: '/internal/' },
  { config: replaceRoute, path: '/:tenant/orders/*', request: { url: '/acme/orders/7' }, target: '/internal/7' },
  { config: replaceRoute, path: '/*', request: { url: '/orders' }, target: '/internal/orders' },
  { config: replaceRoute, path: '/*', request: { url: '/' }, target: '/internal' },
  { config: replaceRoute, path: '/orders', request: { url: '/orders' }, target: '/internal' },
]);

testTargets('makes the path of a template', [
  { config: { path: '/v2/${path.id}' }, path: '/orders/:id', request: { url: '/orders/7' }, target: '/v2/7' },
  { config: { path: '/v2/${path.*}' }, path: '/orders/*', request: { url: '/orders/7/items' }, target: '/v2/7/items' },
  { config: { path: '/v2${path}' }, request: { url: '/orders/7' }, target: '/v2/orders/7' },
  { config: { path: '${path}/all' }, request: { url: '/orders' }, target: '/orders/all' },
  { config: { path: '/v2/${query.id}' }, request: { url: '/orders?id=7' }, target: '/v2/7?id=7' },
  { config: { path: '/${host}/${method}' }, request: { url: '/' }, target: '/shop.example.com/GET' },
  { config: { path: '/t/${header.x-tenant}' }, request: { fields: ['x-tenant', 'a b/c?d'] }, target: '/t/a%20b%2Fc%3Fd' },
  { config: { path: '/t/${header.x-tenant}' }, request: { fields: ['x-tenant', 'caf\u00c3\u00a9'] }, target: '/t/caf%C3%A9' },
]);

testTargets('leaves what a path has encoded as it is', [
  { config: { path: '/v2/${path.id}' }, path: '/orders/:id', request: { url: '/orders/a%2Fb' }, target: '/v2/a%2Fb' },
  { config: { path: '/v2/${path.id}' }, path: '/orders/:id', request: { url: '/orders/%3fx%23y' }, target: '/v2/%3Fx%23y' },
  { config: { path: '/v2/${path.id}' }, path: '/orders/:id', request: { url: '/orders/%252F' }, target: '/v2/%252F' },
  { config: { path: '/v2/${path.*}' }, path: '/orders/*', request: { url: '/orders/a%2F...%2Fb' }, target: '/v2/a%2F...%2Fb' },
  { config: strip, request: { url: '/api/a%2fb' }, target: '/a%2Fb' },
]);

testTargets('keeps a value inside its segment', [
  { config: { path: '/v2/${query.id}/x', query: '' }, request: { url: '/?id=a/b' }, target: '/v2/a%2Fb/x' },
  { config: { path: '/v2/${query.id}/x', query: '' }, request: { url: '/?id=a?b' }, target: '/v2/a%3Fb/x' },
  { config: { path: '/v2/${query.id}', query: '' }, request: { url: '/?id=50%' }, target: '/v2/50%25' },
  { config: { path: '/v2/${query.id}', query: '' }, request: { url: '/?id=a+b' }, target: '/v2/a%20b' },
  { config: { path: '/v2/${query}', query: '' }, request: { url: '/?a=1&b=/' }, target: '/v2/a=1&b=%2F' },
]);

testTargets('replaces or drops the query', [
  { config: { query: 'id=${path.id}' }, path: '/orders/:id', request: { url: '/orders/7?x=1' }, target: '/orders/7?id=7' },
  { config: { query: '' }, request: { url: '/orders?x=1' }, target: '/orders' },
  { config: { query: '${query}&from=gateway' }, request: { url: '/orders?x=1&y=a/b' }, target: '/orders?x=1&y=a/b&from=gateway' },
  { config: { path: '/v2' }, request: { url: '/orders?x=1' }, target: '/v2?x=1' },
  { config: { query: 'q=${query.q}' }, request: { url: '/?q=a+b%26c' }, target: '/?q=a%20b%26c' },
  { config: { query: 'q=${query.missing}' }, request: { url: '/?q=1' }, target: '/?q=' },
  { config: { query: 'u=${header.x-user}' }, request: { fields: ['x-user', 'a&admin=1#'] }, target: '/?u=a%26admin%3D1%23' },
  {
    config: { query: 'id=${path.id}' },
    path: '/orders/:id',
    request: { url: '/orders/7&admin=1+2;3' },
    target: '/orders/7&admin=1+2;3?id=7%26admin%3D1%2B2%3B3',
  },
]);

test('changes the host that the service sees and nothing else', async () => {
  const { seen } = await send({ config: { host: 'orders.internal:8080' }, request: { url: '/a?b=c', fields: ['x-a', '1'] } });
  assert.ok(seen?.head.startsWith('GET /a?b=c HTTP/1.1\r\nhost: orders.internal:8080\r\nx-a: 1\r\n'));
});

test('changes host, path and query at once', async () => {
  const { seen } = await send({
    config: { host: 'b.internal', stripPrefix: '/api', query: 'v=2' },
    request: { url: '/api/a?b=c' },
  });
  assert.deepEqual([seen?.authority, seen?.target], ['b.internal', '/a?v=2']);
});

test('leaves the path that routes and policies look at', async () => {
  const { answer } = await send({ config: { path: '/other' }, request: { url: '/orders' } });
  assert.equal(answer.exchange.request.path, '/orders');
});

const refused: readonly (Omit<Case, 'target'> & { readonly what: string })[] = [
  { what: 'a value of a field', config: { path: '/t/${header.x-t}/x' }, request: { fields: ['x-t', '..'] } },
  { what: 'a value at the end', config: { path: '/t/${header.x-t}' }, request: { fields: ['x-t', '.'] } },
  { what: 'a parameter', config: { path: '/t/${query.t}/x' }, request: { url: '/?t=..' } },
  { what: 'a parameter with slashes', config: { path: '/t/${query.t}/x' }, request: { url: '/?t=../../admin' } },
  { what: 'a parameter with a dot segment at its end', config: { path: '/t/${query.t}/x' }, request: { url: '/?t=a/..' } },
  { what: 'an encoded parameter', config: { path: '/t/${query.t}/x' }, request: { url: '/?t=%2e%2E' } },
  { what: 'two values together', config: { path: '/t/${query.a}${query.b}/x' }, request: { url: '/?a=.&b=.' } },
  { what: 'a backslash', config: { path: '/t/${query.t}' }, request: { url: '/?t=..%5C..' } },
  { what: 'an encoded NUL', config: { path: '/t/${query.t}' }, request: { url: '/?t=%00' } },
  { what: 'a value that is missing between slashes', config: { path: '/t/${query.t}/x' }, request: { url: '/' } },
];

for (const { what, ...one } of refused) {
  test(`refuses a path that is made unsafe by ${what}`, async () => {
    const { answer, seen } = await send(one);
    assert.equal(answer.status, 400);
    assert.equal((answer.json() as { code: string }).code, 'GH_REWRITE_UNUSABLE_PATH');
    assert.equal(seen, undefined, 'nothing reaches the service');
  });
}

testTargets('allows what only looks like a dot segment', [
  { config: { path: '/t/${query.t}/x', query: '' }, request: { url: '/?t=...' }, target: '/t/.../x' },
  { config: { path: '/t/${query.t}/x', query: '' }, request: { url: '/?t=..a' }, target: '/t/..a/x' },
]);

test('refuses a path with more segments than are routed, and takes one with as many', async () => {
  const rest = 'x/'.repeat(255);
  const config = { replacePrefix: { from: '/', with: '/a' } };
  assert.equal((await send({ config, request: { url: `/${rest}` } })).answer.status, 400);
  assert.equal((await send({ config, request: { url: `/${rest.slice(2)}` } })).answer.status, 200);
});

test('never writes a line end into the request line', async () => {
  const fields = ['x-a', 'a\tb'];
  const { seen } = await send({
    config: { path: '/${path.id}/${header.x-a}', query: 'q=${query.q}' },
    path: '/:id',
    request: { url: '/a%0d%0ax-evil:%201?q=%0D%0Ax-evil:1', fields },
  });
  assert.ok(seen?.head.startsWith('GET /a%0D%0Ax-evil:%201/a%09b?q=%0D%0Ax-evil:1 HTTP/1.1\r\nhost: '));
});

test('a reload changes the path of later requests only', async () => {
  const bench = createPolicyBench({ policies: [await plan(rewritePolicy, { path: '/old' })] });
  await bench.send();
  bench.reload([await plan(rewritePolicy, { path: '/new' })]);
  await bench.send();
  assert.deepEqual(
    bench.seen.map(({ target }) => target),
    ['/old', '/new'],
  );
});
