// Peers that speak HTTP/2 at random, on either side: whatever they send, the gateway goes on and logs no error of its own.
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import {
  encodeData,
  encodeFrame,
  encodeGoaway,
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
import { type MatrixHandler, startMatrixUpstream } from '#test/support/matrix.ts';
import { type RawHttp2Connection, startRawHttp2Upstream } from '#test/support/raw-http2-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const AT_A_TIME = 20;
const CONNECTION_MS = 300;
const NOTHING = Buffer.alloc(0);
const LAST = Flag.endHeaders | Flag.endStream;

/** Numbers that a seed repeats. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(count: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * count);
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  of<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)]!;
  }
}

/** Frames that either side may send, right or wrong. */
function anyFrame(chance: Chance, stream: number): Buffer {
  const choices: readonly (() => Buffer)[] = [
    () => encodeData(stream, Buffer.alloc(chance.below(16_384))),
    () => encodeData(stream, 'x', Flag.endStream),
    () => encodeHeaders(stream, ['x-trailer', '1'], LAST),
    () => encodeHeaders(stream, ['x-half', 'y'.repeat(200)], 0),
    () => encodeReset(stream, chance.of([0, 1, 2, 5, 7, 8, 11, 13, 99])),
    () => encodePing(),
    () => encodeSettings({ 3: chance.of([0, 1, 5, 100]), 4: chance.of([0, 65_535, 2 ** 20]) }),
    () => encodeWindowUpdate(chance.of([0, stream]), chance.oneIn(20) ? 0x7fff_ffff : 1_000),
    () => (chance.oneIn(4) ? encodeGoaway(chance.of([0, stream, 0x7fff_ffff]), chance.of([0, 0, 2, 11])) : NOTHING),
    () => (chance.oneIn(20) ? encodeFrame(chance.below(12), chance.below(256), stream, Buffer.alloc(chance.below(40))) : NOTHING),
  ];
  return chance.of(choices)();
}

function answerFrame(chance: Chance, stream: number): Buffer {
  const choices: readonly (() => Buffer)[] = [
    () => encodeHeaders(stream, [':status', '200']),
    () => encodeHeaders(stream, [':status', '200'], LAST),
    () => encodeHeaders(stream, [':status', '103']),
    () => encodeHeaders(stream, [':status', chance.of(['099', '204', '304', '999'])], chance.of([Flag.endHeaders, LAST])),
    () => encodeHeaders(stream, [':status', '200', 'content-length', chance.of(['0', '5', '100000', '-1'])]),
  ];
  return chance.oneIn(2) ? chance.of(choices)() : anyFrame(chance, stream);
}

function requestFrame(chance: Chance, stream: number): Buffer {
  const head = (method: string, path: string) => [':method', method, ':scheme', 'http', ':authority', 'a', ':path', path];
  const choices: readonly (() => Buffer)[] = [
    () => encodeHeaders(stream, head('POST', chance.of(['/echo', '/large', '/early']))),
    () => encodeHeaders(stream, head('GET', chance.of(['/large', '/pieces'])), LAST),
    () => encodeHeaders(stream, [...head('POST', '/echo'), 'content-length', chance.of(['5', '100', '-1'])]),
    () => encodeHeaders(stream, [':method', 'CONNECT', ':protocol', 'websocket', ...head('', '/').slice(2)]),
  ];
  return chance.oneIn(2) ? chance.of(choices)() : anyFrame(chance, stream);
}

/** Opens so many connections, some at a time; `use` says what one does. */
async function runConnections(count: number, port: number, use: (socket: Socket) => void): Promise<void> {
  let begun = 0;
  const worker = async () => {
    while (begun++ < count) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', ignore);
      socket.setTimeout(CONNECTION_MS, () => socket.destroy());
      socket.on('data', ignore);
      use(socket);
      await new Promise((resolve) => socket.once('close', resolve));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

async function checkHealth(gateway: TestGateway): Promise<void> {
  assert.equal((await ask(gateway.port(), '/-/local')).status, 204);
  assert.deepEqual(
    gateway.events.filter(({ level }) => level === 'error'),
    [],
  );
}

function startGateway(t: TestContext, service: { endpoints: string[]; protocol: 'http1' | 'http2' }): Promise<TestGateway> {
  const timeouts = { head: '500ms', bodyIdle: '500ms', keepAlive: '500ms', linger: '100ms' };
  const starting = startTestGateway({
    listeners: { web: { address: '127.0.0.1:0', timeouts } },
    services: {
      main: { ...service, timeouts: { connect: '1s', firstByte: '300ms', idle: '300ms' }, pool: { queueTimeout: '200ms' } },
    },
    routes: {
      all: { match: { path: '/*' }, to: 'main' },
      local: { match: { path: '/-/local' }, to: { respond: { status: 204 } } },
    },
  });
  t.after(async () => (await starting).stop());
  return starting;
}

test('upstreams that answer at random', async (t) => {
  const { seed, numRuns } = fuzzParameters(t);
  const chance = new Chance(seed);
  const onRequest = (stream: number, connection: RawHttp2Connection) => {
    for (let left = 1 + chance.below(6); left > 0; left--) {
      const frame = answerFrame(chance, stream);
      if (chance.oneIn(4)) setImmediate(() => connection.send(frame));
      else connection.send(frame);
    }
    if (chance.oneIn(12)) connection.destroy();
  };
  const upstream = await startRawHttp2Upstream(t, {
    onRequest,
    onFrame: ({ type, stream }, connection) => {
      if (type === FrameType.data && chance.oneIn(6)) connection.send(answerFrame(chance, stream));
    },
  });
  const gateway = await startGateway(t, { endpoints: [upstream.url], protocol: 'http2' });
  await runConnections(Math.min(numRuns, 1_000), gateway.port(), (socket) => {
    const kind = chance.of(['GET', 'chunks', 'length'] as const);
    const body = { GET: '', chunks: 'transfer-encoding: chunked\r\n', length: 'content-length: 2000\r\n' }[kind];
    socket.write(`${kind === 'GET' ? 'GET' : 'POST'} / HTTP/1.1\r\nhost: a\r\n${body}connection: close\r\n\r\n`);
    if (kind === 'chunks') socket.write(chance.of(['5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n', '5\r\nhello\r\n']));
    if (kind === 'length') socket.write('x'.repeat(chance.of([2_000, 2])));
    if (chance.oneIn(8)) setImmediate(() => socket.resetAndDestroy());
  });
  await checkHealth(gateway);
});

const handler: MatrixHandler = (request, response) => {
  request.on('error', ignore);
  response.on('error', ignore);
  if (request.url === '/echo') return void request.pipe(response);
  request.resume();
  if (request.url === '/early') response.statusCode = 413;
  if (request.url === '/pieces') response.write('a piece');
  response.end(request.url === '/large' ? Buffer.alloc(1_000_000) : 'the end');
};

for (const kind of ['h1', 'h2c'] as const) {
  test(`clients that ask at random, in front of an upstream that speaks ${kind}`, async (t) => {
    const { seed, numRuns } = fuzzParameters(t);
    const chance = new Chance(seed);
    const gateway = await startGateway(t, await startMatrixUpstream(t, kind, handler));
    await runConnections(Math.min(numRuns, 1_000), gateway.port(), (socket) => {
      if (chance.oneIn(3)) socket.pause();
      const windows = encodeSettings(chance.of([{}, { 4: 0x7fff_ffff }]));
      socket.write(Buffer.concat([Buffer.from(PREFACE), windows, encodeWindowUpdate(0, 0x7fff_0000), encodeSettingsAck()]));
      let left = 1 + chance.below(10);
      const step = (): void => {
        while (left-- > 0) {
          socket.write(requestFrame(chance, 1 + 2 * chance.below(4)));
          if (chance.oneIn(3)) return void setImmediate(step);
        }
        chance.of([() => socket.destroy(), () => socket.resetAndDestroy(), () => socket.end()])();
      };
      step();
    });
    await checkHealth(gateway);
  });
}

function ignore(): void {
  // What comes back is of no interest.
}
