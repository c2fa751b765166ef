import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyOrder } from '#policies/registry.ts';
import { loadConfigurationText } from '../load.ts';

async function warningsOf(routes: string): Promise<string[]> {
  const text = `version: 1
listeners: { web: { address: ":8080" } }
services: { orders: { endpoints: [http://orders:3000] } }
routes: ${routes}
`;
  const { configuration, issues } = await loadConfigurationText(text, '/f.yaml', { policies: policyOrder, env: {} });
  assert.ok(configuration !== undefined, JSON.stringify(issues));
  return issues.map(({ message }) => message);
}

const LOGIN = 'oidc: { issuer: "https://login.example.com", clientId: shop, secret: 0123456789abcdef0123456789abcdef }';
const toRoute = (match: string) => `{ match: ${match}, to: orders, policies: { ${LOGIN} } }`;

test('warns of a login that its provider could not come back to', async () => {
  const [warning, ...more] = await warningsOf(`{ all: ${toRoute('{ path: /orders/* }')} }`);
  assert.equal(
    warning,
    'no route with this policy takes `/oauth2/callback`, `/oauth2/login` and `/oauth2/logout`; add the paths to `match`, or move the policy to the listener',
  );
  assert.deepEqual(more, []);
  const [part] = await warningsOf(`{ all: ${toRoute('{ path: [/orders/*, /oauth2/callback, /oauth2/login] }')} }`);
  assert.match(part ?? '', /takes `\/oauth2\/logout`;/);
});

for (const match of [
  '{}',
  '{ path: /* }',
  '{ path: [/orders, /oauth2/*] }',
  '{ path: "/oauth2/:what" }',
  '{ path: { regex: "/oauth2/.*" } }',
]) {
  test(`says nothing of a login at a route for ${match}`, async () => {
    assert.deepEqual(await warningsOf(`{ all: ${toRoute(match)} }`), []);
  });
}

test('the paths may be those of another route with the policy', async () => {
  assert.deepEqual(await warningsOf(`{ all: ${toRoute('{ path: /orders/* }')}, login: ${toRoute('{ path: /oauth2/* }')} }`), []);
});
