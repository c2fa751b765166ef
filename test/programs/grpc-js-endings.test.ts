// How calls of the library of gRPC for Node end when somebody cancels, runs out of time, goes away or cannot be reached.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import type { GatewayInput } from '#config/define-gateway.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { openShopClient, type ShopHandlers, startShopGateway, startShopServer } from '#test/support/grpc-js.ts';

const text = (bytes: Buffer) => bytes.toString('latin1');
const message = Buffer.from('message');

/** The service does not hear of the time that a call has, so that it does not end the call by itself. */
const untold = {
  all: { match: { path: '/*' }, to: 'main', policies: { headers: { request: { remove: ['grpc-timeout'] } } } },
} satisfies GatewayInput['routes'];

/** Time that the client tells of and does not measure. */
function withTimeout(timeout: string): Metadata {
  const metadata = new Metadata();
  metadata.set('grpc-timeout', timeout);
  return metadata;
}

async function start(t: TestContext, handlers: ShopHandlers, gateway: Partial<GatewayInput> = {}, clock?: FakeClock) {
  const shop = await startShopServer(t, handlers);
  const before = await startShopGateway(t, [shop], gateway, clock);
  return { shop, gateway: before, client: openShopClient(t, before) };
}

/** Calls that are never answered, as they come. */
function holdCalls() {
  const calls: { readonly call: ServerUnaryCall<Buffer, Buffer>; readonly answer: sendUnaryData<Buffer> }[] = [];
  let cancelled = 0;
  const handlers: ShopHandlers = {
    Get(call, answer) {
      calls.push({ call, answer });
      call.on('cancelled', () => {
        cancelled += 1;
      });
    },
  };
  return {
    handlers,
    calls,
    untilCalled: (count = 1) => eventually(() => calls.length === count, `the service has ${count} calls`),
    untilCancelled: (count = 1) => eventually(() => cancelled === count, `${count} calls are cancelled at the service`),
  };
}

/** Streams over which the service says one thing, and that stay open. */
function holdStreams() {
  let open = 0;
  const hold = (call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>) => {
    open += 1;
    call.on('error', () => undefined);
    call.on('cancelled', () => {
      open -= 1;
    });
    call.write(Buffer.from('first'));
  };
  const handlers: ShopHandlers = { Watch: hold, Chat: hold };
  return { handlers, untilCancelled: () => eventually(() => open === 0, 'the streams are cancelled at the service') };
}

test('a call that is never answered ends when its time has run out, and its service hears of it', async (t) => {
  const held = holdCalls();
  const clock = new FakeClock();
  const { client } = await start(t, held.handlers, { routes: untold }, clock);
  const get = client.get(message, { metadata: withTimeout('3S') });
  await held.untilCalled();
  clock.advance(3_500);
  const { status: end } = await get.outcome;
  assert.equal(end.code, status.DEADLINE_EXCEEDED);
  assert.match(end.details, /GH_GATEWAY_GRPC_DEADLINE/);
  await held.untilCancelled();
});

test('a stream that goes on for longer than its time ends with what was said until then', async (t) => {
  const held = holdStreams();
  const clock = new FakeClock();
  const { client } = await start(t, held.handlers, { routes: untold }, clock);
  const watch = client.watch(message, { metadata: withTimeout('3S') });
  await once(watch.call, 'data');
  clock.advance(3_500);
  const { messages, status: end } = await watch.outcome;
  assert.deepEqual(messages.map(text), ['first']);
  assert.equal(end.code, status.DEADLINE_EXCEEDED);
  assert.match(end.details, /GH_GATEWAY_GRPC_DEADLINE/);
  await held.untilCancelled();
});

test('a deadline of the client, which the service knows too, ends the call on all sides', async (t) => {
  const held = holdCalls();
  const { client } = await start(t, held.handlers);
  // The client measures its time by itself. Where that is over before the service has heard of the call, it gets more.
  for (let timeoutMs = 150; held.calls.length === 0; timeoutMs *= 2) {
    const { status: end } = await client.get(message, { options: { deadline: Date.now() + timeoutMs } }).outcome;
    assert.equal(end.code, status.DEADLINE_EXCEEDED);
  }
  await eventually(() => held.calls.every(({ call }) => call.cancelled), 'it is cancelled at the service');
  const remaining = held.calls[0]!.call.getDeadline();
  assert.ok(typeof remaining === 'number' && Number.isFinite(remaining), `the service knows of ${remaining}`);
});

test('a call that its client cancels is cancelled at its service', async (t) => {
  const calls = holdCalls();
  const streams = holdStreams();
  const { client } = await start(t, { ...calls.handlers, ...streams.handlers });
  const get = client.get(message);
  const watch = client.watch(message);
  const chat = client.chat();
  await Promise.all([calls.untilCalled(), once(watch.call, 'data'), once(chat.call, 'data')]);
  for (const { call } of [get, watch, chat]) call.cancel();
  for (const { status: end } of await Promise.all([get, watch, chat].map(({ outcome }) => outcome)))
    assert.equal(end.code, status.CANCELLED);
  await calls.untilCancelled();
  await streams.untilCancelled();
});

test('a client that is gone cancels its calls', async (t) => {
  const held = holdCalls();
  const { client, gateway } = await start(t, held.handlers);
  const get = client.get(message);
  await held.untilCalled();
  client.client.close();
  get.call.cancel();
  await held.untilCancelled();
  await eventually(() => gateway.control.plane?.connectionCount === 0, 'its connection is closed');
});

test('a service that goes away makes its calls UNAVAILABLE, those too that it has begun to answer', async (t) => {
  const calls = holdCalls();
  const streams = holdStreams();
  const { client, shop } = await start(t, { ...calls.handlers, ...streams.handlers });
  const get = client.get(message);
  const watch = client.watch(message);
  await Promise.all([calls.untilCalled(), once(watch.call, 'data')]);
  shop.server.forceShutdown();
  const [got, said] = await Promise.all([get.outcome, watch.outcome]);
  assert.equal(got.status.code, status.UNAVAILABLE);
  assert.match(got.status.details, /GH_UPSTREAM_/);
  assert.deepEqual(said.messages.map(text), ['first']);
  assert.equal(said.status.code, status.UNAVAILABLE);
  assert.match(said.status.details, /GH_UPSTREAM_TRUNCATED_BODY/);
  // Nobody listens there any more.
  assert.equal((await client.get(message).outcome).status.code, status.UNAVAILABLE);
});

test('errors of the gateway are what a client of gRPC knows', async (t) => {
  // Takes connections and does not speak.
  const sockets: Socket[] = [];
  const mute = createServer((socket) => sockets.push(socket));
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  // Speaks, and not HTTP/2.
  const stranger = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  stranger.listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  const portOf = (server: typeof mute) => (server.address() as { port: number }).port;
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
    stranger.close();
  });
  // Nobody listens there.
  const closed = { endpoints: ['http://127.0.0.1:1'] as [string], protocol: 'http2' } as const;
  const route = (name: string) => ({ match: { grpc: { service: `${name}.Shop` } }, to: name });
  const gateway = await startShopGateway(t, [], {
    services: {
      closed,
      mute: { endpoints: [`http://127.0.0.1:${portOf(mute)}`], protocol: 'http2', timeouts: { connect: '150ms' } },
      stranger: { endpoints: [`http://127.0.0.1:${portOf(stranger)}`], protocol: 'http2' },
    },
    routes: {
      closed: route('closed'),
      mute: route('mute'),
      stranger: route('stranger'),
      secret: { match: { grpc: { service: 'secret.Shop' } }, to: { respond: { status: 401, text: 'who are you?' } } },
    },
  });
  const client = openShopClient(t, gateway);
  for (const [name, code, details] of [
    ['unknown.Shop', status.UNIMPLEMENTED, /GH_GATEWAY_NO_ROUTE/],
    ['closed.Shop', status.UNAVAILABLE, /GH_UPSTREAM_UNREACHABLE/],
    ['mute.Shop', status.UNAVAILABLE, /GH_UPSTREAM_CONNECT_TIMEOUT/],
    ['stranger.Shop', status.UNAVAILABLE, /GH_UPSTREAM_NO_HTTP2/],
    ['secret.Shop', status.UNAUTHENTICATED, /401/],
  ] as const) {
    for (const call of [client.get(message, { name }), client.chat({ name })]) {
      const { status: end } = await call.outcome;
      assert.equal(end.code, code, `${name}: ${end.details}`);
      assert.match(end.details, details);
    }
  }
});

test('a service may end a call before its client has said everything', async (t) => {
  const shop = await startShopServer(t, {
    Upload: (_, answer) => answer(null, Buffer.from('enough')),
    Chat(call) {
      call.write(Buffer.from('first'));
      call.emit('error', { code: status.FAILED_PRECONDITION, details: 'not now' });
    },
  });
  const client = openShopClient(t, await startShopGateway(t, [shop]));
  for (let count = 0; count < 20; count += 1) {
    const upload = client.upload();
    upload.call.write(Buffer.from('part'));
    const uploaded = await upload.outcome;
    assert.deepEqual([uploaded.status.code, uploaded.messages.map(String)], [status.OK, ['enough']]);
    const chat = await client.chat().outcome;
    assert.deepEqual([chat.status.code, chat.status.details], [status.FAILED_PRECONDITION, 'not now']);
  }
});
