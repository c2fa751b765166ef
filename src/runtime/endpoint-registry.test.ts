import assert from 'node:assert/strict';
import test from 'node:test';
import { limits } from '#base/limits.ts';
import type { Configuration } from '#config/configuration.ts';
import { loadConfigurationValue } from '#config/load.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import { EndpointRegistry, TooManyEndpoints } from './endpoint-registry.ts';

async function load(services: Readonly<Record<string, readonly (string | object)[]>>): Promise<Configuration> {
  const value = {
    version: 1,
    listeners: { web: { address: ':8080' } },
    services: Object.fromEntries(Object.entries(services).map(([name, endpoints]) => [name, { endpoints }])),
  };
  const { configuration, issues } = await loadConfigurationValue(value, '/', { policies: [], env: {} });
  assert.deepEqual(issues, []);
  return configuration!;
}

test('a list stays the same object as long as nothing in it changes, and grows in version when something does', async () => {
  const registry = new EndpointRegistry(new EndpointBoard());
  const plan = registry.plan(await load({ a: ['http://a:1'], b: ['http://b:1'] }));
  registry.commit(plan);
  const first = plan.lists;
  const { lists: second } = registry.plan(await load({ a: ['http://a:1'], b: ['http://b:1', 'http://b:2'] }));
  assert.equal(second['a'], first['a']);
  assert.ok(second['b']!.version > first['b']!.version);
  assert.equal(second['b']!.records[0]!.slot, first['b']!.records[0]!.slot);
});

test('an endpoint that is named twice has both weights', async () => {
  const registry = new EndpointRegistry(new EndpointBoard());
  const { a } = registry.plan(await load({ a: ['http://a:1', { url: 'http://a:1', weight: 2 }] })).lists;
  assert.deepEqual(
    a!.records.map(({ weight }) => weight),
    [3],
  );
});

test('a configuration that is refused changes no list, and its records are free again', async () => {
  const registry = new EndpointRegistry(new EndpointBoard());
  const present = registry.plan(await load({ a: ['http://a:1'] }));
  registry.commit(present);
  const many = Array.from({ length: limits.endpointsMax }, (_, i) => `http://h${i}:1`);
  const large = await load({ a: many });
  assert.throws(() => registry.plan(large), TooManyEndpoints);
  registry.release();
  assert.deepEqual(registry.lists, present.lists);
  const fitting = registry.plan(await load({ a: ['http://a:1', ...many.slice(1)] }));
  assert.equal(new Set(fitting.lists['a']!.records.map(({ slot }) => slot)).size, limits.endpointsMax);
});
