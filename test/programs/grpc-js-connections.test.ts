// Connections of the library of gRPC for Node: kept alive, retired by a service, and moved by a gateway that changes or goes away.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  type Client,
  connectivityState,
  getChannelzHandlers,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status,
} from '@grpc/grpc-js';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { advance } from '#test/support/forwarding.ts';
import {
  openShopClient,
  type ShopHandlers,
  shopListeners,
  startShopGateway,
  startShopServer,
  toShopService,
} from '#test/support/grpc-js.ts';

const text = (bytes: Buffer) => bytes.toString('latin1');
const message = Buffer.from('message');
/** Far more than there is time for while a connection grows old. */
const CALLS_MAX = 20_000;
/** No connection goes out from here by itself, so a port that was left stays free. */
const ASIDE = '127.0.1.12';

/** Streams that say everything back, and calls that are answered with a name. */
function speaking(name: string, onCall: (call: ServerUnaryCall<Buffer, Buffer>) => void = () => undefined): ShopHandlers {
  return {
    Get(call, answer) {
      onCall(call);
      answer(null, Buffer.from(name));
    },
    Chat(call: ServerDuplexStream<Buffer, Buffer>) {
      call.on('data', (bytes: Buffer) => call.write(Buffer.from(`${name} ${bytes}`)));
      call.on('end', () => call.end());
    },
  };
}

async function openChat(client: ReturnType<typeof openShopClient>) {
  const chat = client.chat();
  chat.call.write(Buffer.from('early'));
  await once(chat.call, 'data');
  return chat;
}

test('a service that retires its connections finishes the calls on them, and gets new ones over others', async (t) => {
  const peers = new Set<string>();
  let held: ServerDuplexStream<Buffer, Buffer> | undefined;
  const shop = await startShopServer(
    t,
    {
      Get(call, answer) {
        peers.add(call.getPeer());
        answer(null, call.request);
      },
      Chat(call) {
        held = call;
        call.write(Buffer.from('first'));
        call.on('data', (bytes: Buffer) => call.write(bytes));
        call.on('end', () => call.end());
      },
    },
    { channel: { 'grpc.max_connection_age_ms': 100, 'grpc.max_connection_age_grace_ms': 60_000 } },
  );
  const client = openShopClient(t, await startShopGateway(t, [shop]));
  const chat = client.chat();
  await once(chat.call, 'data');
  for (let count = 0; peers.size < 3; count += 1) {
    assert.ok(count < CALLS_MAX, `${count} calls went over ${peers.size} connections`);
    assert.equal((await client.get(message).outcome).status.code, status.OK);
  }
  assert.ok(held !== undefined && !held.cancelled);
  chat.call.write(Buffer.from('second'));
  chat.call.end();
  const { messages, status: end } = await chat.outcome;
  assert.deepEqual([end.code, ...messages.map(text)], [status.OK, 'first', 'second']);
});

test('calls go on while the gateway takes another configuration, and later ones follow it', async (t) => {
  const one = await startShopServer(t, speaking('one'));
  const two = await startShopServer(t, speaking('two'));
  const gateway = await startShopGateway(t, [one]);
  const client = openShopClient(t, gateway);
  const chat = await openChat(client);
  const refused = await gateway.reconfigure({
    listeners: shopListeners,
    services: { other: toShopService(two) },
    routes: { all: { match: { path: '/*' }, to: 'other' } },
  });
  assert.deepEqual(refused, []);
  assert.deepEqual((await client.get(message).outcome).messages.map(text), ['two']);
  chat.call.write(Buffer.from('late'));
  chat.call.end();
  const { messages, status: end } = await chat.outcome;
  assert.deepEqual([end.code, ...messages.map(text)], [status.OK, 'one early', 'one late']);
  assert.equal(gateway.control.plane?.connectionCount, 1);
});

test('a gateway that drains finishes its calls, and the one in its place gets new ones', async (t) => {
  const shop = await startShopServer(t, speaking('shop'));
  const first = await startShopGateway(t, [shop], { listeners: { web: { address: `${ASIDE}:0` } } });
  const client = openShopClient(t, first, { host: ASIDE });
  const chat = await openChat(client);
  const drained = first.control.drain();
  // Its listeners are closed, so that their address is free.
  const second = await startShopGateway(t, [shop], {
    listeners: { web: { address: `${ASIDE}:${first.port()}` } },
  });
  await eventually(
    () => client.client.getChannel().getConnectivityState(false) !== connectivityState.READY,
    'the client has been sent away',
  );
  for (let count = 0; count < 3; count += 1) assert.equal((await client.get(message).outcome).status.code, status.OK);
  assert.equal(second.control.plane?.connectionCount, 1);
  chat.call.write(Buffer.from('late'));
  chat.call.end();
  const { messages, status: end } = await chat.outcome;
  assert.deepEqual([end.code, ...messages.map(text)], [status.OK, 'shop early', 'shop late']);
  await drained;
});

test('a client whose connection was let go for being idle connects again with its next call', async (t) => {
  const clock = new FakeClock();
  const shop = await startShopServer(t, speaking('shop'));
  const gateway = await startShopGateway(t, [shop], {}, clock);
  const client = openShopClient(t, gateway);
  for (let count = 0; count < 3; count += 1) {
    assert.equal((await client.get(message).outcome).status.code, status.OK);
    await advance(clock, 80_000, gateway);
    await eventually(
      () => client.client.getChannel().getConnectivityState(false) === connectivityState.IDLE,
      'the client has been sent away',
    );
  }
});

/** Asks what the library itself counts; it answers at once. */
function ask<Question, Answer>(handler: handleUnaryCall<Question, Answer>, question: Question): Answer {
  let given: Answer | null | undefined;
  handler({ request: question } as ServerUnaryCall<Question, Answer>, (_, answer) => {
    given = answer;
  });
  assert.ok(given);
  return given;
}

/** How often a client has asked over its connection whether the gateway is there. */
function countPings(client: Client): number {
  const { GetChannel, GetSubchannel, GetSocket } = getChannelzHandlers();
  const { channel } = ask(GetChannel, { channel_id: `${client.getChannel().getChannelzRef().id}` });
  const { subchannel } = ask(GetSubchannel, { subchannel_id: `${channel?.subchannel_ref?.[0]?.subchannel_id}` });
  const { socket } = ask(GetSocket, { socket_id: `${subchannel?.socket_ref?.[0]?.socket_id}`, summary: false });
  return Number(socket?.data?.keep_alives_sent);
}

const PINGS = 40;
/** Asked often, and patient with the answer: who stands still for a while is not gone. */
const pinging = { 'grpc.keepalive_time_ms': 5, 'grpc.keepalive_timeout_ms': 60_000 };

test('a client and a service may ask often whether the gateway is there, during a call', async (t) => {
  const shop = await startShopServer(t, speaking('shop'), { channel: pinging });
  const client = openShopClient(t, await startShopGateway(t, [shop]), { channel: pinging });
  const chat = await openChat(client);
  await eventually(() => countPings(client.client) >= PINGS, 'the client has asked often');
  chat.call.write(Buffer.from('late'));
  chat.call.end();
  const { messages, status: end } = await chat.outcome;
  assert.deepEqual([end.code, ...messages.map(text)], [status.OK, 'shop early', 'shop late']);
});

test('a client may ask often whether the gateway is there, without a call too', async (t) => {
  const shop = await startShopServer(t, speaking('shop'));
  const gateway = await startShopGateway(t, [shop]);
  const client = openShopClient(t, gateway, { channel: { ...pinging, 'grpc.keepalive_permit_without_calls': 1 } });
  assert.equal((await client.get(message).outcome).status.code, status.OK);
  await eventually(() => countPings(client.client) >= PINGS, 'the client has asked often');
  assert.equal((await client.get(message).outcome).status.code, status.OK);
  assert.ok(countPings(client.client) >= PINGS, 'it is the same connection');
});

test('calls beyond what a connection may carry wait at the client', async (t) => {
  const shop = await startShopServer(t, speaking('shop'));
  const gateway = await startShopGateway(t, [shop], { listeners: { web: { address: '127.0.0.1:0', http2: { streams: 5 } } } });
  const client = openShopClient(t, gateway);
  const outcomes = Array.from({ length: 100 }, () => client.get(message).outcome);
  for (const { messages, status: end } of await Promise.all(outcomes))
    assert.deepEqual([end.code, ...messages.map(text)], [status.OK, 'shop']);
  assert.equal(gateway.control.plane?.connectionCount, 1);
});
