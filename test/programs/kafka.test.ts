/** The access log on its way to the cluster that librdkafka has for tests, from which kcat reads what has arrived. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { GatehouseProcess } from '#test/support/gatehouse-process.ts';
import { BrokerRelay, KafkaCluster } from '#test/support/kafka-cluster.ts';
import { needs } from '#test/support/programs.ts';

const installed = needs('kcat');
const routes: GatewayInput['routes'] = { all: { match: { path: '/*' }, to: { respond: { text: 'here' } } } };

function start(t: TestContext, accessLog: object, more: Partial<GatewayInput> = {}): Promise<GatehouseProcess> {
  return GatehouseProcess.start(t, { routes, accessLog: { flushEvery: '10ms', ...accessLog }, ...more });
}

function toTargets(lines: readonly string[]): string[] {
  return lines.map((line) => (JSON.parse(line) as { target: string }).target);
}

function listTargets(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `/${name}-${i}`);
}

for (const threads of [0, 2])
  test(`each line is a message, with ${threads} data threads`, installed, async (t) => {
    const cluster = await KafkaCluster.start(t);
    const gatehouse = await start(t, { to: { kafka: { brokers: [cluster.broker], topic: 'logs' } } }, { threads });
    const targets = listTargets('line', 20);
    for (const target of targets) await ask(gatehouse.port(), target);
    assert.deepEqual(toTargets(await cluster.readUntil('logs', 20)).sort(), targets.sort());
    assert.equal(gatehouse.stderr, '');
  });

for (const [compression, acks] of [
  ['none', 'all'],
  ['gzip', 'leader'],
  ['zstd', 'all'],
] as const)
  test(`kcat reads batches with compression: ${compression} that are sent with acks: ${acks}`, installed, async (t) => {
    const cluster = await KafkaCluster.start(t);
    const kafka = { brokers: [cluster.broker], topic: 'some.other-topic_1', compression, acks };
    const filling = 'x'.repeat(10_000);
    const gatehouse = await start(t, { to: { kafka }, fields: ['target', { filling }] });
    const targets = listTargets('line', 5);
    for (const target of targets) await ask(gatehouse.port(), target);
    const lines = await cluster.readUntil(kafka.topic, targets.length);
    assert.deepEqual(lines.sort(), targets.map((target) => JSON.stringify({ target, filling })).sort());
    gatehouse.signal('SIGTERM');
    assert.equal((await gatehouse.ended).exitCode, 0);
    assert.equal(gatehouse.stderr, '');
  });

test('nobody has to confirm what is sent', installed, async (t) => {
  const cluster = await KafkaCluster.start(t);
  const gatehouse = await start(t, { to: { kafka: { brokers: [cluster.broker], topic: 'logs', acks: 'none' } } });
  await ask(gatehouse.port(), '/line');
  assert.deepEqual(toTargets(await cluster.readUntil('logs', 1)), ['/line']);
});

test('lines in a format of their own, and longer than a batch, arrive whole', installed, async (t) => {
  const cluster = await KafkaCluster.start(t);
  const kafka = { brokers: [cluster.broker], topic: 'logs', maxBatch: '1KiB' };
  const filling = 'x'.repeat(3_000);
  const gatehouse = await start(t, { to: { kafka }, format: { template: `\${target} ${filling}` }, flushEvery: '1s' });
  const targets = listTargets('line', 30);
  await Promise.all(targets.map((target) => ask(gatehouse.port(), target)));
  const lines = await cluster.readUntil('logs', 30);
  assert.deepEqual(lines.sort(), targets.map((target) => `${target} ${filling}`).sort());
});

test('brokers that come later get what was logged before', installed, async (t) => {
  const relay = await BrokerRelay.start(t);
  const gatehouse = await start(t, { to: { kafka: { brokers: [relay.address], topic: 'logs' } } });
  const targets = listTargets('early', 10);
  for (const target of targets) await ask(gatehouse.port(), target);
  const told = await gatehouse.nextEvent('access log cannot be sent');
  assert.deepEqual([told['to'], told['lines']], ['kafka', 0]);
  const cluster = await KafkaCluster.start(t);
  relay.target = cluster.broker;
  assert.deepEqual(toTargets(await cluster.readUntil('logs', 10)).sort(), targets.sort());
});

test('what is logged while the brokers are gone goes to those that come after them', installed, async (t) => {
  const relay = await BrokerRelay.start(t);
  const first = await KafkaCluster.start(t);
  relay.target = first.broker;
  const gatehouse = await start(t, { to: { kafka: { brokers: [relay.address], topic: 'logs' } } });
  await ask(gatehouse.port(), '/before');
  await first.readUntil('logs', 1);
  relay.target = undefined;
  await first.end();
  const targets = listTargets('meanwhile', 10);
  for (const target of targets) await ask(gatehouse.port(), target);
  await gatehouse.nextEvent('access log cannot be sent');
  const second = await KafkaCluster.start(t);
  relay.target = second.broker;
  assert.deepEqual(toTargets(await second.readUntil('logs', 10)).sort(), targets.sort());
});

test('of two brokers, one that refuses is of no matter', installed, async (t) => {
  const cluster = await KafkaCluster.start(t);
  const away = await BrokerRelay.start(t);
  const gatehouse = await start(t, { to: { kafka: { brokers: [away.address, cluster.broker], topic: 'logs' } } });
  await ask(gatehouse.port(), '/line');
  assert.deepEqual(toTargets(await cluster.readUntil('logs', 1)), ['/line']);
});

test('a reload that changes the topic loses no line', installed, async (t) => {
  const cluster = await KafkaCluster.start(t);
  const toSettings = (topic: string) => ({ flushEvery: '10ms', to: { kafka: { brokers: [cluster.broker], topic } } });
  const gatehouse = await start(t, toSettings('before'), { threads: 2 });
  const [before, after] = [listTargets('before', 50), listTargets('after', 50)];
  await Promise.all(before.map((target) => ask(gatehouse.port(), target)));
  await gatehouse.reconfigure({ routes, accessLog: toSettings('after'), threads: 2 });
  await Promise.all(after.map((target) => ask(gatehouse.port(), target)));
  assert.deepEqual(toTargets(await cluster.readUntil('before', 50)).sort(), before.sort());
  assert.deepEqual(toTargets(await cluster.readUntil('after', 50)).sort(), after.sort());
});

test('what was collected when the gateway stops arrives before it ends', installed, async (t) => {
  const cluster = await KafkaCluster.start(t);
  const accessLog = { to: { kafka: { brokers: [cluster.broker], topic: 'logs' } }, flushEvery: '1m' };
  const gatehouse = await start(t, accessLog, { threads: 2 });
  const targets = listTargets('last', 20);
  await Promise.all(targets.map((target) => ask(gatehouse.port(), target)));
  gatehouse.signal('SIGTERM');
  assert.equal((await gatehouse.ended).exitCode, 0);
  assert.deepEqual(toTargets(await cluster.read('logs')).sort(), targets.sort());
});
