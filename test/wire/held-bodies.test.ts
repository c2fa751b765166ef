// A body that a policy has read as a whole is as good as one that still comes from the client: it reaches every attempt and every copy.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { GatewayError } from '#base/errors.ts';
import { Fallback } from '#forward/fallback.ts';
import { ForwardTerminal } from '#forward/forward.ts';
import { Mirrors } from '#forward/mirrors.ts';
import { readRequestBody, replaceRequestBody } from '#http/request-body.ts';
import { mirrorSlot } from '#pipeline/mirror-order.ts';
import { RoutePlan } from '#pipeline/plan.ts';
import type { PolicyPhases } from '#pipeline/policy.ts';
import { runPlan } from '#pipeline/run.ts';
import { onEachWholeRequest, type WholeRequest } from '#test/support/client-bench.ts';
import { eventually } from '#test/support/eventually.ts';
import { testForwardRules } from '#test/support/forward-rules.ts';
import { injectExchange } from '#test/support/inject-exchange.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';
import { answerWith } from '#test/support/scripted-service.ts';
import { createServiceMeans, createTestService } from '#test/support/services.ts';

type Act = (connection: UpstreamConnection, request: WholeRequest) => void;

const serve: Act = (connection) => answerWith(200)(connection, '', 0);
const fail: Act = (connection) => answerWith(503)(connection, '', 0);
const reset: Act = ({ socket }) => void socket.resetAndDestroy();

const LIMIT_BYTES = 2_000_000;
/** Nobody listens here. */
const DOWN = 'http://127.0.0.1:1';

/** Reads the body, and puts another one in its place where there is one. */
function readFirst(replacement?: string, mirror?: string): PolicyPhases {
  return {
    async requestHead(exchange) {
      const body = await readRequestBody(exchange, LIMIT_BYTES);
      if (body instanceof GatewayError) return body;
      if (replacement !== undefined) replaceRequestBody(exchange, Buffer.from(replacement));
      if (mirror !== undefined) exchange.set(mirrorSlot, { service: mirror, bodyBytesMax: LIMIT_BYTES, timeoutMs: 60_000 });
      return undefined;
    },
  };
}

interface Bench {
  /** What endpoints were sent, in order: by endpoint, and its body. */
  readonly seen: readonly (readonly [endpoint: number, request: WholeRequest])[];
  send(body: string, method?: string): Promise<{ readonly status: number; readonly attempts: number }>;
}

/** One endpoint for each act, asked in this order. The last one is that of another service where `other` says what for. */
async function startBench(
  t: TestContext,
  acts: readonly (Act | 'refuse')[],
  { phases = readFirst(), other }: { readonly phases?: PolicyPhases; readonly other?: 'fallback' | 'mirror' } = {},
): Promise<Bench> {
  const seen: [number, WholeRequest][] = [];
  const upstreams: RawUpstream[] = [];
  const urls: string[] = [];
  for (const [index, act] of acts.entries()) {
    if (act === 'refuse') {
      urls.push(DOWN);
      continue;
    }
    const upstream = await startRawUpstream(
      onEachWholeRequest((connection, request) => {
        seen.push([index, request]);
        act(connection, request);
      }),
    );
    upstreams.push(upstream);
    urls.push(upstream.url);
  }
  const means = createServiceMeans();
  const main = createTestService(other === undefined ? urls : urls.slice(0, -1), {}, means);
  const second = createTestService(urls.slice(-1), { name: 'second' }, { ...means, board: createServiceMeans().board });
  const mirrors = new Mirrors(means);
  const fallback = new Fallback({ kind: 'service', service: second, rules: testForwardRules }, ['unavailable', 'failure', 503]);
  const terminal = new ForwardTerminal(
    { services: [{ service: main, weight: 1, rules: testForwardRules }], fallback: other === 'fallback' ? fallback : undefined },
    { ...means, random: () => 0, mirrors, services: new Map([['second', second]]) },
  );
  const plan = new RoutePlan('all', [{ name: 'reading', phases }], terminal);
  t.after(async () => {
    mirrors.close();
    main.close();
    second.close();
    means.resolver.close();
    for (const upstream of upstreams) await upstream.close();
  });
  return {
    seen,
    async send(body, method = 'PUT') {
      const attempts: number[] = [];
      const answer = await injectExchange(
        means.clock,
        (exchange) => {
          runPlan(exchange, plan);
          exchange.attach({ release: () => void attempts.push(exchange.attempts) });
        },
        { url: '/orders', method, body },
      );
      return { status: answer.status, attempts: attempts[0]! };
    },
  };
}

const bodiesIn = ({ seen }: Bench) => seen.map(([endpoint, { body }]) => [endpoint, body]);

test('reaches the next endpoint when the first one cannot be reached', async (t) => {
  const bench = await startBench(t, ['refuse', serve]);
  assert.deepEqual(await bench.send('held', 'POST'), { status: 200, attempts: 2 });
  assert.deepEqual(bodiesIn(bench), [[1, 'held']]);
});

test('reaches the next endpoint when the first one has taken it and fails', async (t) => {
  for (const act of [fail, reset]) {
    const bench = await startBench(t, [act, serve]);
    assert.deepEqual(await bench.send('held'), { status: 200, attempts: 2 });
    assert.deepEqual(bodiesIn(bench), [
      [0, 'held'],
      [1, 'held'],
    ]);
  }
});

test('is not sent again when it is longer than what is kept for that', async (t) => {
  const bench = await startBench(t, [fail, serve]);
  assert.deepEqual(await bench.send('x'.repeat(1_001)), { status: 503, attempts: 1 });
});

test('is sent over a fresh connection when an old one is lost', async (t) => {
  let count = 0;
  const bench = await startBench(t, [(connection, request) => (++count === 2 ? reset : serve)(connection, request)]);
  assert.equal((await bench.send('first')).status, 200);
  assert.equal((await bench.send('second')).status, 200);
  assert.deepEqual(bodiesIn(bench), [
    [0, 'first'],
    [0, 'second'],
    [0, 'second'],
  ]);
});

test('reaches the service that stands in, whether anybody of the other one was reached or not', async (t) => {
  for (const acts of [[serve], ['refuse', serve], [fail, serve]] as const) {
    const bench = await startBench(t, acts, { other: 'fallback' });
    assert.equal((await bench.send('held', 'POST')).status, 200);
    assert.deepEqual(bodiesIn(bench).at(-1), [acts.length - 1, 'held']);
  }
});

test('what has taken its place reaches every attempt, with its own length', async (t) => {
  const bench = await startBench(t, [fail, serve], { phases: readFirst('replaced') });
  for (const body of ['x', '']) assert.equal((await bench.send(body)).status, 200);
  assert.ok(bench.seen.length > 2);
  for (const [, { body, head }] of bench.seen)
    assert.deepEqual([body, /content-length: (\d+)/.exec(head)?.[1]], ['replaced', '8']);
});

test('reaches the copy for a mirror as it reaches the service', async (t) => {
  for (const [replacement, shown] of [
    [undefined, 'held'],
    ['replaced', 'replaced'],
    ['', ''],
  ] as const) {
    const bench = await startBench(t, [serve, serve], { phases: readFirst(replacement, 'second'), other: 'mirror' });
    assert.equal((await bench.send('held')).status, 200);
    await eventually(() => bench.seen.length === 2, 'the mirror has its copy');
    assert.deepEqual(bodiesIn(bench).sort(), [
      [0, shown],
      [1, shown],
    ]);
  }
});

test('a request without one is copied once, although its connection asks for more', async (t) => {
  const bench = await startBench(t, [serve, serve], { phases: readFirst(undefined, 'second'), other: 'mirror' });
  // The second one comes over a connection that the copies use too, so a copy too many would be there before it.
  for (const count of [2, 4]) {
    assert.equal((await bench.send('', 'GET')).status, 200);
    await eventually(() => bench.seen.length >= count, 'the mirror has its copy');
    assert.equal(bench.seen.length, count);
  }
});

test('a long one reaches a service whole that begins to read late', async (t) => {
  const held = Promise.withResolvers<() => void>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    held.resolve(() => {
      let bytes = 0;
      socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes > 1_900_000) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      });
      socket.on('error', () => undefined);
      socket.resume();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const means = createServiceMeans();
  const service = createTestService([`http://127.0.0.1:${address.port}`], {}, means);
  t.after(async () => {
    service.close();
    means.resolver.close();
    await new Promise((resolve) => server.close(resolve));
  });
  const terminal = new ForwardTerminal(
    { services: [{ service, weight: 1, rules: testForwardRules }] },
    { ...means, random: () => 0, mirrors: new Mirrors(means), services: new Map() },
  );
  const plan = new RoutePlan('all', [{ name: 'reading', phases: readFirst() }], terminal);
  const answer = injectExchange(means.clock, (exchange) => runPlan(exchange, plan), {
    url: '/',
    method: 'POST',
    body: 'x'.repeat(1_900_000),
  });
  (await held.promise)();
  assert.equal((await answer).status, 200);
});
