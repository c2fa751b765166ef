// What a hostile HTTP/2 client may send: it ends its own connection, and a client beside it is served all the while.
import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import {
  encodeData,
  encodeFrame,
  encodeHeaders,
  encodePing,
  encodeReset,
  encodeSettings,
  encodeSettingsAck,
  encodeWindowUpdate,
  Flag,
  FrameType,
  PREFACE,
} from '#test/support/http2-frames.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const request = (method: string, path: string) => [':method', method, ':scheme', 'http', ':authority', 'shop', ':path', path];

interface Attacker {
  readonly socket: Socket;
  readonly isClosed: boolean;
  /** Sends until the gateway has had enough, at most so many times. */
  flood(times: number, next: (i: number) => Buffer): Promise<void>;
}

async function startGateway(t: TestContext): Promise<TestGateway> {
  const gateway = await startTestGateway({
    listeners: { web: { address: '127.0.0.1:0', http2: { resetsPerMinute: 100, headerListBytes: '8KiB' } } },
    routes: {
      all: { match: { path: '/*' }, to: { respond: { status: 200, text: 'hello' } } },
    },
  });
  t.after(() => gateway.stop());
  return gateway;
}

async function attack(t: TestContext, gateway: TestGateway): Promise<Attacker> {
  const socket = connect(gateway.port(), '127.0.0.1');
  let isClosed = false;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isClosed = true;
  });
  socket.resume();
  t.after(() => socket.destroy());
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  socket.write(Buffer.concat([Buffer.from(PREFACE), encodeSettings(), encodeSettingsAck()]));
  return {
    socket,
    get isClosed() {
      return isClosed;
    },
    async flood(times, next) {
      for (let i = 0; i < times && !isClosed; i++) {
        if (!socket.write(next(i))) await new Promise<void>((resolve) => socket.once('drain', resolve).once('close', resolve));
        if (i % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

async function openBystander(t: TestContext, gateway: TestGateway): Promise<() => Promise<number>> {
  const session: ClientHttp2Session = connectHttp2(`http://127.0.0.1:${gateway.port()}`);
  t.after(() => session.destroy());
  await new Promise<void>((resolve, reject) => session.once('connect', () => resolve()).once('error', reject));
  return async () => {
    const stream = session.request({ ':path': '/bystander' });
    stream.resume();
    return await new Promise<number>((resolve, reject) => {
      stream.once('response', (headers) => resolve(Number(headers[':status'])));
      stream.once('error', reject);
    });
  };
}

const attacks: readonly { readonly name: string; readonly run: (attacker: Attacker) => Promise<void> }[] = [
  {
    name: 'requests that are broken off at once (rapid reset)',
    run: ({ flood }) =>
      flood(20_000, (i) => {
        const stream = 2 * i + 1;
        return Buffer.concat([
          encodeHeaders(stream, request('GET', '/'), Flag.endHeaders | Flag.endStream),
          encodeReset(stream, 8),
        ]);
      }),
  },
  {
    name: 'a head that never ends (CONTINUATION)',
    run: async ({ socket, flood }) => {
      socket.write(encodeHeaders(1, request('GET', '/'), 0));
      await flood(50_000, () => encodeFrame(FrameType.continuation, 0, 1, Buffer.from([0, 1, 0x61, 1, 0x62])));
    },
  },
  {
    name: 'a head that is too large when it is unpacked',
    run: async ({ socket, flood }) => {
      // One large field, then references to it in the table of the connection.
      const value = 'v'.repeat(3_000);
      const literal = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xb9, 0x16]), Buffer.from(value)]);
      socket.write(encodeHeaders(1, request('GET', '/'), 0));
      socket.write(encodeFrame(FrameType.continuation, 0, 1, literal));
      await flood(200, () => encodeFrame(FrameType.continuation, 0, 1, Buffer.alloc(4_000, 0xbe)));
    },
  },
  { name: 'settings without end', run: ({ flood }) => flood(200_000, () => encodeSettings({ 3: 100 })) },
  { name: 'pings without end', run: ({ flood }) => flood(200_000, () => encodePing()) },
  {
    name: 'priorities without end',
    run: ({ flood }) => flood(200_000, () => encodeFrame(FrameType.priority, 0, 1, Buffer.alloc(5))),
  },
  { name: 'windows without end', run: ({ flood }) => flood(200_000, () => encodeWindowUpdate(0, 1)) },
  {
    name: 'empty data without end',
    run: async ({ socket, flood }) => {
      socket.write(encodeHeaders(1, request('POST', '/'), Flag.endHeaders));
      await flood(200_000, () => encodeData(1, ''));
    },
  },
  {
    name: 'data without end for a request that has had its answer',
    run: async ({ socket, flood }) => {
      socket.write(encodeHeaders(1, request('POST', '/'), Flag.endHeaders));
      await flood(200_000, () => encodeData(1, 'x'));
    },
  },
];

for (const { name, run } of attacks) {
  test(`ends the connection of a client that sends ${name}, and serves the one beside it`, { timeout: 60_000 }, async (t) => {
    const gateway = await startGateway(t);
    const ask = await openBystander(t, gateway);
    assert.equal(await ask(), 200);
    const attacker = await attack(t, gateway);
    await run(attacker);
    await eventually(() => attacker.isClosed, 'the connection is ended');
    assert.equal(await ask(), 200);
  });
}

test('a request that breaks the rules ends its own stream alone', async (t) => {
  const gateway = await startGateway(t);
  const attacker = await attack(t, gateway);
  let received = Buffer.alloc(0);
  attacker.socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
  });
  attacker.socket.write(encodeHeaders(1, [...request('GET', '/'), 'connection', 'close'], Flag.endHeaders | Flag.endStream));
  attacker.socket.write(encodeHeaders(3, request('GET', '/'), Flag.endHeaders | Flag.endStream));
  await eventually(() => received.includes('hello'), 'the other request is answered');
  assert.equal(attacker.isClosed, false);
});
