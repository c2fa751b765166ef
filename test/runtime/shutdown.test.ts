/** How a gateway ends: not ready first, then no new connections, then what runs to its end or the deadline. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess } from '#test/support/gatehouse-process.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { type RawUpstream, startRawUpstream } from '#test/support/raw-upstream.ts';

interface Bench {
  readonly gatehouse: GatehouseProcess;
  readonly upstream: RawUpstream;
  open(): Promise<RawClient>;
  /** Sends a request that the upstream leaves without an answer. */
  openBusy(): Promise<RawClient>;
  /** Answers every request that waits. */
  answerBusy(): void;
  /** Resolves when nobody listens any more. */
  untilClosed(): Promise<void>;
}

async function startBench(t: TestContext, more: Partial<GatewayInput> = {}): Promise<Bench> {
  const upstream = await startRawUpstream((connection, chunk) => {
    if (chunk.includes('upgrade: websocket'))
      connection.send('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
  });
  t.after(() => upstream.close());
  const gatehouse = await GatehouseProcess.start(t, {
    threads: 1,
    admin: { address: '127.0.0.1:0' },
    services: { slow: { endpoints: [upstream.url] } },
    routes: {
      quick: { match: { path: '/quick' }, to: { respond: { text: 'quick' } } },
      slow: { match: { path: '/*' }, to: 'slow' },
    },
    ...more,
  });
  await gatehouse.untilListening('admin');
  const open = async () => {
    const client = await RawClient.open(gatehouse.port());
    t.after(() => client.close());
    // As clients do: who is told that the connection closes, closes it.
    client.socket.on('end', () => client.socket.end());
    return client;
  };
  return {
    gatehouse,
    upstream,
    open,
    async openBusy() {
      const before = upstream.connections.length;
      const client = await open();
      client.send('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n');
      await eventually(() => upstream.connections.length > before, 'the request is there');
      return client;
    },
    answerBusy() {
      for (const connection of upstream.connections) connection.send('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone');
    },
    async untilClosed() {
      for (;;) {
        const socket = connect(gatehouse.port(), '127.0.0.1');
        // While a listener closes, what had come to it is reset; only then is nobody there.
        const isClosed = await new Promise((resolve) =>
          socket
            .once('connect', () => resolve(false))
            .once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED')),
        );
        socket.destroy();
        if (isClosed) return;
      }
    },
  };
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  for (const threads of [0, 2]) {
    test(`${signal} ends a gateway with nothing to do at once with status 0, with ${threads} data threads`, async (t) => {
      const { gatehouse, open } = await startBench(t, { threads });
      const idle = await open();
      idle.send('GET /quick HTTP/1.1\r\nhost: x\r\n\r\n');
      assert.doesNotMatch(await idle.until('quick'), /connection: close/);
      gatehouse.signal(signal);
      await idle.untilEnd();
      assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
      assert.equal(gatehouse.stderr, '');
    });
  }

  test(`${signal} lets a running request end, and tells its client that the connection closes`, async (t) => {
    const { gatehouse, openBusy, answerBusy, untilClosed } = await startBench(t);
    const busy = await openBusy();
    gatehouse.signal(signal);
    await untilClosed();
    assert.equal(busy.hasEnded, false);
    answerBusy();
    assert.match(await busy.untilEnd(), /connection: close\r\n[\s\S]*done$/);
    assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
  });
}

test('is not ready as soon as it is told to stop, and goes on accepting during the delay', async (t) => {
  const { gatehouse, open, untilClosed } = await startBench(t, { shutdown: { delay: '700ms' } });
  const admin = gatehouse.port('admin');
  const readiness = async () => (await ask(admin, '/readyz')).status;
  const kept = await open();
  assert.equal(await readiness(), 200);
  const toldMs = performance.now();
  gatehouse.signal('SIGTERM');
  while ((await readiness()) === 200);
  assert.ok(performance.now() - toldMs < 500, 'not ready at once');
  assert.deepEqual(JSON.parse((await ask(admin, '/readyz')).body), { status: 'not ready', reason: 'shutting down' });
  assert.equal((await ask(admin, '/healthz')).status, 200);
  assert.equal((await ask(gatehouse.port(), '/quick')).body, 'quick');
  kept.send('GET /quick HTTP/1.1\r\nhost: x\r\n\r\n');
  await kept.until('quick');
  await untilClosed();
  assert.ok(performance.now() - toldMs >= 690, 'the delay has passed');
  await kept.untilEnd();
  assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
});

for (const threads of [0, 1]) {
  test(`cuts what still runs at the deadline, WebSockets too, with ${threads} data threads`, async (t) => {
    const { gatehouse, open, openBusy } = await startBench(t, { shutdown: { deadline: '300ms' }, threads });
    const busy = await openBusy();
    const socket = await open();
    socket.send('GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    await socket.until('101 ');
    const toldMs = performance.now();
    gatehouse.signal('SIGTERM');
    await busy.untilEnd();
    await socket.untilEnd();
    assert.equal(busy.received, '');
    assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
    const tookMs = performance.now() - toldMs;
    assert.ok(tookMs >= 290 && tookMs < 2_500, `${tookMs} ms`);
  });
}

for (const second of ['SIGTERM', 'SIGINT'] as const) {
  test(`a second signal, ${second}, ends at once`, async (t) => {
    const { gatehouse, openBusy, untilClosed } = await startBench(t);
    const busy = await openBusy();
    gatehouse.signal('SIGTERM');
    await untilClosed();
    gatehouse.signal(second);
    assert.deepEqual(await gatehouse.ended, { exitCode: 130, signal: null });
    await busy.untilEnd();
  });
}

test('a second signal ends at once during the delay too', async (t) => {
  const { gatehouse } = await startBench(t, { shutdown: { delay: '1h' } });
  gatehouse.signal('SIGTERM');
  while ((await ask(gatehouse.port('admin'), '/readyz')).status === 200);
  gatehouse.signal('SIGTERM');
  assert.deepEqual(await gatehouse.ended, { exitCode: 130, signal: null });
});

test('SIGHUP while it ends opens nothing again', async (t) => {
  const { gatehouse, openBusy, answerBusy, untilClosed } = await startBench(t);
  const busy = await openBusy();
  gatehouse.signal('SIGTERM');
  await untilClosed();
  gatehouse.signal('SIGHUP');
  const [error] = await once(connect(gatehouse.port(), '127.0.0.1'), 'error');
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  answerBusy();
  await busy.untilEnd();
  assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
  assert.equal(gatehouse.stderr, '');
});

test('a client that sends nothing on its connection does not keep it running', async (t) => {
  const { gatehouse, open } = await startBench(t);
  const silent = await open();
  gatehouse.signal('SIGTERM');
  await silent.untilEnd();
  assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
});

test('a request whose head has begun is answered', async (t) => {
  const { gatehouse, open, untilClosed } = await startBench(t);
  const begun = await open();
  begun.send('GET /quick HTTP/1.1\r\nho');
  await ask(gatehouse.port(), '/quick');
  gatehouse.signal('SIGTERM');
  await untilClosed();
  begun.send('st: x\r\n\r\n');
  assert.match(await begun.untilEnd(), /connection: close\r\n[\s\S]*quick$/);
  assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
});
