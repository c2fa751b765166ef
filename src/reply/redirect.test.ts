import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTemplate } from '#schema/template.ts';
import { type BenchRequest, createPolicyBench } from '#test/support/policy-bench.ts';
import { RedirectTerminal } from './redirect.ts';

interface Written {
  readonly scheme?: 'http' | 'https';
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly query?: string;
}

function toTemplate(text: string | undefined) {
  if (text === undefined) return undefined;
  const reading = parseTemplate(text);
  assert.ok('value' in reading);
  return reading.value;
}

function send({ host, path, query, ...rest }: Written, request: BenchRequest & { readonly route?: string }, status = 302) {
  const definition = { ...rest, host: toTemplate(host), path: toTemplate(path), query: toTemplate(query), status };
  return createPolicyBench({ terminal: new RedirectTerminal(definition), path: request.route ?? '/*' }).send(request);
}

const https: Written = { scheme: 'https' };
const asked = { url: '/orders/7?x=1' };

const cases: readonly (readonly [Written, BenchRequest & { readonly route?: string }, string])[] = [
  // Nothing of the authority changes: the location is relative, and holds behind any proxy.
  [{ path: '/new' }, asked, '/new?x=1'],
  [{ path: '/new', query: '' }, asked, '/new'],
  [{ query: 'from=old' }, asked, '/orders/7?from=old'],
  [{ path: '/v2/${path.*}' }, { ...asked, route: '/orders/*' }, '/v2/7?x=1'],
  [{ path: '/v2/${path.id}' }, { url: '/orders/a%2Fb', route: '/orders/:id' }, '/v2/a%2Fb'],
  // A changed scheme or host has its own usual port.
  [https, { ...asked, host: 'shop.example.com:8080' }, 'https://shop.example.com/orders/7?x=1'],
  [{ scheme: 'http' }, { ...asked, host: 'shop.example.com:8080' }, 'http://shop.example.com:8080/orders/7?x=1'],
  [{ scheme: 'https', port: 8443 }, { ...asked, host: 'shop.example.com:8080' }, 'https://shop.example.com:8443/orders/7?x=1'],
  [{ port: 8081 }, { ...asked, host: '[::1]:8080' }, 'http://[::1]:8081/orders/7?x=1'],
  [{ host: 'www.example.com' }, { ...asked, host: 'example.com:8080' }, 'http://www.example.com/orders/7?x=1'],
  [{ host: 'www.${host}', scheme: 'https' }, { url: '/', host: 'Example.com:80' }, 'https://www.example.com/'],
  [{ host: '${authority}', path: '/new' }, { url: '/', host: 'a.example:81' }, 'http://a.example:81/new'],
  [{ host: '${authority}', port: 82 }, { url: '/', host: 'a.example:81' }, 'http://a.example:82/'],
  [{ host: '${path.tenant}.example.com', path: '/' }, { url: '/acme', route: '/:tenant' }, 'http://acme.example.com/'],
  // No open redirect: what a client sends stays in the path.
  [{ path: '/${query.to}', query: '' }, { url: '/?to=/evil.example' }, '/%2Fevil.example'],
  [{ path: '/${query.to}', query: '' }, { url: '/?to=%5Cevil.example' }, '/%5Cevil.example'],
  [{ path: '/${query.to}', query: '' }, { url: '/?to=\\evil.example' }, '/%5Cevil.example'],
  [{ path: '/${query.none}/evil.example', query: '' }, { url: '/' }, '/evil.example'],
  [{ path: '/a', query: 'q=${query.to}' }, { url: '/?to=a%26b%23c' }, '/a?q=a%26b%23c'],
  [{ path: '/${path.id}' }, { url: '/%0d%0alocation:%20x', route: '/:id' }, '/%0D%0Alocation:%20x'],
];

for (const [definition, request, location] of cases) {
  test(`${request.host ?? ''}${request.url} by ${JSON.stringify(definition)} leads to ${location}`, async () => {
    const answer = await send(definition, request);
    assert.deepEqual([answer.status, answer.fields, answer.text], [302, ['location', location], '']);
  });
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`redirects with ${status}`, async () => {
    assert.equal((await send({ path: '/' }, { method: 'POST', body: ['x'] }, status)).status, status);
  });
}

for (const tenant of [
  'evil.example%2F',
  'evil.example%23',
  'evil.example%3F',
  'user%40evil.example',
  'evil.example%5C',
  '%20',
  '.',
  'a:1',
]) {
  test(`refuses a host that ends elsewhere: ${tenant}`, async () => {
    const url = tenant === '.' ? '/a?t=.' : `/a?t=${tenant}`;
    const answer = await send({ host: '${query.t}.example.com' }, { url });
    assert.equal(answer.status, 400);
    assert.equal((answer.json() as { code: string }).code, 'GH_REDIRECT_UNUSABLE_HOST');
    assert.deepEqual(answer.values('location'), []);
  });
}
