/** A thread that has more to do than it can refuses requests of the least important routes, and nothing when it is over. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const ROUND_MS = 150;
/** Far above what another program on the machine makes of a loop that has nothing to do. */
const DELAY = '50ms';
/** The threshold falls in steps, each a tenth of a second. */
const CALM_WITHIN_MS = 120_000;

/** Keeps this thread busy: each round of its event loop takes so long. */
function keepBusy(t: TestContext): () => void {
  let isBusy = true;
  const round = () => {
    const endMs = performance.now() + ROUND_MS;
    while (performance.now() < endMs);
    if (isBusy) setImmediate(round);
  };
  const end = () => {
    isBusy = false;
  };
  t.after(end);
  setImmediate(round);
  return end;
}

async function start(t: TestContext, input: Partial<GatewayInput>) {
  const upstream = await startRawUpstream((connection) => connection.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
  t.after(() => upstream.close());
  const gateway = await startTestGateway({
    services: { it: { endpoints: [upstream.url] } },
    routes: {
      vital: { match: { path: '/vital' }, importance: 'critical', to: 'it' },
      idle: { match: { path: '/idle' }, importance: 'low', to: 'it' },
      fixed: { match: { path: '/fixed' }, to: { respond: { text: 'ok' } } },
    },
    policies: { headers: { response: { set: { 'x-gateway': 'here' } } } },
    ...input,
  });
  t.after(() => gateway.stop());
  return gateway;
}

test('requests of routes with low importance are refused while the thread is behind, others and fixed answers not', async (t) => {
  const gateway = await start(t, { overload: { delay: DELAY } });
  const statusOf = async (path: string) => (await ask(gateway.port(), path)).status;
  const end = keepBusy(t);
  let refused = await ask(gateway.port(), '/idle');
  for (let i = 0; i < 100 && refused.status !== 503; i++) refused = await ask(gateway.port(), '/idle');
  assert.deepEqual([refused.status, JSON.parse(refused.body).code], [503, 'GH_GATEWAY_OVERLOADED']);
  assert.deepEqual([refused.headers['retry-after'], refused.headers['x-gateway']], ['1', 'here']);
  for (let i = 0; i < 2; i++) assert.deepEqual(await Promise.all(['/vital', '/fixed'].map(statusOf)), [200, 200]);
  end();
  const calm = async () => {
    for (let i = 0; i < 20; i++) if ((await statusOf('/idle')) !== 200) return false;
    return true;
  };
  const untilMs = performance.now() + CALM_WITHIN_MS;
  let isCalm = false;
  while (!isCalm && performance.now() < untilMs) isCalm = await calm();
  assert.ok(isCalm);
  const [told] = gateway.events;
  assert.deepEqual([told!.level, told!.message], ['warn', 'thread overloaded']);
  // What is refused is no fault that somebody has to look into.
  assert.ok(gateway.events.every(({ message }) => message !== 'exchange failed'));
  const lines = await gateway.stop();
  const line = lines.find(({ status }) => status === 503)!;
  assert.deepEqual([line['route'], line['code']], ['idle', 'GH_GATEWAY_OVERLOADED']);
});

test('without `overload`, or when a reload has taken it away, nothing is refused', async (t) => {
  const gateway = await start(t, { overload: { delay: DELAY } });
  const routes = { idle: { match: { path: '/idle' }, to: 'it' } };
  const upstream = await startRawUpstream((connection) => connection.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
  t.after(() => upstream.close());
  assert.deepEqual(await gateway.reconfigure({ services: { it: { endpoints: [upstream.url] } }, routes }), []);
  const end = keepBusy(t);
  for (let i = 0; i < 5; i++) assert.equal((await ask(gateway.port(), '/idle')).status, 200);
  end();
});
