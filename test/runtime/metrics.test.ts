/** What `/metrics` says of endpoints that run, fail and drain, whichever thread has seen it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { EndpointFlag } from '#services/endpoint-board.ts';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { eventuallyAnswers } from '#test/support/eventually.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const ASKED = 20;

test('metrics have the states of endpoints, and what all threads have seen of budgets', async (t) => {
  const upstream = await startRawUpstream((connection) =>
    connection.send('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n'),
  );
  t.after(() => upstream.close());
  const gateway = await startTestGateway(
    {
      admin: { address: '127.0.0.1:0' },
      services: {
        orders: {
          endpoints: [upstream.url],
          outliers: false,
          retry: { on: [503], budget: { ratio: '0%', minPerSecond: 0 } },
        },
        stock: { endpoints: ['http://a:1', 'http://b:1'] },
      },
      routes: { all: { match: { path: '/*' }, to: 'orders' } },
    },
    { threads: 2 },
  );
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const { port } = started.admin;
  for (let i = 0; i < ASKED; i++) assert.equal((await ask(gateway.port(), '/')).status, 503);
  const { board } = gateway.control;
  // One endpoint of the first service and the service itself come before.
  board.eject(3, systemClock.monotonicMs() + 60_000);
  board.setFlag(4, EndpointFlag.draining, true);
  const { headers, body } = await ask(port, '/metrics');
  assert.equal(headers['content-type'], 'text/plain; version=0.0.4');
  for (const line of [
    `gatehouse_retry_budget_exhausted_total{service="orders"} ${ASKED}`,
    'gatehouse_service_endpoints{service="stock",state="available"} 0',
    'gatehouse_service_endpoints{service="stock",state="ejected"} 1',
    `gatehouse_endpoint_healthy{service="orders",endpoint="${upstream.url}"} 1`,
    'gatehouse_endpoint_ejected{service="stock",endpoint="http://a:1"} 1',
    'gatehouse_endpoint_draining{service="stock",endpoint="http://b:1"} 1',
  ])
    assert.ok(body.split('\n').includes(line), `${line} in\n${body}`);
  // No metric stands in two places, and each has a description.
  const described = body.split('\n').flatMap((line) => (line.startsWith('# TYPE ') ? [line.split(' ')[2]!] : []));
  assert.equal(new Set(described).size, described.length);
  for (const line of body.split('\n'))
    if (line !== '' && !line.startsWith('#'))
      assert.ok(described.includes(line.split(/[{ ]/)[0]!.replace(/_(bucket|sum|count)$/, '')), line);
});

for (const threads of [0, 2]) {
  test(`metrics count what policies have refused, and what they would have, with ${threads} data threads`, async (t) => {
    const gateway = await startTestGateway(
      {
        admin: { address: '127.0.0.1:0' },
        consumers: { alice: { keys: ['alice-key-0123456789abcdef'] }, bob: {} },
        policies: { 'api-key': {}, authorize: { consumers: ['bob'], mode: 'report' } },
        routes: { all: { match: { path: '/*' }, to: { respond: { text: 'here' } } } },
      },
      { threads },
    );
    t.after(() => gateway.stop());
    const started = await gateway.control.start();
    assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
    const { port } = started.admin;
    assert.ok(!(await ask(port, '/metrics')).body.includes('gatehouse_policy_refusals_total'));
    for (let i = 0; i < ASKED; i++) assert.equal((await ask(gateway.port(), '/')).status, 401);
    const headers = { 'x-api-key': 'alice-key-0123456789abcdef' };
    for (let i = 0; i < ASKED / 2; i++) assert.equal((await ask(gateway.port(), '/', { headers })).status, 200);
    const expected = [
      `gatehouse_policy_refusals_total{policy="api-key",code="GH_API_KEY_MISSING",mode="enforce"} ${ASKED}`,
      `gatehouse_policy_refusals_total{policy="authorize",code="GH_AUTHORIZE_DENIED",mode="report"} ${ASKED / 2}`,
    ];
    const sum = (texts: readonly string[]) => texts.reduce((total, text) => total + Number(text.split(' ').at(-1)), 0);
    const isCounted = (line: string) => line.startsWith('gatehouse_policy_refusals_total{');
    let lines: string[];
    // An exchange is counted when it is over, which may be after its client has the answer.
    do lines = (await ask(port, '/metrics')).body.split('\n').filter(isCounted);
    while (sum(lines) < sum(expected));
    assert.deepEqual(lines, expected);
  });
}

for (const threads of [0, 2]) {
  test(`metrics count the calls of aggregates, over reloads, with ${threads} data threads`, async (t) => {
    const users = await startAnsweringService(t, ({ target }) => (target === '/bad' ? { status: 500, body: '' } : '{"a":1}'));
    const input = (priority: number): Partial<GatewayInput> => ({
      admin: { address: '127.0.0.1:0' },
      services: { users: { endpoints: [users.url] } },
      routes: {
        view: {
          match: { path: '/*' },
          priority,
          to: {
            aggregate: {
              calls: { good: { service: 'users', path: '/good' }, bad: { service: 'users', path: '/bad', optional: true } },
              answer: '${calls.good.body}',
            },
          },
        },
      },
    });
    const gateway = await startTestGateway(input(0), { threads });
    t.after(() => gateway.stop());
    const started = await gateway.control.start();
    assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
    assert.equal((await ask(gateway.port(), '/')).body, '{"a":1}');
    assert.deepEqual(await gateway.reconfigure(input(1)), []);
    assert.equal((await ask(gateway.port(), '/')).body, '{"a":1}');
    const { port } = started.admin;
    await eventuallyAnswers(async () => {
      const { body } = await ask(port, '/metrics');
      for (const line of [
        'gatehouse_aggregate_calls_total{route="view",call="good",outcome="ok"} 2',
        'gatehouse_aggregate_calls_total{route="view",call="bad",outcome="fallback"} 2',
        'gatehouse_aggregate_call_response_bytes_total{route="view",call="good"} 14',
        'gatehouse_aggregate_call_duration_seconds_count{route="view",call="good"} 2',
      ])
        assert.ok(body.split('\n').includes(line), `${line} in\n${body}`);
    });
  });
}
