import assert from 'node:assert/strict';
import test from 'node:test';
import { limits } from '#base/limits.ts';
import type { Configuration } from '#config/configuration.ts';
import { loadConfigurationValue } from '#config/load.ts';
import { EndpointBoard, EndpointFlag } from '#services/endpoint-board.ts';
import { noChange } from '#services/endpoint-changes.ts';
import type { EndpointList } from '#services/endpoint-list.ts';
import { formatEndpointUrl } from '#services/endpoint-list.ts';
import { toRecords } from '#test/support/services.ts';
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

test('a service has a record of its own, which stays while its endpoints come and go', async () => {
  const registry = new EndpointRegistry(new EndpointBoard());
  const first = registry.plan(await load({ a: ['http://a:1'], b: ['http://b:1'] }));
  registry.commit(first);
  const second = registry.plan(await load({ a: ['http://a:2', 'http://a:3'], b: ['http://b:1'] }));
  registry.commit(second);
  assert.equal(second.lists['a']!.slot, first.lists['a']!.slot);
  const slots = Object.values(second.lists).flatMap(({ slot, records }) => [slot, ...records.map((record) => record.slot)]);
  assert.equal(new Set(slots).size, 5);
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
  // The service has a record of its own.
  const many = Array.from({ length: limits.endpointsMax - 1 }, (_, i) => `http://h${i}:1`);
  const large = await load({ a: many });
  assert.throws(() => registry.plan(large), TooManyEndpoints);
  registry.release();
  assert.deepEqual(registry.lists, present.lists);
  const fitting = registry.plan(await load({ a: ['http://a:1', ...many.slice(1)] }));
  assert.equal(new Set(fitting.lists['a']!.records.map(({ slot }) => slot)).size, limits.endpointsMax - 1);
});

function urls(list: EndpointList | undefined): string[] {
  return (list?.records ?? []).map(({ url }) => formatEndpointUrl(url));
}

async function startWith(endpoints: Parameters<typeof load>[0]) {
  const board = new EndpointBoard();
  const registry = new EndpointRegistry(board);
  const configuration = await load(endpoints);
  registry.commit(registry.plan(configuration));
  return { board, registry, configuration };
}

test('what is found makes a new list, and the same again makes none', async () => {
  const { registry } = await startWith({ a: ['http://a:1'] });
  const { version } = registry.lists['a']!;
  const list = registry.setDiscovered('a', toRecords('http://b:1'));
  assert.deepEqual(urls(list), ['http://a:1', 'http://b:1']);
  assert.ok(list!.version > version);
  assert.equal(registry.lists['a'], list);
  assert.equal(registry.setDiscovered('a', toRecords('http://b:1')), undefined);
  assert.equal(registry.setDiscovered('unknown', toRecords('http://b:1')), undefined);
});

test('what is found between a plan and its commit is not lost, and comes with a newer version', async () => {
  const { registry, configuration } = await startWith({ a: ['http://a:1'] });
  const found = toRecords('http://b:1');
  registry.setDiscovered('a', found);
  const plan = registry.plan(configuration, new Map([['a', found]]));
  const meanwhile = registry.setDiscovered('a', toRecords('http://c:1'));
  const { a } = registry.commit(plan);
  assert.deepEqual(urls(a), ['http://a:1', 'http://c:1']);
  assert.ok(a!.version > meanwhile!.version && a!.version > plan.lists['a']!.version);
  assert.equal(registry.lists['a'], a);
});

test('records that a plan needs are not given away while it may still be committed', async () => {
  const { registry } = await startWith({ a: ['http://a:1'] });
  const plan = registry.plan(await load({ a: ['http://a:1', 'http://next:1'] }));
  const planned = plan.lists['a']!.records[1]!.slot;
  for (let i = 0; i < limits.endpointsMax; i++) {
    const [record] = registry.setDiscovered('a', toRecords(`http://x${i % 2}:1`))!.records.slice(1);
    assert.notEqual(record!.slot, planned);
  }
});

test('what does not fit on the board changes nothing', async () => {
  const { registry, configuration } = await startWith({ a: ['http://a:1'] });
  const before = registry.lists['a'];
  const many = Array.from({ length: limits.endpointsMax }, (_, i) => `http://h${i}:1`);
  assert.throws(() => registry.setDiscovered('a', toRecords(...many)), TooManyEndpoints);
  assert.equal(registry.lists['a'], before);
  assert.deepEqual(registry.plan(configuration).lists['a'], before);
});

test('what an operator has changed holds over configurations, for an endpoint that comes back too', async () => {
  const { registry, board, configuration } = await startWith({ a: ['http://a:1', 'http://b:1'] });
  registry.setChange('a', 'http://a:1', { ...noChange, isRemoved: true });
  registry.setChange('a', 'http://b:1', { ...noChange, weight: 7, isDraining: true });
  registry.commit(registry.plan(await load({ a: ['http://c:1'] })));
  assert.deepEqual(urls(registry.lists['a']), ['http://c:1']);
  registry.commit(registry.plan(configuration));
  const { records } = registry.lists['a']!;
  assert.deepEqual(
    records.map(({ weight }) => weight),
    [7],
  );
  assert.equal(board.hasFlag(records[0]!.slot, EndpointFlag.draining), true);
  registry.setChange('a', 'http://b:1', noChange);
  assert.equal(board.hasFlag(records[0]!.slot, EndpointFlag.draining), false);
});

for (const [what, found] of [
  ['other endpoints', ['http://x:1', 'http://y:1']],
  ['fewer endpoints', ['http://f:1']],
] as const) {
  test(`a plan is committed on a board that is nearly full, though ${what} were found meanwhile`, async () => {
    // Six places are taken, the plan takes one more, and one is left.
    const registry = new EndpointRegistry(EndpointBoard.withCapacity(8));
    const before = toRecords('http://f:1', 'http://g:1');
    const discovered = new Map([['a', before]]);
    registry.commit(registry.plan(await load({ a: ['http://old:1'], b: ['http://b:1'] }), discovered));
    const plan = registry.plan(await load({ a: ['http://new:1'], b: ['http://b:1'] }), discovered);
    if (found.length === 2) assert.throws(() => registry.setDiscovered('a', toRecords(...found)), TooManyEndpoints);
    else registry.setDiscovered('a', toRecords(...found));
    registry.commit(plan);
    assert.deepEqual(urls(registry.lists['a']), ['http://new:1', ...(found.length === 2 ? ['http://f:1', 'http://g:1'] : found)]);
    // What the configuration before had is free again.
    assert.deepEqual(urls(registry.setDiscovered('a', toRecords('http://z:1'))), ['http://new:1', 'http://z:1']);
  });
}
