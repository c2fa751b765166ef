import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyOrder } from '#policies/registry.ts';
import { loadConfigurationText } from '../load.ts';

async function findIssues(policies: string, match = '{ path: "/:tenant/orders/:id" }') {
  const text = `version: 1
listeners:
  web: { address: ":8080" }
services:
  orders: { endpoints: ["http://orders:3000"] }
routes:
  orders:
    match: ${match}
    to: orders
    policies: ${policies}
`;
  const { issues } = await loadConfigurationText(text, '/gatehouse.yaml', { policies: policyOrder, env: {} });
  return issues.map(({ path, line, message }) => ({ path: path.join('.'), line, message }));
}

test('a mistake in an expression is a mistake of the configuration, with its place', async () => {
  assert.deepEqual(await findIssues(`{ authorize: { expression: 'request.pth == "/a"' } }`), [
    {
      path: 'routes.orders.policies.authorize.expression',
      line: 10,
      message: 'the expression, column 9: no such key: pth',
    },
  ]);
  const [issue] = await findIssues(`{ authorize: { expression: "route == 'a' &&\\n  rute == 'b'" } }`);
  assert.equal(issue?.message, 'the expression, line 2, column 3: unknown variable: rute');
});

test('an expression of a route may name what all its paths capture', async () => {
  const policies = (name: string) => `{ authorize: { expression: 'path.${name} == consumer.name' } }`;
  assert.deepEqual(await findIssues(policies('tenant')), []);
  const [unknown] = await findIssues(policies('tenat'));
  assert.match(unknown?.message ?? '', /no such key: tenat/);
  const two = '[{ path: "/:tenant/a" }, { path: "/b/:other" }]';
  assert.match((await findIssues(policies('tenant'), two))[0]?.message ?? '', /no such key: tenant/);
});
