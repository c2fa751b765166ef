/** Endpoints that fail and recover, before gateways with several threads: all of them follow, and clients are spared. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import type { EndpointHealth } from '#services/health/service-health.ts';
import { readAnswers } from '#test/support/answers.ts';
import { ask } from '#test/support/ask.ts';
import { EndpointProcess } from '#test/support/endpoint-process.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess } from '#test/support/gatehouse-process.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];

const routes: GatewayInput['routes'] = { all: { match: { path: '/*' }, to: 'main' } };
/** Whoever is there answers in this time, also on a machine that has much else to do. */
const CHECK_MS = 5_000;
const quick = { every: '100ms', timeout: `${CHECK_MS}ms`, unhealthyAfter: 1, healthyAfter: 1 };
/** So many connections hardly all go to the same of two threads. */
const CLIENTS = 16;

async function startGateway(t: TestContext, service: ServiceInput, threads = 2): Promise<TestGateway> {
  const gateway = await startTestGateway({ services: { main: { outliers: false, ...service } }, routes }, { threads });
  t.after(() => gateway.stop());
  return gateway;
}

/** An endpoint in this process that tells checks from requests. */
async function startEndpoint(t: TestContext, name: string) {
  let status = 200;
  let requestCount = 0;
  const upstream = await startRawUpstream((connection: UpstreamConnection, chunk) => {
    if (chunk.startsWith('GET /healthz ')) return connection.send(`HTTP/1.1 ${status} Told\r\ncontent-length: 0\r\n\r\n`);
    requestCount += 1;
    return connection.send(`HTTP/1.1 ${status} Told\r\ncontent-length: ${name.length}\r\n\r\n${name}`);
  });
  t.after(() => upstream.close());
  return {
    url: upstream.url,
    get requestCount() {
      return requestCount;
    },
    become(next: number) {
      status = next;
    },
  };
}

async function openClients(t: TestContext, port: number): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.open(port)));
  t.after(() => clients.forEach((client) => void client.close()));
  return clients;
}

/** One request over each connection, all at once. What was answered, without the heads. */
async function askAll(clients: readonly RawClient[]): Promise<string[]> {
  return Promise.all(
    clients.map(async (client) => {
      client.take();
      client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      for (;;) {
        const [answer] = readAnswers(client.received).answers;
        if (answer !== undefined) return answer.status === 200 ? answer.body : String(answer.status);
        const { length } = client.received;
        await eventually(() => client.received.length > length || client.hasEnded, 'more is answered');
        assert.ok(!client.hasEnded, 'the gateway keeps its connections');
      }
    }),
  );
}

function statesOf(gateway: TestGateway): EndpointHealth['state'][] {
  return gateway.control.describeHealth().flatMap(({ endpoints }) => endpoints.map(({ state }) => state));
}

function untilStates(gateway: TestGateway, ...expected: EndpointHealth['state'][]): Promise<void> {
  return eventually(() => statesOf(gateway).join() === expected.join(), `the states are ${expected}`);
}

test('from the moment at which an endpoint is unhealthy, no thread gives it another request', async (t) => {
  const [one, other] = [await startEndpoint(t, 'one'), await startEndpoint(t, 'other')];
  const gateway = await startGateway(t, { endpoints: [one.url, other.url], health: { path: '/healthz', ...quick } });
  const clients = await openClients(t, gateway.port());
  await untilStates(gateway, 'healthy', 'healthy');
  assert.deepEqual(new Set(await askAll(clients)), new Set(['one', 'other']));
  one.become(503);
  await untilStates(gateway, 'unhealthy', 'healthy');
  const before = one.requestCount;
  for (let i = 0; i < 5; i++) assert.deepEqual(new Set(await askAll(clients)), new Set(['other']));
  assert.equal(one.requestCount, before);
  one.become(200);
  await untilStates(gateway, 'healthy', 'healthy');
  assert.deepEqual(new Set(await askAll(clients)), new Set(['one', 'other']));
});

test('an endpoint that is killed, stopped and started again is left alone while it is not there', async (t) => {
  const [one, other] = [await EndpointProcess.start(t, 'one'), await EndpointProcess.start(t, 'other')];
  const gateway = await startGateway(t, { endpoints: [one.url, other.url], health: { path: '/healthz', ...quick } });
  const clients = await openClients(t, gateway.port());
  const reasonOf = (index: number) => gateway.control.describeHealth()[0]!.endpoints[index]!.lastCheck!.reason;
  const assertServedBy = async (...names: string[]) => assert.deepEqual(new Set(await askAll(clients)), new Set(names));
  await untilStates(gateway, 'healthy', 'healthy');
  await assertServedBy('one', 'other');

  await one.kill();
  await untilStates(gateway, 'unhealthy', 'healthy');
  await eventually(() => reasonOf(0) === 'ECONNREFUSED', 'nobody listens any more');
  await assertServedBy('other');
  await one.start();
  await untilStates(gateway, 'healthy', 'healthy');
  await assertServedBy('one', 'other');

  one.halt();
  await untilStates(gateway, 'unhealthy', 'healthy');
  assert.equal(reasonOf(0), `no answer within ${CHECK_MS} ms`);
  await assertServedBy('other');
  one.proceed();
  await untilStates(gateway, 'healthy', 'healthy');
  await assertServedBy('one', 'other');
});

test('an endpoint that flaps takes no request while it is away, and the other one answers all', async (t) => {
  const [one, other] = [await EndpointProcess.start(t, 'one'), await EndpointProcess.start(t, 'other')];
  const gateway = await startGateway(t, { endpoints: [one.url, other.url], health: { path: '/', ...quick } });
  const clients = await openClients(t, gateway.port());
  for (let round = 0; round < 6; round++) {
    await untilStates(gateway, 'healthy', 'healthy');
    await one.kill();
    await untilStates(gateway, 'unhealthy', 'healthy');
    assert.deepEqual(new Set(await askAll(clients)), new Set(['other']));
    await one.start();
  }
  await untilStates(gateway, 'healthy', 'healthy');
  const lines = gateway.events.filter(({ message }) => /^endpoint is/.test(message));
  // Six at once, and one a minute.
  assert.ok(lines.length >= 6 && lines.length <= 8, `the log has ${lines.length} lines for twelve changes`);
});

test('a reload keeps what is known of endpoints that stay, and forgets it with the checks', async (t) => {
  const [one, other] = [await startEndpoint(t, 'one'), await startEndpoint(t, 'other')];
  one.become(500);
  const service: ServiceInput = { endpoints: [one.url, other.url], outliers: false };
  const health = { path: '/healthz', every: '1h', timeout: '1m' };
  const gateway = await startGateway(t, { ...service, health });
  await untilStates(gateway, 'unhealthy', 'healthy');
  const before = gateway.control.describeHealth();
  assert.deepEqual(await gateway.reconfigure({ services: { main: { ...service, health } }, routes: { ...routes } }), []);
  assert.deepEqual(gateway.control.describeHealth(), before);
  const clients = await openClients(t, gateway.port());
  assert.deepEqual(new Set(await askAll(clients)), new Set(['other']));
  assert.deepEqual(await gateway.reconfigure({ services: { main: service }, routes }), []);
  assert.deepEqual(statesOf(gateway), ['unchecked', 'unchecked']);
  assert.deepEqual(new Set(await askAll(clients)), new Set(['500', 'other']));
});

test('a gateway that ends leaves no check behind', async (t) => {
  const upstream = await startRawUpstream(() => {});
  t.after(() => upstream.close());
  const gateway = await startGateway(t, { endpoints: [upstream.url], health: { path: '/healthz', timeout: '1m' } }, 0);
  await eventually(() => upstream.connections.some(({ received }) => received !== ''), 'a check is under way');
  await gateway.stop();
  await eventually(() => upstream.connections.every(({ socket }) => socket.closed), 'its connection is closed');
});

test('failures that several threads see are counted together, and the log has one line for the ejection', async (t) => {
  const [one, other] = [await startEndpoint(t, 'one'), await startEndpoint(t, 'other')];
  one.become(503);
  const services = { main: { endpoints: [one.url, other.url], outliers: { consecutiveFailures: 30, ejection: '1m' } } };
  const gatehouse = await GatehouseProcess.start(t, { threads: 2, services, routes });
  const clients = await openClients(t, gatehouse.port());
  // One after the other, so that no attempt is under way when the last failure is counted.
  for (let i = 0; one.requestCount < 30; i++) await askAll([clients[i % CLIENTS]!]);
  const { service, endpoint, reason, failures, durationMs } = await gatehouse.nextEvent('endpoint ejected');
  assert.deepEqual(
    { service, endpoint, reason, failures, durationMs },
    { service: 'main', endpoint: one.url, reason: 'failures in a row', failures: 30, durationMs: 60_000 },
  );
  for (let i = 0; i < 3; i++) assert.deepEqual(new Set(await askAll(clients)), new Set(['other']));
  assert.equal(one.requestCount, 30);
  assert.equal(gatehouse.events.filter(({ message }) => message === 'endpoint ejected').length, 1);
});

test('a killed endpoint without checks costs a few requests and then none', async (t) => {
  const [one, other] = [await EndpointProcess.start(t, 'one'), await EndpointProcess.start(t, 'other')];
  const services = { main: { endpoints: [one.url, other.url] } };
  const gatehouse = await GatehouseProcess.start(t, { threads: 2, services, routes });
  await one.kill();
  let failed = 0;
  for (let i = 0; i < 200; i++) if ((await ask(gatehouse.port(), '/')).status !== 200) failed += 1;
  assert.ok(failed <= 5, `${failed} of 200 requests failed`);
  await gatehouse.nextEvent('endpoint ejected');
});
