import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '#base/secret.ts';
import type { Configuration } from '#config/configuration.ts';
import { loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { decodeConfiguration, encodeConfiguration } from './encoding.ts';
import { runAtOnce } from './slices.ts';

const text = `
version: 1
listeners:
  web: { address: ":8080", trustedProxies: [10.0.0.0/8], policies: { headers: { response: { set: { x-a: "ü \${requestId}" } } } } }
  local: { address: "unix:/run/web.sock", maxConnectionsPerClient: 7 }
services:
  orders: { endpoints: [http://10.0.0.11:3000, { url: "https://10.0.0.12", weight: 2 }], tls: { serverName: orders } }
routes:
  orders:
    match: [{ host: shop.example.com, path: /orders/:id, method: [GET, POST], headers: { x-a: { regex: "a|b" } }, clientIp: 10.0.0.0/8 }]
    priority: 3
    policies: { headers: false, rewrite: { path: "/v2/\${path.id}" } }
    to: [{ service: orders, weight: 2 }]
  answer: { match: { path: /answer }, to: { respond: { status: 200, json: { lines: "one\\ntwo", "é": null } } } }
  moved: { match: { path: /old/* }, to: { redirect: { path: /new, status: 308 } } }
accessLog: { to: { file: ./log } }
`;

async function load(): Promise<Configuration> {
  const { configuration, issues } = await loadConfigurationText(text, '/etc/gatehouse.yaml', {
    policies: policyOrder,
    env: {},
  });
  assert.deepEqual(issues, []);
  return configuration!;
}

test('what arrives is what was sent', async () => {
  const configuration = await load();
  const arrived = runAtOnce(decodeConfiguration(encodeConfiguration(configuration)));
  // What is `undefined` here is missing there, and that is the same.
  assert.deepEqual(arrived, JSON.parse(JSON.stringify(configuration)));
  assert.deepEqual(Object.keys(arrived.routes), Object.keys(configuration.routes));
});

test('it travels in memory that threads share', async () => {
  assert.ok(encodeConfiguration(await load()) instanceof SharedArrayBuffer);
});

test('a secret arrives as a secret with its text, and goes nowhere else', async () => {
  const configuration = await load();
  const orders = configuration.routes['orders']!;
  const secret = { key: new Secret('sesame "\n'), list: [new Secret('é')] } as unknown as { enabled: boolean };
  const routes = { ...configuration.routes, orders: { ...orders, policies: { 'api-key': secret } } } as Configuration['routes'];
  const arrived = runAtOnce(decodeConfiguration(encodeConfiguration({ ...configuration, routes })));
  const block = arrived.routes['orders']!.policies!['api-key'] as unknown as { key: Secret; list: Secret[] };
  assert.ok(block.key instanceof Secret);
  assert.equal(block.key.reveal(), 'sesame "\n');
  assert.equal(block.list[0]?.reveal(), 'é');
  assert.doesNotMatch(JSON.stringify(arrived), /sesame/);
});

test('reading is done in small steps', async () => {
  const configuration = await load();
  const routes = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`r${i}`, configuration.routes['answer']!]));
  const services = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`s${i}`, configuration.services['orders']!]));
  const steps = decodeConfiguration(encodeConfiguration({ ...configuration, services, routes }));
  let count = 0;
  while (steps.next().done !== true) count += 1;
  assert.equal(count, 40);
});
