import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { silentLogger } from '#base/logger.ts';
import { runAtOnce, runInSlices } from '#base/slices.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import type { Configuration } from '#config/configuration.ts';
import { loadConfigurationValue } from '#config/load.ts';
import { Mirrors } from '#forward/mirrors.ts';
import { FrameMemory } from '#http/frame-memory.ts';
import { TurnEnd } from '#http/turn-end.ts';
import { NameResolver } from '#net/name-resolver.ts';
import { ReadBuffers } from '#net/read-buffers.ts';
import { definePolicy, type PolicyDefinition } from '#pipeline/policy.ts';
import { policyDefinitions, policyOrder } from '#policies/registry.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import { arrive } from '#test/support/arrive.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { noGateway } from '#test/support/no-gateway.ts';
import { createPolicyServices } from '#test/support/policy-services.ts';
import { compileSnapshot, type SnapshotMeans } from './compile.ts';
import type { Snapshot } from './snapshot.ts';

const clock = new FakeClock();
const set = (value: string) => ({ headers: { request: { set: { 'x-level': value } } } });

function meansWith(texts: Readonly<Record<string, string>> = {}): SnapshotMeans {
  const resolver = new NameResolver({ servers: [], ttlMinMs: 0, ttlMaxMs: 0 }, clock);
  const wheel = new TimerWheel(clock);
  return {
    ...createPolicyServices({ clock }),
    ...noGateway,
    mirrors: new Mirrors({ clock, wheel, logger: silentLogger }),
    wheel,
    resolver,
    buffers: new ReadBuffers(),
    frames: new FrameMemory(),
    turnEnd: new TurnEnd(),
    findFunction: () => () => undefined,
    findCounter: () => undefined,
    policies: policyDefinitions,
    texts,
    board: new EndpointBoard(),
    random: () => 0.5,
    endpoints: {},
  };
}

async function load(parts: object): Promise<Configuration> {
  const value = { version: 1, listeners: { web: { address: ':8080' }, other: { address: ':8081' } }, ...parts };
  const { configuration, issues } = await loadConfigurationValue(value, '/', { policies: policyOrder, env: {} });
  assert.deepEqual(issues, []);
  return configuration!;
}

function policiesOf(snapshot: Snapshot, listener: string): readonly string[] {
  const subject = { listener, host: 'x', path: '/', query: '', method: 'GET', fields: [], clientAddress: '127.0.0.1' };
  const { routeIndex } = snapshot.table.lookup(subject)!;
  return snapshot.plans.planFor(routeIndex, listener).policies.map(({ name }) => name);
}

test('a service whose times and further attempts change keeps its connections', async () => {
  const services = (more: object) => ({ services: { a: { endpoints: ['http://a:1'], ...more } } });
  const means = meansWith();
  const before = runAtOnce(compileSnapshot(arrive(await load(services({}))), undefined, means));
  const changed = services({ timeouts: { firstByte: '9s', attempt: '20s' }, retry: false, hedge: { after: 'p95' } });
  const after = runAtOnce(compileSnapshot(arrive(await load(changed)), before, means));
  assert.equal(after.services.get('a'), before.services.get('a'));
});

test('a service that is the same keeps what it has; one that changed is made anew', async () => {
  const services = (timeout: string) => ({
    services: { same: { endpoints: ['http://a:1'] }, other: { endpoints: ['http://b:1'], timeouts: { connect: timeout } } },
  });
  const means = meansWith();
  const before = runAtOnce(compileSnapshot(arrive(await load(services('1s'))), undefined, means));
  const after = runAtOnce(compileSnapshot(arrive(await load(services('2s'))), before, means));
  assert.equal(after.services.get('same'), before.services.get('same'));
  assert.notEqual(after.services.get('other'), before.services.get('other'));
});

test('a service whose certificate authority has new contents is made anew', async () => {
  const configuration = await load({ services: { a: { endpoints: ['https://a'], tls: { ca: '/ca.pem' } } } });
  const before = runAtOnce(compileSnapshot(arrive(configuration), undefined, meansWith({ '/ca.pem': 'one' })));
  const same = runAtOnce(compileSnapshot(arrive(configuration), before, meansWith({ '/ca.pem': 'one' })));
  const renewed = runAtOnce(compileSnapshot(arrive(configuration), before, meansWith({ '/ca.pem': 'two' })));
  assert.equal(same.services.get('a'), before.services.get('a'));
  assert.notEqual(renewed.services.get('a'), before.services.get('a'));
});

const route = (policies?: object) => ({
  all: { match: { path: '/*' }, to: { respond: { text: 'x' } }, ...(policies && { policies }) },
});

const levels: readonly { title: string; parts: object; web: string[]; other: string[] }[] = [
  {
    title: 'policies of the gateway hold everywhere',
    parts: { policies: set('g'), routes: route() },
    web: ['headers'],
    other: ['headers'],
  },
  {
    title: 'policies of a listener hold for its requests alone',
    parts: { listeners: { web: { address: ':1', policies: set('l') }, other: { address: ':2' } }, routes: route() },
    web: ['headers'],
    other: [],
  },
  {
    title: 'a listener can switch a policy of the gateway off',
    parts: {
      policies: set('g'),
      listeners: { web: { address: ':1', policies: { headers: false } }, other: { address: ':2' } },
      routes: route(),
    },
    web: [],
    other: ['headers'],
  },
  {
    title: 'a route has the last word, also against its listener',
    parts: {
      policies: set('g'),
      listeners: { web: { address: ':1', policies: { headers: false } }, other: { address: ':2' } },
      routes: route(set('r')),
    },
    web: ['headers'],
    other: ['headers'],
  },
  {
    title: 'a route can switch everything off',
    parts: { policies: set('g'), routes: route({ headers: false }) },
    web: [],
    other: [],
  },
];

for (const { title, parts, web, other } of levels) {
  test(title, async () => {
    const snapshot = runAtOnce(compileSnapshot(arrive(await load(parts)), undefined, meansWith()));
    assert.deepEqual(policiesOf(snapshot, 'web'), web);
    assert.deepEqual(policiesOf(snapshot, 'other'), other);
  });
}

test('policies run in the order of the registry, not in that of the configuration', async () => {
  const parts = {
    routes: { a: { match: { path: '/*' }, to: { respond: { text: 'x' } }, policies: { ...set('r'), rewrite: { query: '' } } } },
  };
  const snapshot = runAtOnce(compileSnapshot(arrive(await load(parts)), undefined, meansWith()));
  assert.deepEqual(policiesOf(snapshot, 'web'), ['rewrite', 'headers']);
});

/** A policy that counts for whom it was made. */
function createCounting(made: string[]): PolicyDefinition {
  return definePolicy({
    name: 'counted',
    summary: 'Counts.',
    loadConfig: async () => z.strictObject({ at: z.string() }),
    errors: {},
    create({ at }) {
      if (at === 'broken') throw new TypeError('inside');
      made.push(at);
      return {};
    },
  }) as PolicyDefinition;
}

test('policies of gateway and listeners are made at once, those of a route when it is first asked for', async () => {
  const made: string[] = [];
  const policy = createCounting(made);
  const at = (place: string) => ({ counted: { at: place } });
  const to = { respond: { text: 'x' } };
  const value = {
    version: 1,
    listeners: { web: { address: ':8080', policies: at('web') }, off: { address: ':8081', policies: { counted: false } } },
    policies: at('gateway'),
    routes: { own: { match: { path: '/own' }, policies: at('own'), to }, inherits: { match: { path: '/*' }, to } },
  };
  const { configuration, issues } = await loadConfigurationValue(value, '/', { policies: [policy], env: {} });
  assert.deepEqual(issues, []);
  const { plans } = runAtOnce(compileSnapshot(arrive(configuration!), undefined, { ...meansWith(), policies: [policy] }));
  assert.deepEqual(made, ['gateway', 'web']);
  const [own, inherits] = [0, 1].map((index) => ['web', 'off', 'third'].map((listener) => plans.planFor(index, listener)));
  assert.deepEqual(made, ['gateway', 'web', 'own']);
  assert.deepEqual(
    inherits!.map(({ policies }) => policies.length),
    [1, 0, 1],
  );
  // One policy for all listeners of a route, and one plan for all requests.
  assert.equal(own![0]!.policies[0]!.phases, own![2]!.policies[0]!.phases);
  assert.equal(plans.planFor(0, 'web'), own![0]);
  assert.equal(plans.planFor(1, 'third').routeName, 'inherits');
});

test('a policy that fails when it is made fails each request of its route, and no other', async () => {
  const policy = createCounting([]);
  const to = { respond: { text: 'x' } };
  const routes = {
    bad: { match: { path: '/bad' }, policies: { counted: { at: 'broken' } }, to },
    good: { match: { path: '/*' }, to },
  };
  const value = { version: 1, listeners: { web: { address: ':8080' } }, routes };
  const { configuration } = await loadConfigurationValue(value, '/', { policies: [policy], env: {} });
  const { plans } = runAtOnce(compileSnapshot(arrive(configuration!), undefined, { ...meansWith(), policies: [policy] }));
  for (let asked = 0; asked < 2; asked += 1) assert.throws(() => plans.planFor(0, 'web'), TypeError);
  assert.equal(plans.planFor(1, 'web').routeName, 'good');
});

test('making services yields often, and others run between its slices', async () => {
  const services = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`s${i}`, { endpoints: ['http://a:1'] }]));
  const configuration = await load({ services });
  let others = 0;
  const another = setInterval(() => {
    others += 1;
  });
  // Each look at this clock costs a slice's time.
  const hurrying = {
    monotonicMs() {
      clock.advance(2);
      return clock.monotonicMs();
    },
    wallMs: () => clock.wallMs(),
  };
  const snapshot = await runInSlices(compileSnapshot(arrive(configuration), undefined, meansWith()), hurrying);
  clearInterval(another);
  assert.equal(snapshot.services.size, 500);
  assert.ok(others > 0);
});
