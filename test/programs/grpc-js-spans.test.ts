/** What spans say of calls of gRPC, by the library of gRPC for Node as client and as server. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type { GatewayInput } from '#config/define-gateway.ts';
import { eventually } from '#test/support/eventually.ts';
import { openShopClient, type ShopHandlers, startShopGateway, startShopServer, toShopService } from '#test/support/grpc-js.ts';
import { type CollectedSpan, startTraceCollector } from '#test/support/trace-collector.ts';

const GET = '/shop.v1.Shop/Get';
const message = Buffer.from('a');

async function start(t: TestContext, handlers: ShopHandlers, gateway: Partial<GatewayInput> = {}, redact: string[] = []) {
  const collector = await startTraceCollector(t);
  const shop = await startShopServer(t, handlers);
  const started = await startShopGateway(t, [shop], {
    tracing: { to: { otlp: collector.url }, sample: '100%', redact },
    services: { shop: toShopService(shop) },
    routes: { shop: { match: { grpc: { service: 'shop.v1.Shop' } }, to: 'shop' } },
    ...gateway,
  });
  const client = openShopClient(t, started);
  /** Those of one call, the one of the call itself first. */
  const spansOf = async (count: number): Promise<CollectedSpan[]> => {
    const spans = await collector.waitFor(count);
    return [...spans].sort((left, right) => Number(right.kind === 'server') - Number(left.kind === 'server'));
  };
  return { client, spansOf };
}

function rpcOf({ attributes }: CollectedSpan): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => name.startsWith('rpc.')));
}

const called = { 'rpc.system': 'grpc', 'rpc.service': 'shop.v1.Shop', 'rpc.method': 'Get' };

test('a call that went well says what was called, on the span of the client and on that of the service', async (t) => {
  const { client, spansOf } = await start(t, { Get: (_, answer) => answer(null, message) });
  assert.equal((await client.get(message).outcome).status.code, status.OK);
  const [server, attempt] = await spansOf(2);
  for (const span of [server!, attempt!]) {
    assert.deepEqual(rpcOf(span), { ...called, 'rpc.grpc.status_code': 0 });
    assert.deepEqual([span.isError, span.attributes['error.type']], [false, undefined]);
    assert.equal(span.attributes['http.response.status_code'], 200);
  }
  // The route takes whatever method a client makes up.
  assert.deepEqual([server!.name, attempt!.name], ['POST /shop.v1.Shop/*', 'POST shop']);
});

const codes = Object.values(status).filter((code) => typeof code === 'number' && code > 0) as status[];
const serverErrors = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

test('every other status is an error of whoever asked, and some are one of the server', async (t) => {
  const { client, spansOf } = await start(t, { Get: ({ request }, answer) => answer({ code: Number(request) }) });
  const outcomes = await Promise.all(codes.map((code) => client.get(Buffer.from(String(code))).outcome));
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status.code),
    codes,
  );
  const spans = await spansOf(codes.length * 2);
  for (const code of codes) {
    const name = status[code];
    const [server, attempt, ...more] = spans.filter(({ attributes }) => attributes['rpc.grpc.status_code'] === code);
    assert.equal(more.length, 0);
    assert.deepEqual(
      [rpcOf(server!), rpcOf(attempt!)],
      [0, 1].map(() => ({ ...called, 'rpc.grpc.status_code': code })),
    );
    assert.deepEqual([server!.isError, attempt!.isError], [serverErrors.has(code), true], name);
    assert.equal(server!.attributes['error.type'], serverErrors.has(code) ? name : undefined);
    assert.equal(attempt!.attributes['error.type'], name);
    assert.equal(attempt!.attributes['http.response.status_code'], 200);
  }
});

test('where its route is for one method, spans have its name', async (t) => {
  const match = { grpc: { service: 'shop.v1.Shop', method: 'Get' } };
  const { client, spansOf } = await start(
    t,
    { Get: (_, answer) => answer(null, message) },
    { routes: { get: { match, to: 'shop' } } },
  );
  await client.get(message).outcome;
  assert.deepEqual(
    (await spansOf(2)).map(({ name }) => name),
    [GET.slice(1), GET.slice(1)],
  );
});

test('the status is the last thing that is said, behind messages that have come', async (t) => {
  const { client, spansOf } = await start(t, {
    Watch: (call) => {
      call.write(message);
      call.emit('error', { code: status.DATA_LOSS });
    },
  });
  assert.equal((await client.watch(message).outcome).status.code, status.DATA_LOSS);
  for (const span of await spansOf(2)) {
    assert.deepEqual([span.isError, span.attributes['rpc.grpc.status_code']], [true, status.DATA_LOSS]);
  }
});

test('what the gateway answers itself has the status that the client was told', async (t) => {
  const { client, spansOf } = await start(t, {}, { routes: {} });
  assert.equal((await client.get(message).outcome).status.code, status.UNIMPLEMENTED);
  const [server, ...more] = await spansOf(1);
  assert.equal(more.length, 0);
  assert.deepEqual(rpcOf(server!), { ...called, 'rpc.grpc.status_code': status.UNIMPLEMENTED });
  assert.deepEqual([server!.isError, server!.attributes['error.type']], [true, 'GH_GATEWAY_NO_ROUTE']);
});

test('a call that its client cancels is cancelled, and no error', async (t) => {
  let isAsked = false;
  const { client, spansOf } = await start(t, {
    Get: () => {
      isAsked = true;
    },
  });
  const { call, outcome } = client.get(message);
  await eventually(() => isAsked, 'the service is asked');
  call.cancel();
  assert.equal((await outcome).status.code, status.CANCELLED);
  const [server, attempt] = await spansOf(2);
  assert.deepEqual(rpcOf(server!), { ...called, 'rpc.grpc.status_code': status.CANCELLED });
  assert.deepEqual(rpcOf(attempt!), called);
  assert.deepEqual([server!.isError, attempt!.isError], [false, false]);
});

test('what is hidden of paths is in no span as a method', async (t) => {
  const { client, spansOf } = await start(
    t,
    { Get: (_, answer) => answer(null, message) },
    { routes: { all: { match: { path: '/:service/:method' }, to: 'shop' } } },
    ['path.method'],
  );
  await client.get(message).outcome;
  const shown = JSON.stringify((await spansOf(2)).map(({ name, attributes }) => [name, attributes]));
  assert.ok(shown.includes('"rpc.system":"grpc"') && !shown.includes('Get'), shown);
});
