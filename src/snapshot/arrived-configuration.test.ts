import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '#base/secret.ts';
import { runAtOnce } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import { loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { arrive } from '#test/support/arrive.ts';
import { decodeConfiguration } from './arrived-configuration.ts';
import { encodeConfiguration } from './encode.ts';

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
  const { settings, routeCount, ...arrived } = arrive(configuration);
  // What is `undefined` here is missing there, and that is the same.
  const { routes, ...sent } = JSON.parse(JSON.stringify(configuration)) as Configuration;
  assert.deepEqual(settings, sent);
  assert.equal(routeCount, 3);
  assert.ok(arrived.routeImage instanceof SharedArrayBuffer);
});

test('a route arrives when it is asked for, by its position', async () => {
  const configuration = await load();
  const arrived = arrive(configuration);
  const sent = Object.entries(JSON.parse(JSON.stringify(configuration.routes)) as Configuration['routes']);
  for (const index of [2, 0, 1, 0]) assert.deepEqual(arrived.readRoute(index), sent[index]);
});

test('it travels in memory that threads share', async () => {
  const { lines, lineEnds, routeImage } = runAtOnce(encodeConfiguration(await load(), []));
  for (const memory of [lines, lineEnds.buffer, routeImage]) assert.ok(memory instanceof SharedArrayBuffer);
});

test('a secret arrives as a secret with its text, and goes nowhere else', async () => {
  const configuration = await load();
  const orders = configuration.routes['orders']!;
  const secret = { key: new Secret('sesame "\n'), list: [new Secret('é')] } as unknown as { enabled: boolean };
  const routes = { orders: { ...orders, policies: { 'api-key': secret } } } as Configuration['routes'];
  const [, arrived] = arrive({ ...configuration, routes }).readRoute(0);
  const block = arrived.policies!['api-key'] as unknown as { key: Secret; list: Secret[] };
  assert.ok(block.key instanceof Secret);
  assert.equal(block.key.reveal(), 'sesame "\n');
  assert.equal(block.list[0]?.reveal(), 'é');
  assert.doesNotMatch(JSON.stringify(arrived), /sesame/);
});

test('writing and reading is done in small steps', async () => {
  const configuration = await load();
  const routes = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`r${i}`, configuration.routes['answer']!]));
  const services = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`s${i}`, configuration.services['orders']!]));
  const writing = encodeConfiguration({ ...configuration, services, routes }, []);
  let count = 0;
  let step = writing.next();
  for (; step.done !== true; step = writing.next()) count += 1;
  assert.ok(count >= 60);
  const reading = decodeConfiguration(step.value);
  for (count = 0; reading.next().done !== true; count += 1);
  // Routes are not read.
  assert.equal(count, 20);
});
