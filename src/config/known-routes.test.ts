import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyOrder } from '#policies/registry.ts';
import { formatIssue } from './issue.ts';
import { KnownRoutes } from './known-routes.ts';
import { type LoadedConfiguration, loadConfigurationText } from './load.ts';

const before = `version: 1
listeners: { web: { address: ":8080" } }
services: { orders: { endpoints: [http://orders] } }
routes:
  constructor: { match: { path: /constructor }, to: orders }
  orders:
    match: { path: "/orders/:id", method: [GET, POST] }
    policies: { rate-limit: { limit: 100/minute }, headers: { request: { set: { x-id: "\${path.id}" } } } }
    retry: { attempts: "\${env:ATTEMPTS}" }
    to: orders
  hello: { match: { path: /hello }, policies: { ip: { deny: [192.0.2.1] } }, to: { respond: { json: { n: 1, none: null } } } }
  bye: { match: { path: /bye }, to: orders }
`;

const load = (text: string, knownRoutes?: KnownRoutes): Promise<LoadedConfiguration> =>
  loadConfigurationText(text, 'gatehouse.yaml', {
    policies: policyOrder,
    env: { ATTEMPTS: '3' },
    ...(knownRoutes !== undefined && { knownRoutes }),
  });

/** Loads a text by itself and after another one, and sees to it that it comes to the same. */
async function loadAfter(
  first: string,
  text: string,
): Promise<{ readonly old: LoadedConfiguration; loaded: LoadedConfiguration }> {
  const knownRoutes = new KnownRoutes();
  const old = await load(first, knownRoutes);
  const loaded = await load(text, knownRoutes);
  const alone = await load(text);
  assert.deepEqual(loaded.configuration, alone.configuration);
  // With the order of keys, too.
  assert.equal(JSON.stringify(loaded.configuration), JSON.stringify(alone.configuration));
  assert.deepEqual(loaded.issues, alone.issues);
  return { old, loaded };
}

test('routes that are written as before are the same objects, and in the order of the text', async () => {
  const text = before
    .replace('/hello', '/hi')
    .replace(
      /( {2}bye: .*\n)/,
      '  new: { match: { path: /new }, to: orders }\n$1  last: { match: { path: /last }, to: orders }\n',
    );
  const { old, loaded } = await loadAfter(before, text);
  const names = Object.keys(loaded.configuration?.routes ?? {});
  assert.deepEqual(names, ['constructor', 'orders', 'hello', 'new', 'bye', 'last']);
  const same = names.filter((name) => loaded.configuration?.routes[name] === old.configuration?.routes[name]);
  assert.deepEqual(same, ['constructor', 'orders', 'bye']);
});

test('whatever is different in a route, it is read again', async () => {
  const changes: [from: string, to: string][] = [
    ['path: /bye', 'path: /by'],
    ['[GET, POST]', '[POST, GET]'],
    ['[GET, POST]', '[GET]'],
    ['100/minute', '100/hour'],
    ['n: 1, none: null', 'none: null, n: 1'],
    ['n: 1, none: null', 'n: "1", none: null'],
    ['n: 1, none: null', 'n: 1'],
    ['none: null', 'none: []'],
    ['none: null', 'none: {}'],
    ['none: null', 'none: .nan'],
    ['deny: [192.0.2.1]', 'deny: [{ file: denied.txt }]'],
    ['policies: { ip: { deny: [192.0.2.1] } }', 'policies: { ip: false }'],
  ];
  for (const [from, to] of changes) {
    assert.ok(before.includes(from), from);
    await loadAfter(before, before.replace(from, to));
  }
});

test('mistakes are found as without it, with their places, in known routes and others', async () => {
  const text = before
    .replace('listeners: {', 'listenres: {')
    .replace('100/minute', '100/minutes')
    .replace('services: { orders:', 'services: { order:')
    .replace('/bye', 'bye');
  const { loaded } = await loadAfter(before, text);
  const lines = loaded.issues.map(formatIssue).map((line) => line.replace(/ .*/s, ''));
  assert.ok(loaded.issues.length >= 6, lines.join());
  assert.deepEqual(new Set(lines.map((line) => line.split(':')[1])), new Set(['1', '2', '5', '8', '10', '12']));
});

test('after a configuration with mistakes, everything is read', async () => {
  const { loaded } = await loadAfter(before.replace('/bye', 'bye'), before.replace('/bye', 'bye'));
  assert.match(loaded.issues.map(formatIssue).join('\n'), /^gatehouse\.yaml:12:25 routes\.bye\.match\.path/);
  await loadAfter(before.replace('/bye', 'bye'), before);
});

test('a configuration without routes, or with something else in their place, is read as it is', async () => {
  const { loaded } = await loadAfter(before, before.replace(/routes:.*/s, ''));
  assert.deepEqual(loaded.configuration?.routes, {});
  for (const text of [before.replace(/routes:.*/s, 'routes: [orders]\n'), '[]\n', 'routes: {}\n', ''])
    await loadAfter(before, text);
});
