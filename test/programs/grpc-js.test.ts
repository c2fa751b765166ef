// The library of gRPC for Node as client and as server, with the gateway between them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import {
  compressionAlgorithms,
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import {
  openShopClient,
  type ShopClientOptions,
  type ShopHandlers,
  type ShopServerOptions,
  startShopGateway,
  startShopServer,
  toShopService,
} from '#test/support/grpc-js.ts';

const MEGABYTE = 1_000_000;
const LARGE_BYTES = 8 * MEGABYTE;
const text = (bytes: Buffer) => bytes.toString('latin1');
const noLimit = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

/** Whether the client's connection and the server's are over TLS. */
const ways = [
  { name: 'without TLS', client: false, server: false },
  { name: 'over TLS', client: true, server: true },
  { name: 'over TLS to the gateway', client: true, server: false },
  { name: 'over TLS to the service', client: false, server: true },
] as const;
type Way = (typeof ways)[number];

interface StartOptions {
  readonly way?: Way;
  readonly client?: ShopClientOptions['channel'];
  readonly server?: ShopServerOptions['channel'];
}

async function start(t: TestContext, handlers: ShopHandlers, { way = ways[0], client = {}, server = {} }: StartOptions = {}) {
  const shop = await startShopServer(t, handlers, { isSecure: way.server, channel: server });
  const gateway = await startShopGateway(t, [shop]);
  return { gateway, shop, client: openShopClient(t, gateway, { isSecure: way.client, channel: client }) };
}

/** What it is given comes back with the answer's head, and again in its trailers. */
const mirror: Required<ShopHandlers> = {
  Get(call, answer) {
    call.sendMetadata(call.metadata);
    answer(null, call.request, call.metadata);
  },
  Upload(call, answer) {
    call.sendMetadata(call.metadata);
    const messages: Buffer[] = [];
    call.on('data', (message: Buffer) => messages.push(message));
    call.on('end', () => answer(null, Buffer.concat(messages), call.metadata));
  },
  Watch(call) {
    call.sendMetadata(call.metadata);
    for (let count = 0; count < 3; count += 1) call.write(call.request);
    call.end(call.metadata);
  },
  Chat(call) {
    call.sendMetadata(call.metadata);
    call.on('data', (message: Buffer) => call.write(message));
    call.on('end', () => call.end(call.metadata));
  },
};

function makeMetadata(): Metadata {
  const metadata = new Metadata();
  metadata.set('x-text', 'plain; text');
  metadata.add('x-many', 'one');
  metadata.add('x-many', 'two');
  metadata.set('x-bytes-bin', Buffer.from([0, 1, 2, 0xff, 0x2c]));
  return metadata;
}

function assertMirrored(metadata: Metadata | undefined): void {
  assert.deepEqual(metadata?.get('x-text'), ['plain; text']);
  assert.equal(metadata.get('x-many').join(', '), 'one, two');
  assert.deepEqual(metadata.get('x-bytes-bin'), [Buffer.from([0, 1, 2, 0xff, 0x2c])]);
}

for (const way of ways) {
  test(`all four kinds of call go through with their metadata, ${way.name}`, async (t) => {
    const { client } = await start(t, mirror, { way });
    const get = client.get(Buffer.from('get'), { metadata: makeMetadata() });
    const upload = client.upload({ metadata: makeMetadata() });
    for (const part of ['up', 'lo', 'ad']) upload.call.write(Buffer.from(part));
    upload.call.end();
    const watch = client.watch(Buffer.from('watch'), { metadata: makeMetadata() });
    const chat = client.chat({ metadata: makeMetadata() });
    for (const part of ['one', 'two']) {
      chat.call.write(Buffer.from(part));
      await once(chat.call, 'data');
    }
    chat.call.end();
    const outcomes = await Promise.all([get, upload, watch, chat].map(({ outcome }) => outcome));
    assert.deepEqual(
      outcomes.map(({ messages }) => messages.map(text)),
      [['get'], ['upload'], ['watch', 'watch', 'watch'], ['one', 'two']],
    );
    for (const outcome of outcomes) {
      assert.equal(outcome.status.code, status.OK);
      assertMirrored(outcome.metadata);
      assertMirrored(outcome.status.metadata);
    }
  });

  test(`messages of several megabytes pass whole both ways, ${way.name}`, async (t) => {
    const { client } = await start(t, mirror, { way, client: noLimit, server: noLimit });
    const large = randomBytes(LARGE_BYTES);
    const chat = client.chat();
    for (let count = 0; count < 3; count += 1) chat.call.write(large);
    chat.call.end();
    const [got, said] = await Promise.all([client.get(large).outcome, chat.outcome]);
    assert.deepEqual([got.status.code, said.status.code], [status.OK, status.OK]);
    assert.deepEqual(
      [...got.messages, ...said.messages].map((message) => message.equals(large)),
      [true, true, true, true],
    );
  });
}

test('an error of the service arrives as it is, in trailers alone, with its details', async (t) => {
  const details = Buffer.from([8, 5, 18, 4, 0x67, 0x6f, 0x6e, 0x65]);
  const { client } = await start(t, {
    Get(_, answer) {
      const metadata = new Metadata();
      metadata.set('grpc-status-details-bin', details);
      metadata.set('x-reason', 'sold out');
      answer({ code: status.NOT_FOUND, details: 'no such thing: 100 % “gone”\n', metadata });
    },
  });
  const outcome = await client.get(Buffer.from('get')).outcome;
  assert.deepEqual([outcome.status.code, outcome.status.details], [status.NOT_FOUND, 'no such thing: 100 % “gone”\n']);
  assert.deepEqual(outcome.status.metadata.get('grpc-status-details-bin'), [details]);
  assert.deepEqual(outcome.status.metadata.get('x-reason'), ['sold out']);
  // The library tells of a head only when trailers follow it.
  assert.equal(outcome.metadata, undefined);
  const unknown = await client.watch(Buffer.from('')).outcome;
  assert.equal(unknown.status.code, status.UNIMPLEMENTED);
});

test('an error behind messages arrives behind them', async (t) => {
  const { client } = await start(t, {
    Watch(call) {
      call.write(Buffer.from('first'));
      call.emit('error', { code: status.DATA_LOSS, details: 'the rest is lost' });
    },
  });
  const outcome = await client.watch(Buffer.from('')).outcome;
  assert.deepEqual(outcome.messages.map(text), ['first']);
  assert.deepEqual([outcome.status.code, outcome.status.details], [status.DATA_LOSS, 'the rest is lost']);
});

test('compressed messages pass as they are', async (t) => {
  const { client, gateway } = await start(t, mirror, {
    client: { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip },
  });
  const message = Buffer.alloc(MEGABYTE, 'again and again ');
  const outcome = await client.get(message).outcome;
  assert.equal(outcome.status.code, status.OK);
  assert.ok(outcome.messages[0]?.equals(message));
  client.client.close();
  const [line] = await gateway.stop();
  // The library compresses what a client sends, and not what a server does.
  assert.ok(Number(line?.['requestBytes']) < MEGABYTE / 10, JSON.stringify(line));
  assert.ok(Number(line?.['responseBytes']) > MEGABYTE, JSON.stringify(line));
});

test('a client that reads no further holds its service back, and others are not held back', async (t) => {
  const MESSAGES = 64;
  let sent = 0;
  const { client } = await start(t, {
    ...mirror,
    async Watch(call) {
      for (; sent < MESSAGES; sent += 1) if (!call.write(Buffer.alloc(MEGABYTE, sent))) await once(call, 'drain');
      call.end();
    },
  });
  const watch = client.watch(Buffer.from(''));
  await once(watch.call, 'data');
  watch.call.pause();
  const others = Array.from({ length: 50 }, () => client.get(Buffer.alloc(MEGABYTE)).outcome);
  for (const outcome of await Promise.all(others)) assert.equal(outcome.status.code, status.OK);
  assert.ok(sent < MESSAGES / 2, `${sent} messages have left`);
  watch.call.resume();
  const { messages, status: end } = await watch.outcome;
  assert.equal(end.code, status.OK);
  assert.deepEqual(
    messages.map((message) => message[MEGABYTE - 1]),
    Array.from({ length: MESSAGES }, (_, count) => count),
  );
});

for (const way of [ways[0], ways[1]]) {
  test(`a thousand calls at a time over one connection are all answered, ${way.name}`, async (t) => {
    const CALLS = 1_000;
    const held: { readonly call: ServerUnaryCall<Buffer, Buffer>; readonly answer: sendUnaryData<Buffer> }[] = [];
    const { client, gateway } = await start(
      t,
      {
        // Nobody is answered before everybody has asked.
        Get(call, answer) {
          held.push({ call, answer });
          if (held.length === CALLS) for (const each of held) each.answer(null, each.call.request);
        },
      },
      { way },
    );
    const outcomes = Array.from({ length: CALLS }, (_, count) => client.get(Buffer.from(`call ${count}`)).outcome);
    const answers = await Promise.all(outcomes);
    assert.equal(gateway.control.plane?.connectionCount, 1);
    assert.equal(new Set(held.map(({ call }) => call.getPeer())).size, 1);
    assert.deepEqual(
      answers.map(({ messages, status: end }) => [end.code, ...messages.map(text)]),
      Array.from({ length: CALLS }, (_, count) => [status.OK, `call ${count}`]),
    );
  });
}

test('a thousand streams at a time over one connection speak in turns', async (t) => {
  const { client } = await start(t, mirror);
  const chats = Array.from({ length: 1_000 }, () => client.chat());
  for (const part of ['one', 'two', 'three']) {
    await Promise.all(
      chats.map(({ call }) => {
        const answered = once(call, 'data');
        call.write(Buffer.from(part));
        return answered;
      }),
    );
  }
  for (const { call } of chats) call.end();
  for (const { messages, status: end } of await Promise.all(chats.map(({ outcome }) => outcome)))
    assert.deepEqual([end.code, ...messages.map(text)], [status.OK, 'one', 'two', 'three']);
});

test('calls go by service and method to where they are routed', async (t) => {
  const saying = (what: string): ShopHandlers => ({
    Get: (_, answer) => answer(null, Buffer.from(`${what} got`)),
    Watch(call: ServerWritableStream<Buffer, Buffer>) {
      call.write(Buffer.from(`${what} watched`));
      call.end();
    },
  });
  const names = ['shop.v1.Shop', 'shop.v2.Shop'];
  const one = await startShopServer(t, saying('one'), { names });
  const two = await startShopServer(t, saying('two'), { names });
  const gateway = await startShopGateway(t, [one], {
    services: { one: toShopService(one), two: toShopService(two) },
    routes: {
      shop: { match: { grpc: { service: 'shop.v1.Shop' } }, to: 'one' },
      watch: { match: { grpc: { service: 'shop.v1.Shop', method: 'Watch' } }, to: 'two' },
      watches: { match: { grpc: { method: 'Watch' } }, to: 'one' },
    },
  });
  const client = openShopClient(t, gateway);
  const message = Buffer.from('message');
  const calls = [
    client.get(message),
    client.watch(message),
    client.watch(message, { name: 'shop.v2.Shop' }),
    client.get(message, { name: 'shop.v2.Shop' }),
  ];
  const outcomes = await Promise.all(calls.map(({ outcome }) => outcome));
  assert.deepEqual(
    outcomes.map(({ messages, status: end }) => [end.code, ...messages.map(text)]),
    [[status.OK, 'one got'], [status.OK, 'two watched'], [status.OK, 'one watched'], [status.UNIMPLEMENTED]],
  );
});
