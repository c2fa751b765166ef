import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { limits } from '#base/limits.ts';
import { eventually } from '#test/support/eventually.ts';
import { HealthService } from '#test/support/health-service.ts';
import { startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';
import { toRecords } from '#test/support/services.ts';

const INTERVAL_MS = 10_000;
/** A tick of the checks, and more. */
const TICKS_MS = 150;

/** An endpoint that answers as it is told to at the moment. */
async function startEndpoint(t: TestContext) {
  let onAsked: (connection: UpstreamConnection) => void = answerWith(200);
  const upstream = await startRawUpstream((connection) => onAsked(connection));
  t.after(() => upstream.close());
  return {
    url: upstream.url,
    get asked() {
      return upstream.connections.filter(({ received }) => received.includes('\r\n\r\n')).length;
    },
    connections: upstream.connections,
    answer(status: number) {
      onAsked = answerWith(status);
    },
    hang() {
      onAsked = () => {};
    },
  };
}

type Endpoint = Awaited<ReturnType<typeof startEndpoint>>;

function answerWith(status: number): (connection: UpstreamConnection) => void {
  return ({ send }) => send(`HTTP/1.1 ${status} Told\r\ncontent-length: 0\r\n\r\n`);
}

/** How many checks of all endpoints are over. */
function lastChecks(health: HealthService): string {
  return JSON.stringify(health.endpoints.map(({ lastCheck }) => lastCheck));
}

/** Lets the next check begin, and waits until it is over. */
async function checkOnce(health: HealthService): Promise<void> {
  const before = lastChecks(health);
  health.advance(INTERVAL_MS + TICKS_MS);
  await eventually(() => lastChecks(health) !== before, 'a check is over');
}

async function startChecked(t: TestContext): Promise<{ health: HealthService; endpoint: Endpoint }> {
  const endpoint = await startEndpoint(t);
  const health = new HealthService(t);
  health.follow(toRecords(endpoint.url));
  assert.deepEqual(health.states, ['unknown']);
  await eventually(() => health.states[0] === 'healthy', 'the first check has decided');
  return { health, endpoint };
}

test('an endpoint becomes unhealthy after failures in a row and healthy again after successes in a row', async (t) => {
  const { health, endpoint } = await startChecked(t);
  endpoint.answer(503);
  const seen: boolean[] = [];
  for (let i = 0; i < 3; i++) {
    await checkOnce(health);
    seen.push(health.isUnhealthy(1));
  }
  endpoint.answer(200);
  for (let i = 0; i < 2; i++) {
    await checkOnce(health);
    seen.push(health.isUnhealthy(1));
  }
  assert.deepEqual(seen, [false, false, true, true, false]);
  const fields = { service: 'orders', endpoint: `http://127.0.0.1:${new URL(endpoint.url).port}` };
  assert.deepEqual(health.events, [
    { message: 'endpoint is unhealthy', fields: { ...fields, reason: 'status 503' } },
    { message: 'endpoint is healthy', fields },
  ]);
});

test('an endpoint that fails its very first check is unhealthy at once', async (t) => {
  const endpoint = await startEndpoint(t);
  endpoint.answer(500);
  const health = new HealthService(t);
  health.follow(toRecords(endpoint.url));
  assert.equal(health.isUnhealthy(1), false);
  await eventually(() => health.isUnhealthy(1), 'the first check has decided');
});

test('a check that hangs ends by its timeout, and its connection with it', async (t) => {
  const { health, endpoint } = await startChecked(t);
  endpoint.hang();
  for (let i = 1; i <= 3; i++) {
    health.advance(INTERVAL_MS + TICKS_MS);
    await eventually(() => endpoint.asked === 1 + i, 'the endpoint is asked');
    health.advance(1_900);
    assert.equal(health.isUnhealthy(1), false);
    health.advance(2 * TICKS_MS);
    await eventually(() => endpoint.connections.every(({ socket }) => socket.closed), 'its connection is closed');
  }
  assert.equal(health.isUnhealthy(1), true);
  assert.deepEqual(health.events[0]!.fields!['reason'], 'no answer within 2000 ms');
  assert.ok(health.endpoints[0]!.lastCheck!.durationMs >= 2_000);
});

test('checks begin as often as they should, counted from the beginning of the one before', async (t) => {
  const { health, endpoint } = await startChecked(t);
  // The second check of an endpoint comes anywhere in the interval: in the middle of it, for this source of chance.
  health.advance(5_400);
  assert.equal(endpoint.asked, 1);
  health.advance(TICKS_MS + 100);
  await eventually(() => endpoint.asked === 2, 'the second check');
  await eventually(() => endpoint.connections.every(({ socket }) => socket.closed), 'it is over');
  health.advance(9_800);
  assert.equal(endpoint.connections.length, 2);
  health.advance(2 * TICKS_MS);
  await eventually(() => endpoint.asked === 3, 'the third check');
});

test('endpoints that stay keep their state, those that leave are not checked any more, new ones are at once', async (t) => {
  const { health, endpoint } = await startChecked(t);
  const other = await startEndpoint(t);
  endpoint.answer(503);
  for (let i = 0; i < 3; i++) await checkOnce(health);
  const [first, second] = toRecords(endpoint.url, other.url);
  health.follow([first!, second!]);
  assert.deepEqual(health.states, ['unhealthy', 'unknown']);
  await eventually(() => health.states[1] === 'healthy', 'the new one is checked');
  const { asked } = endpoint;
  health.follow([{ ...first!, weight: 7 }]);
  assert.deepEqual(health.states, ['unhealthy']);
  assert.equal(endpoint.asked, asked);
  health.follow([second!]);
  assert.deepEqual(health.states, ['unknown']);
  await eventually(() => health.states[0] === 'healthy', 'the other one is checked');
  for (let i = 0; i < 3; i++) await checkOnce(health);
  assert.equal(endpoint.asked, asked);
});

test('another way to check decides with its first check, and what was known stays until then', async (t) => {
  const { health, endpoint } = await startChecked(t);
  endpoint.answer(503);
  for (let i = 0; i < 3; i++) await checkOnce(health);
  health.follow(toRecords(endpoint.url), { probe: { kind: 'tcp' } });
  assert.equal(health.isUnhealthy(1), true);
  await eventually(() => !health.isUnhealthy(1), 'the check of another kind has decided');
});

test('nothing is held against endpoints that nobody checks any more', async (t) => {
  const { health, endpoint } = await startChecked(t);
  endpoint.answer(503);
  for (let i = 0; i < 3; i++) await checkOnce(health);
  health.uncheck(toRecords(endpoint.url));
  assert.equal(health.isUnhealthy(1), false);
  assert.deepEqual(health.states, ['unchecked']);
});

test('a check that is under way when its endpoint leaves says nothing of whoever has the record next', async (t) => {
  const { health, endpoint } = await startChecked(t);
  endpoint.hang();
  health.advance(INTERVAL_MS + TICKS_MS);
  await eventually(() => endpoint.asked === 2, 'the endpoint is asked');
  health.follow([]);
  await eventually(() => endpoint.connections.every(({ socket }) => socket.closed), 'the check is given up');
  for (let i = 0; i < 3; i++) health.advance(INTERVAL_MS);
  assert.equal(health.isUnhealthy(1), false);
  assert.deepEqual(health.events, []);
});

test('an endpoint that has recovered is not left out any longer for what it did before', async (t) => {
  const { health, endpoint } = await startChecked(t);
  endpoint.answer(503);
  for (let i = 0; i < 3; i++) await checkOnce(health);
  const ejectedForMs = () => health.board.ejectedForMs(1, health.clock.monotonicMs());
  health.board.eject(1, health.clock.monotonicMs() + 3_000_000);
  endpoint.answer(200);
  await checkOnce(health);
  assert.ok(ejectedForMs() > 0);
  await checkOnce(health);
  assert.equal(ejectedForMs(), 0);
});

test('an endpoint that flaps does not flood the log, and its last state is told', async (t) => {
  const endpoint = await startEndpoint(t);
  const health = new HealthService(t);
  health.follow(toRecords(endpoint.url), { unhealthyAfter: 1, healthyAfter: 1, everyMs: 1_000 });
  await eventually(() => health.states[0] === 'healthy', 'the first check has decided');
  const check = async () => {
    const before = lastChecks(health);
    health.advance(1_000 + TICKS_MS);
    await eventually(() => lastChecks(health) !== before, 'a check is over');
  };
  for (let i = 0; i < 41; i++) {
    endpoint.answer(i % 2 === 0 ? 503 : 200);
    await check();
  }
  assert.equal(health.events.length, 6);
  assert.equal(health.isUnhealthy(1), true);
  health.advance(60_000);
  await eventually(() => health.events.length === 7, 'the state is told');
  const { message, fields } = health.events[6]!;
  assert.equal(message, 'endpoint is unhealthy');
  assert.equal(fields!['changes'], 35);
});

test('no more checks run at once than may, and all come to their turn', async (t) => {
  const sockets: Socket[] = [];
  let isAnswering = false;
  const answer = (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    if (isAnswering) socket.once('data', () => answer(socket));
  });
  // Every address of 127.0.0.0/8 is this machine, so one server is many endpoints.
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const count = limits.healthChecksAtOnceMax + 20;
  const urls = Array.from({ length: count }, (_, i) => `http://127.0.${1 + (i >> 7)}.${1 + (i & 127)}:${port}`);
  const health = new HealthService(t);
  health.follow(toRecords(...urls));
  await eventually(() => sockets.length === limits.healthChecksAtOnceMax, 'as many run as may');
  // Connections are accepted in their order: any that was opened before this one would be there too.
  const own = connect(port, '127.0.0.1');
  await eventually(() => sockets.length > limits.healthChecksAtOnceMax, 'the server has accepted another connection');
  assert.equal(sockets.length, limits.healthChecksAtOnceMax + 1);
  own.destroy();
  isAnswering = true;
  for (const socket of sockets) answer(socket);
  await eventually(() => sockets.length === count + 1, 'the others run');
  await eventually(() => health.states.every((state) => state === 'healthy'), 'all have been checked');
});
