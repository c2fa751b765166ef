// Peers that leave heads half sent while bytes to them wait. Node would abort the process when it collects what is left.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test from 'node:test';
import { connect } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ask } from '#test/support/ask.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { encodeHeaders, encodeSettings, encodeSettingsAck, encodeWindowUpdate, PREFACE } from '#test/support/http2-frames.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const ROUNDS = 12;
const AT_A_TIME = 4;
const STILL_TIMES = 8;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;

const fields = Array.from({ length: 20 }, (_, i) => [`x-${i}`, 'v'.repeat(100)]).flat();
const ampleWindows = Buffer.concat([encodeSettings({ 4: 0x7fff_ffff }), encodeWindowUpdate(0, 0x7fff_0000), encodeSettingsAck()]);

/** Resolves when nothing has moved for a while: the buffers on the way are full. */
async function untilStill(count: () => number): Promise<void> {
  let before = -1;
  let times = 0;
  await eventually(() => {
    const present = count();
    times = present > 0 && present === before ? times + 1 : 0;
    before = present;
    return times === STILL_TIMES;
  }, 'nothing moves any more');
}

test('a client that leaves so does not end the gateway', async (t) => {
  let drains = 0;
  const upstream = createServer((socket) => {
    socket.on('error', ignore);
    socket.on('drain', () => {
      drains += 1;
    });
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 90000000\r\n\r\n${'x'.repeat(20_000_000)}`));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const gateway = await startTestGateway({
    listeners: {
      web: { address: '127.0.0.1:0' },
      secure: {
        address: '127.0.0.1:0',
        tls: { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] },
      },
    },
    services: { main: { endpoints: [`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`] } },
    routes: {
      all: { match: { path: '/*' }, to: 'main' },
      local: { match: { path: '/local' }, to: { respond: { status: 204 } } },
    },
  });
  t.after(() => gateway.stop());
  t.after(() => upstream.close());
  const head = [':method', 'POST', ':scheme', 'https', ':authority', 'localhost', ':path', '/'];
  const leave = async () => {
    const socket = connect({
      port: gateway.port('secure'),
      ca: certificates.authority,
      servername: 'localhost',
      ALPNProtocols: ['h2'],
    });
    socket.on('error', ignore);
    await once(socket, 'secureConnect');
    socket.pause();
    socket.write(Buffer.concat([Buffer.from(PREFACE), ampleWindows, encodeHeaders(1, head)]));
    await untilStill(() => gateway.control.plane!.connectionCount + drains);
    socket.write(encodeHeaders(1, fields, 0));
    await untilStill(() => socket.bytesWritten);
    socket.destroy();
    await once(socket, 'close');
  };
  await repeat(leave);
  assert.equal((await ask(gateway.port(), '/local')).status, 204);
});

test('an upstream that leaves so does not end the gateway', async (t) => {
  const sockets: Socket[] = [];
  const upstream = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', ignore);
    socket.write(ampleWindows);
    socket.once('data', () => socket.once('data', () => void breakOff(socket)));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const breakOff = async (socket: Socket) => {
    socket.pause();
    await untilStill(() => socket.bytesRead);
    socket.write(encodeHeaders(1, [':status', '200', ...fields], 0));
    await untilStill(() => socket.bytesWritten);
    socket.destroy();
  };
  const gateway = await startTestGateway({
    services: {
      main: { endpoints: [`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`], protocol: 'http2' },
    },
    routes: {
      all: { match: { path: '/*' }, to: 'main' },
      local: { match: { path: '/local' }, to: { respond: { status: 204 } } },
    },
  });
  t.after(() => gateway.stop());
  t.after(() => upstream.close());
  const body = Buffer.alloc(20_000_000, 'x');
  const send = async () => {
    const sent = request({ port: gateway.port(), method: 'POST', agent: false, headers: { 'content-length': body.length } });
    sent.on('error', ignore);
    sent.write(body);
    const [response] = await once(sent, 'response');
    assert.equal(response.statusCode, 502);
    sent.destroy();
  };
  await repeat(send);
  assert.ok(sockets.length >= ROUNDS);
  assert.equal((await ask(gateway.port(), '/local')).status, 204);
});

async function repeat(action: () => Promise<void>): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(Array.from({ length: AT_A_TIME }, action));
    await collectEverything();
  }
  // The end of the process frees what is left in no order.
  for (let round = 0; round < 3; round++) await collectEverything();
}

async function collectEverything(): Promise<void> {
  collect({ type: 'minor' });
  collect();
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
}

function ignore(): void {
  // Everything here breaks off.
}
