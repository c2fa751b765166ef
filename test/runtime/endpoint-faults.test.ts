// Endpoints that are killed, restarted and stopped while requests go on. The endpoints are processes.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { SteadyLoad } from '#test/support/steady-load.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';
import { UpstreamProcess } from '#test/support/upstream-process.ts';

const CLIENTS = 12;

type ServiceInput = Partial<NonNullable<GatewayInput['services']>[string]>;

async function start(
  t: TestContext,
  settings: ServiceInput = {},
): Promise<{ gateway: TestGateway; endpoints: readonly UpstreamProcess[]; load: SteadyLoad }> {
  const endpoints = await Promise.all([UpstreamProcess.start(t), UpstreamProcess.start(t), UpstreamProcess.start(t)]);
  const gateway = await startTestGateway({
    services: { main: { ...settings, endpoints: endpoints.map(({ url }) => url) } },
    routes: { all: { match: {}, to: 'main' } },
  });
  t.after(() => gateway.stop());
  return { gateway, endpoints, load: new SteadyLoad(gateway.port(), CLIENTS) };
}

test('no safe request fails when one of three endpoints is killed', async (t) => {
  const { gateway, endpoints, load } = await start(t);
  await load.forMore(200);
  await endpoints[1]!.end('SIGKILL');
  await load.forMore(600);
  assert.deepEqual(await load.end(), {});
  const lines = await gateway.stop();
  assert.ok(
    lines.some(({ attempts }) => Number(attempts) > 1),
    'some have met the dead endpoint',
  );
});

test('without further attempts and ejections, requests meet the endpoint that was killed', async (t) => {
  const { endpoints, load } = await start(t, { retry: false, outliers: false });
  await load.forMore(200);
  assert.deepEqual([...load.outcomes.keys()], ['200']);
  await endpoints[1]!.end('SIGKILL');
  await load.forMore(200);
  const failures = await load.end();
  assert.deepEqual(Object.keys(failures), ['502']);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`no safe request fails while all endpoints are restarted one after the other (${signal})`, async (t) => {
    const { gateway, endpoints, load } = await start(t);
    for (const endpoint of endpoints) {
      await load.forMore(100);
      await endpoint.end(signal);
      await load.forMore(100);
      await endpoint.start();
    }
    await load.forMore(100);
    assert.deepEqual(await load.end(), {});
    await gateway.stop();
  });
}

test('endpoints that were restarted are asked again, at once where nobody ejects them', async (t) => {
  const { gateway, endpoints, load } = await start(t, { outliers: false });
  for (const endpoint of endpoints) {
    await load.forMore(100);
    await endpoint.end('SIGKILL');
    await load.forMore(100);
    await endpoint.start();
  }
  await load.forMore(100);
  assert.deepEqual(await load.end(), {});
  const lines = await gateway.stop();
  const last = lines.slice(-60).map(({ endpoint }) => endpoint);
  for (const { url } of endpoints) assert.ok(last.includes(url), `${url} is asked again`);
});

test('requests go elsewhere when an endpoint stands still and attempts have a time', async (t) => {
  // Longer than those that go on have to wait for the processor.
  const { gateway, endpoints, load } = await start(t, { timeouts: { attempt: '3s' } });
  await load.forMore(100);
  endpoints[2]!.signal('SIGSTOP');
  await load.forMore(60);
  assert.deepEqual(await load.end(), {});
  const lines = await gateway.stop();
  const tried = lines.flatMap((line) => (line['tried'] ?? []) as Record<string, unknown>[]);
  const atStopped = tried.filter(({ endpoint }) => endpoint === endpoints[2]!.url).map(({ outcome }) => outcome);
  assert.deepEqual([...new Set(atStopped)], ['GH_UPSTREAM_ATTEMPT_TIMEOUT']);
});
