/** Endpoints that are found are checked like those of the configuration, from the moment they come until they leave. */
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const PATIENCE_MS = 30_000;
/** No check fails because a machine stands still for a while. */
const health = { path: '/healthz', every: '100ms', timeout: '30s', unhealthyAfter: 1, healthyAfter: 1 };

/** An endpoint that counts what it is asked. */
async function startEndpoint(t: TestContext, name: string) {
  const counts = { checks: 0, requests: 0 };
  const state = { status: 200 };
  const upstream = await startRawUpstream((connection, chunk) => {
    const isCheck = chunk.startsWith('GET /healthz ');
    counts[isCheck ? 'checks' : 'requests'] += 1;
    connection.send(`HTTP/1.1 ${isCheck ? state.status : 200} Told\r\ncontent-length: ${name.length}\r\n\r\n${name}`);
  });
  t.after(() => upstream.close());
  return { url: upstream.url, counts, state };
}

async function startGateway(t: TestContext, threads: number, endpoint: string) {
  const file = join(await makeFolder(t), 'endpoints.yaml');
  const find = async (...urls: readonly string[]) => {
    await writeFile(`${file}~`, JSON.stringify(urls));
    await rename(`${file}~`, file);
  };
  await find();
  const gateway = await startTestGateway(
    {
      services: { main: { endpoints: [endpoint], discover: { file }, health, outliers: false } },
      routes: { all: { match: { path: '/*' }, to: 'main' } },
    },
    { threads },
  );
  t.after(() => gateway.stop());
  return { gateway, find };
}

function untilStates(gateway: TestGateway, ...expected: readonly string[]): Promise<void> {
  const states = () => gateway.control.describeHealth()[0]!.endpoints.map(({ state }) => state);
  return eventually(() => states().join() === expected.join(), `the states are ${expected}`);
}

async function askMany(gateway: TestGateway): Promise<Set<string>> {
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(gateway.port(), '/')));
  return new Set(answers.map(({ body }) => body));
}

/** Asks until this is what answers. */
async function untilServed(gateway: TestGateway, ...names: readonly string[]): Promise<void> {
  const givesUpMs = performance.now() + PATIENCE_MS;
  while (performance.now() < givesUpMs) if ([...(await askMany(gateway))].sort().join() === names.join()) return;
  assert.fail(`not all threads lead to ${names}`);
}

for (const threads of [0, 2]) {
  test(`an endpoint that is found is checked, taken out when it fails, and left alone when it has gone, with ${threads} threads`, async (t) => {
    const named = await startEndpoint(t, 'named');
    const found = await startEndpoint(t, 'found');
    const { gateway, find } = await startGateway(t, threads, named.url);
    await untilStates(gateway, 'healthy');
    assert.equal(found.counts.checks, 0);

    await find(found.url);
    await untilStates(gateway, 'healthy', 'healthy');
    await untilServed(gateway, 'found', 'named');

    found.state.status = 503;
    await untilStates(gateway, 'healthy', 'unhealthy');
    const { requests } = found.counts;
    for (let i = 0; i < 5; i++) assert.deepEqual([...(await askMany(gateway))], ['named']);
    assert.equal(found.counts.requests, requests);

    await find();
    await untilStates(gateway, 'healthy');
    const whenGone = { ...found.counts };
    const namedChecks = named.counts.checks;
    await eventually(() => named.counts.checks >= namedChecks + 5, 'the other one is checked on');
    // One may have been on its way.
    assert.ok(found.counts.checks <= whenGone.checks + 1, `${found.counts.checks} of ${whenGone.checks}`);

    // Nothing is remembered of it when it comes again.
    found.state.status = 200;
    await find(found.url);
    await untilStates(gateway, 'healthy', 'healthy');
    await untilServed(gateway, 'found', 'named');
  });
}

test('an endpoint that is found and fails its first check gets no request once that is known', async (t) => {
  const named = await startEndpoint(t, 'named');
  const found = await startEndpoint(t, 'found');
  found.state.status = 500;
  const { gateway, find } = await startGateway(t, 2, named.url);
  await find(found.url);
  await untilStates(gateway, 'healthy', 'unhealthy');
  const { requests } = found.counts;
  for (let i = 0; i < 5; i++) assert.deepEqual([...(await askMany(gateway))], ['named']);
  assert.equal(found.counts.requests, requests);
});

test('what is found is checked from its first answer on, where the configuration names nothing', async (t) => {
  const found = await startEndpoint(t, 'found');
  const file = join(await makeFolder(t), 'endpoints.yaml');
  await writeFile(file, JSON.stringify([found.url]));
  const services = { main: { discover: { file }, health } };
  const gateway = await startTestGateway({ services, routes: { all: { match: { path: '/*' }, to: 'main' } } });
  t.after(() => gateway.stop());
  await untilStates(gateway, 'healthy');
  assert.deepEqual([...(await askMany(gateway))], ['found']);
});
