/** Collectors that are away, slow or full: no request waits for them, and what cannot be kept is counted. Spans of all threads come, and the last ones too. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess } from '#test/support/gatehouse-process.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';
import { startTraceCollector } from '#test/support/trace-collector.ts';

async function start(t: TestContext, collector: string, threads = 0, retryFor = '5m') {
  const input: Partial<GatewayInput> = {
    admin: { address: '127.0.0.1:0' },
    tracing: { to: { otlp: collector, retryFor }, sample: '100%' },
    routes: { local: { match: { path: '/*' }, to: { respond: { text: 'served' } } } },
  };
  const gateway = await startTestGateway(input, { threads });
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const { port } = started.admin;
  const metric = async (name: string): Promise<number> => {
    const { body } = await ask(port, '/metrics');
    return Number(new RegExp(`^gatehouse_trace_spans_${name} (\\d+)$`, 'm').exec(body)?.[1]);
  };
  const send = async () => assert.equal((await ask(gateway.port(), '/')).status, 200);
  return { gateway, input, send, metric };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const givesUpAt = performance.now() + 60_000;
  while (performance.now() < givesUpAt) if (await holds()) return;
  assert.fail('it does not come to hold');
}

test('spans of data threads come to the collector, and are counted', async (t) => {
  const collector = await startTraceCollector(t);
  const { send, metric } = await start(t, collector.url, 2);
  await Promise.all(Array.from({ length: 20 }, send));
  await collector.waitFor(20);
  assert.equal(new Set(collector.spans.map(({ traceId }) => traceId)).size, 20);
  await until(async () => (await metric('exported_total')) === 20);
});

test('a collector that nobody can reach is told of in the log, and no request notices', async (t) => {
  const { gateway, send, metric } = await start(t, 'http://127.0.0.1:9', 0, '0s');
  for (let i = 0; i < 5; i++) await send();
  // They may be sent, and be lost, in several messages, of which only the first is told of at once.
  await until(async () => (await metric('dropped_total\\{reason="unreachable"\\}')) === 5);
  assert.equal(await metric('exported_total'), 0);
  await gateway.stop();
  const [dropped] = gateway.events.filter(({ message }) => message === 'trace spans dropped');
  assert.deepEqual([dropped?.level, dropped?.fields?.['reason']], ['warn', 'unreachable']);
  assert.ok(Number(dropped?.fields?.['spans']) >= 1);
});

test('a collector that keeps the gateway waiting keeps no client waiting', async (t) => {
  const collector = await startTraceCollector(t);
  const waiting: ServerResponse[] = [];
  collector.answer((_exported, response) => {
    waiting.push(response);
    return 'handled';
  });
  const { send } = await start(t, collector.url);
  await send();
  await eventually(() => waiting.length === 1, 'the collector is asked');
  for (let i = 0; i < 20; i++) await send();
  assert.equal(waiting.length, 1);
  collector.answer(() => 'taken');
  waiting[0]!.writeHead(200).end();
  await collector.waitFor(20);
});

test('a collector that has enough is asked again when it says, and gets the same spans', async (t) => {
  const collector = await startTraceCollector(t);
  collector.answer((_exported, response) => {
    response.writeHead(429, { 'retry-after': '0' }).end();
    collector.answer(() => 'taken');
    return 'handled';
  });
  const { send, metric } = await start(t, collector.url);
  await send();
  await collector.waitFor(1);
  assert.deepEqual(
    collector.exports.map(({ spans }) => spans.length),
    [1, 1],
  );
  assert.equal(await metric('dropped_total\\{reason="refused"\\}'), 0);
});

test('spans that are to be sent again are not lost by a reload that is about something else', async (t) => {
  const collector = await startTraceCollector(t);
  collector.answer((_exported, response) => {
    if (collector.exports.length > 2) return 'taken';
    response.writeHead(503).end();
    return 'handled';
  });
  const { gateway, input, send, metric } = await start(t, collector.url);
  await send();
  await eventually(() => collector.exports.length === 1, 'the collector has been asked');
  assert.deepEqual(await gateway.reconfigure({ ...input, forwarding: { via: 'other' } }), []);
  await collector.waitFor(1);
  assert.equal(await metric('dropped_total\\{reason="unreachable"\\}'), 0);
});

test('a reload that changes what is traced loses no span of what was traced before', async (t) => {
  const collector = await startTraceCollector(t);
  const { gateway, input, send, metric } = await start(t, collector.url, 2);
  for (let round = 1; round <= 3; round++) {
    await Promise.all(Array.from({ length: 10 }, send));
    const tracing = { ...input.tracing!, resource: { 'test.round': String(round) } };
    assert.deepEqual(await gateway.reconfigure({ ...input, tracing }), []);
  }
  await collector.waitFor(30);
  assert.equal(new Set(collector.spans.map(({ spanId }) => spanId)).size, 30);
  await until(async () => (await metric('exported_total')) === 30);
});

test('a collector that does not want the spans does not get them again', async (t) => {
  const collector = await startTraceCollector(t);
  collector.answer((_exported, response) => {
    response.writeHead(400).end();
    return 'handled';
  });
  const { send, metric } = await start(t, collector.url);
  await send();
  await until(async () => (await metric('dropped_total\\{reason="refused"\\}')) === 1);
  collector.answer(() => 'taken');
  await send();
  await collector.waitFor(1);
  assert.equal(collector.exports.length, 2);
});

test('the process that ends sends its last spans first', async (t) => {
  const collector = await startTraceCollector(t);
  const service = await startAnsweringService(t, () => '{}');
  const gatehouse = await GatehouseProcess.start(t, {
    threads: 1,
    tracing: { to: { otlp: collector.url }, sample: '100%' },
    services: { all: { endpoints: [service.url] } },
    routes: { all: { match: { path: '/*' }, to: 'all' } },
  });
  assert.equal((await ask(gatehouse.port(), '/')).status, 200);
  gatehouse.signal('SIGTERM');
  const { exitCode } = await gatehouse.ended;
  assert.equal(exitCode, 0);
  assert.deepEqual(collector.spans.map(({ name }) => name).sort(), ['GET /*', 'GET all']);
});

test('threads that end tell of all their spans first', async (t) => {
  const collector = await startTraceCollector(t);
  const gatehouse = await GatehouseProcess.start(t, {
    threads: 2,
    tracing: { to: { otlp: collector.url }, sample: '100%' },
    routes: { local: { match: { path: '/*' }, to: { respond: { text: 'served' } } } },
  });
  await Promise.all(Array.from({ length: 40 }, () => ask(gatehouse.port(), '/')));
  gatehouse.signal('SIGTERM');
  assert.equal((await gatehouse.ended).exitCode, 0);
  assert.equal(new Set(collector.spans.map(({ spanId }) => spanId)).size, 40);
});

test('the process that ends does not wait long for a collector that says nothing', async (t) => {
  const collector = await startTraceCollector(t);
  collector.answer(() => 'handled');
  const gatehouse = await GatehouseProcess.start(t, {
    threads: 1,
    shutdown: { deadline: '0s' },
    tracing: { to: { otlp: collector.url, timeout: '1m' }, sample: '100%' },
    routes: { local: { match: { path: '/*' }, to: { respond: { text: 'served' } } } },
  });
  assert.equal((await ask(gatehouse.port(), '/')).status, 200);
  gatehouse.signal('SIGTERM');
  assert.equal((await gatehouse.ended).exitCode, 0);
  assert.ok(gatehouse.events.some(({ message, reason }) => message === 'trace spans dropped' && reason === 'unreachable'));
});

test('a collector over TLS is asked where an authority that is named has signed its certificate', async (t) => {
  const collector = await startTraceCollector(t, certificates.localhost);
  const { authority: ca, otherAuthority } = certificatePaths;
  const start = async (to: { otlp: string; ca?: string; retryFor: string }) => {
    const gateway = await startTestGateway({
      tracing: { to, sample: '100%' },
      routes: { local: { match: { path: '/*' }, to: { respond: { text: 'served' } } } },
    });
    t.after(() => gateway.stop());
    await ask(gateway.port(), '/');
    return gateway;
  };
  await start({ otlp: collector.url, ca, retryFor: '0s' });
  await collector.waitFor(1);
  const refusing = await start({ otlp: collector.url, ca: otherAuthority, retryFor: '0s' });
  await eventually(() => refusing.events.some(({ message }) => message === 'trace spans dropped'), 'the spans are dropped');
  assert.equal(collector.spans.length, 1);
});
