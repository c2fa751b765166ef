// Which attempts are followed by another one, where it goes, and what the client and the access log see of it.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { startGatewayFor } from '#test/support/forwarding.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { answerWith, codeOf, GET, reset, type Script, startScriptedService } from '#test/support/scripted-service.ts';

const post = 'POST / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello';
const keyed = post.replace('\r\n\r\n', '\r\nIdempotency-Key: "8e03978e"\r\n\r\n');
/** So that nothing waits. */
const soon = { backoff: { base: '1ms', max: '1ms' } } as const;

function statusOf(answer: string): number {
  return Number(answer.slice(9, 12));
}

/** Where nobody listens. */
const CLOSED_URL = 'http://127.0.0.1:1';

// After which failure

const breaks: { name: string; script: Script }[] = [
  { name: 'is reset before an answer', script: reset },
  { name: 'is closed before an answer', script: ({ socket }) => void socket.end() },
  { name: 'breaks off inside the head of its answer', script: ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nx-a: b\r\n') },
];

for (const { name, script } of breaks) {
  test(`a safe request whose fresh connection ${name} goes to another endpoint at once`, async (t) => {
    const service = await startScriptedService(t, [script, answerWith(200)]);
    assert.equal(statusOf(await service.ask()), 200);
    assert.deepEqual(service.counts, [1, 1]);
    const line = await service.lastLine();
    assert.equal(line['attempts'], 2);
    assert.equal(line['endpoint'], service.upstreams[1]!.url);
    assert.equal(line['code'], undefined);
    const tried = line['tried'] as Record<string, unknown>[];
    assert.equal(tried.length, 1);
    assert.equal(tried[0]!['endpoint'], service.upstreams[0]!.url);
    assert.match(String(tried[0]!['outcome']), /^GH_UPSTREAM_(LOST_BEFORE_ANSWER|TRUNCATED_HEAD)$/);
  });
}

test('an answer that has begun is never tried again', async (t) => {
  const service = await startScriptedService(t, [
    ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe'),
    answerWith(200),
  ]);
  assert.match(await service.ask(), /^HTTP\/1.1 200 .*\r\n\r\nhe$/s);
  assert.deepEqual(service.counts, [1, 0]);
});

test('an answer that breaks the rules is not tried again', async (t) => {
  const service = await startScriptedService(t, [({ send }) => send('HTTP/1.1 2xx OK\r\n\r\n'), answerWith(200)]);
  assert.equal(codeOf(await service.ask()), 'GH_UPSTREAM_MALFORMED_ANSWER');
  assert.deepEqual(service.counts, [1, 0]);
});

for (const setting of ['service', 'route'] as const) {
  test(`\`retry: false\` of the ${setting} lets the first failure be the last`, async (t) => {
    const service = await startScriptedService(t, [reset, answerWith(200)], { [setting]: { retry: false } });
    assert.equal(codeOf(await service.ask()), 'GH_UPSTREAM_LOST_BEFORE_ANSWER');
    assert.deepEqual(service.counts, [1, 0]);
  });
}

test('a route may have further attempts where its service has none', async (t) => {
  const service = await startScriptedService(t, [reset, answerWith(200)], {
    service: { retry: false },
    route: { retry: { attempts: 1 } },
  });
  assert.equal(statusOf(await service.ask()), 200);
});

test('there are as many further attempts as the settings say, and no more', async (t) => {
  for (const attempts of [1, 2, 3]) {
    await t.test(String(attempts), async (inner) => {
      const service = await startScriptedService(inner, [reset, reset], { service: { retry: { attempts, ...soon } } });
      assert.equal(codeOf(await service.ask()), 'GH_UPSTREAM_LOST_BEFORE_ANSWER');
      assert.equal(service.counts[0]! + service.counts[1]!, 1 + attempts);
      const line = await service.lastLine();
      assert.equal(line['attempts'], 1 + attempts);
      assert.equal((line['tried'] as unknown[]).length, attempts);
    });
  }
});

test('what is not in `on` is not tried again', async (t) => {
  const service = await startScriptedService(t, [reset, answerWith(200)], { service: { retry: { on: ['connect', 502] } } });
  assert.equal(codeOf(await service.ask()), 'GH_UPSTREAM_LOST_BEFORE_ANSWER');
});

test('the only endpoint is asked again after a pause', async (t) => {
  const service = await startScriptedService(t, [
    (connection, head, count) => (connection.index === 0 ? reset : answerWith(200))(connection, head, count),
  ]);
  assert.equal(statusOf(await service.ask()), 200);
  assert.deepEqual(service.counts, [2]);
});

test('a client that leaves in the pause leaves nothing behind', async (t) => {
  const pause = { backoff: { base: '1m', max: '1m' } };
  const service = await startScriptedService(t, [reset], { service: { retry: pause } });
  const client = await service.open();
  client.send(GET);
  await eventually(() => service.upstreams[0]!.connections[0]?.socket.closed === true, 'the first attempt is over');
  client.close();
  const line = await service.lastLine();
  assert.equal(service.counts[0], 1);
  assert.equal(line['attempts'] ?? 1, 1);
});

// Which requests

const requests: { name: string; request: string; isRepeated: boolean }[] = [
  { name: 'PUT', request: post.replace('POST', 'PUT'), isRepeated: true },
  { name: 'DELETE', request: GET.replace('GET', 'DELETE'), isRepeated: true },
  { name: 'POST', request: post, isRepeated: false },
  { name: 'PATCH', request: post.replace('POST', 'PATCH'), isRepeated: false },
  { name: 'POST with an idempotency key', request: keyed, isRepeated: true },
  { name: 'POST with a key in capitals', request: keyed.replace('Idempotency-Key', 'IDEMPOTENCY-KEY'), isRepeated: true },
  {
    name: 'POST with a key that is meant for the gateway alone',
    request: keyed.replace('connection: close', 'connection: close, idempotency-key'),
    isRepeated: false,
  },
];

for (const { name, request, isRepeated } of requests) {
  test(`${name} is ${isRepeated ? '' : 'not '}sent again after a reset`, async (t) => {
    const service = await startScriptedService(t, [reset, answerWith(200)]);
    const answer = await service.ask(request);
    assert.equal(codeOf(answer), isRepeated ? undefined : 'GH_UPSTREAM_LOST_BEFORE_ANSWER');
    assert.deepEqual(service.counts, [1, isRepeated ? 1 : 0]);
    if (isRepeated && request.includes('hello'))
      assert.match(service.upstreams[1]!.connections[0]!.received, /\r\ncontent-length: 5\r\n.*\r\n\r\nhello$/s);
  });
}

test('`methods` takes in a POST', async (t) => {
  const service = await startScriptedService(t, [reset, answerWith(200)], { service: { retry: { methods: ['POST'] } } });
  assert.equal(statusOf(await service.ask(post)), 200);
  assert.deepEqual(service.counts, [1, 1]);
});

async function startHalfClosed(t: TestContext, retry: object = {}) {
  const upstream = await startRawUpstream((connection) => answerWith(200)(connection, '', 0));
  const endpoints = [CLOSED_URL, upstream.url];
  const gateway = await startGatewayFor(t, { service: { endpoints, retry } });
  t.after(() => upstream.close());
  const ask = async (request: string) => {
    const client = await RawClient.open(gateway.port());
    client.send(request);
    const answer = await client.untilEnd();
    client.close();
    return answer;
  };
  return { gateway, upstream, ask };
}

for (const request of [GET, post]) {
  test(`${request.slice(0, 4).trim()} goes to another endpoint when one cannot be reached, and takes nothing from the budget`, async (t) => {
    const { gateway, ask } = await startHalfClosed(t, { budget: { ratio: '0%', minPerSecond: 0 } });
    for (let i = 0; i < 4; i++) assert.equal(statusOf(await ask(request)), 200);
    const lines = await gateway.stop();
    assert.deepEqual(
      lines.map(({ attempts }) => attempts ?? 1),
      [2, 1, 2, 1],
    );
    assert.equal((lines[0]!['tried'] as Record<string, unknown>[])[0]!['outcome'], 'GH_UPSTREAM_UNREACHABLE');
  });
}

// Bodies

const BODY_MAX = 1024;

for (const [size, isRepeated] of [
  [BODY_MAX, true],
  [BODY_MAX + 1, false],
] as const) {
  for (const framing of ['content-length', 'chunked'] as const) {
    test(`a body of ${size} bytes (${framing}) is ${isRepeated ? '' : 'not '}sent again where ${BODY_MAX} are kept`, async (t) => {
      const body = 'x'.repeat(size);
      const isWhole = ({ received }: { received: string }) => received.endsWith('xx') || received.endsWith('0\r\n\r\n');
      const upstreams = await Promise.all([
        startRawUpstream((connection) => void (isWhole(connection) && connection.socket.resetAndDestroy())),
        startRawUpstream((connection) => void (isWhole(connection) && answerWith(200)(connection, '', 0))),
      ]);
      const gateway = await startGatewayFor(t, {
        service: { endpoints: upstreams.map(({ url }) => url), retry: { bodyMax: `${BODY_MAX}B` } },
      });
      for (const upstream of upstreams) t.after(() => upstream.close());
      const client = await RawClient.open(gateway.port());
      const head = 'PUT / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n';
      if (framing === 'chunked')
        client.send(`${head}transfer-encoding: chunked\r\n\r\n${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
      else client.send(`${head}content-length: ${size}\r\n\r\n${body}`);
      const answer = await client.untilEnd();
      client.close();
      const [line] = await gateway.stop();
      if (isRepeated) {
        assert.equal(statusOf(answer), 200);
        assert.ok(upstreams[1]!.connections[0]!.received.includes(body));
      } else {
        assert.equal(codeOf(answer), 'GH_UPSTREAM_LOST_BEFORE_ANSWER');
        assert.deepEqual(line!['detail'], {
          reason: 'ECONNRESET',
          notRetried: 'the body is longer than services.main.retry.bodyMax',
        });
        assert.equal(upstreams[1]!.connections.length, 0);
      }
      assert.ok(!answer.includes('services.main'), 'the client hears nothing of the inside');
    });
  }
}

// Answers that are not wanted

test('an answer with a status of `on` is thrown away while there is another attempt', async (t) => {
  const service = await startScriptedService(t, [answerWith(503, 'no'), answerWith(200)], { service: { retry: { on: [503] } } });
  const answer = await service.ask();
  assert.match(answer, /^HTTP\/1.1 200 .*\r\n\r\nok$/s);
  const line = await service.lastLine();
  assert.equal(line['status'], 200);
  assert.equal((line['tried'] as Record<string, unknown>[])[0]!['outcome'], 503);
});

test('without `on`, every answer is the answer', async (t) => {
  const service = await startScriptedService(t, [answerWith(503, 'no'), answerWith(200)]);
  assert.match(await service.ask(), /^HTTP\/1.1 503 .*\r\n\r\nno$/s);
  assert.deepEqual(service.counts, [1, 0]);
});

test('the last answer goes to the client as it came', async (t) => {
  const service = await startScriptedService(t, [answerWith(503, 'one'), answerWith(502, 'two', 'x-from: the second\r\n')], {
    service: { retry: { on: [502, 503], attempts: 1 } },
  });
  assert.match(await service.ask(), /^HTTP\/1.1 502 Said\r\n.*x-from: the second\r\n.*\r\n\r\ntwo$/s);
  assert.deepEqual(service.counts, [1, 1]);
});

test('a POST is answered with the status that is not wanted', async (t) => {
  const service = await startScriptedService(t, [answerWith(503, 'no'), answerWith(200)], { service: { retry: { on: [503] } } });
  assert.equal(statusOf(await service.ask(post)), 503);
  assert.deepEqual(service.counts, [1, 0]);
});

test('a connection whose short answer was thrown away is used again; one with a long answer is closed', async (t) => {
  const long = 'x'.repeat(200_000);
  const service = await startScriptedService(
    t,
    [
      (connection, head, count) => answerWith(503, head.includes('/long') ? long : 'no')(connection, head, count),
      answerWith(200),
    ],
    { service: { retry: { on: [503] } } },
  );
  for (const path of ['/short', '/short', '/long', '/long']) {
    // Both endpoints take turns, so every second request begins at the one that refuses.
    assert.equal(statusOf(await service.ask(GET.replace('/', path))), 200);
    await service.ask(GET.replace('/', '/short'));
  }
  const { connections } = service.upstreams[0]!;
  await eventually(
    () => connections.some(({ socket, received }) => socket.closed && received.includes('/long')),
    'the long answer is left',
  );
  assert.match(connections[0]!.received, /\/short.*\/short/s);
});

for (const [seconds, isWaited] of [
  ['0', true],
  ['5', false],
  ['Wed, 21 Oct 2099 07:28:00 GMT', false],
  ['Wed, 21 Oct 2015 07:28:00 GMT', true],
] as const) {
  test(`\`retry-after: ${seconds}\` of the only endpoint is ${isWaited ? '' : 'not '}waited for`, async (t) => {
    const script: Script = (connection, head, count) =>
      (connection.received.split('GET').length > 2 || connection.index > 0
        ? answerWith(200)
        : answerWith(503, 'no', `retry-after: ${seconds}\r\n`))(connection, head, count);
    const service = await startScriptedService(t, [script], { service: { retry: { on: [503], ...soon } } });
    assert.equal(statusOf(await service.ask()), isWaited ? 200 : 503);
    assert.deepEqual(service.counts, [isWaited ? 2 : 1]);
  });
}

test('`retry-after` speaks for the endpoint that says it: another one is asked at once', async (t) => {
  const service = await startScriptedService(t, [answerWith(503, 'no', 'retry-after: 60\r\n'), answerWith(200)], {
    service: { retry: { on: [503] } },
  });
  assert.equal(statusOf(await service.ask()), 200);
});

// The budget

test('a service in which everything fails gets no more further attempts than its budget allows', async (t) => {
  const count = 200;
  const service = await startScriptedService(t, [reset, reset, reset], {
    // No time passes: the budget is one of some seconds, however long the requests take.
    clock: new FakeClock(),
    service: { retry: { budget: { ratio: '10%', minPerSecond: 1 }, ...soon } },
  });
  for (let i = 0; i < count; i++) assert.equal(codeOf(await service.ask()), 'GH_UPSTREAM_LOST_BEFORE_ANSWER');
  const sent = service.counts.reduce((sum, each) => sum + each, 0);
  assert.ok(sent > count, 'some are tried again');
  assert.ok(sent <= count * 1.1 + 10, `${sent} attempts for ${count} requests`);
  const line = await service.lastLine();
  assert.deepEqual(line['detail'], { reason: 'ECONNRESET', notRetried: 'services.main.retry.budget is used up' });
});

test('with an empty budget an answer that is not wanted goes to the client, and the log says why', async (t) => {
  const service = await startScriptedService(t, [answerWith(503, 'no'), answerWith(200)], {
    service: { retry: { on: [503], budget: { ratio: '0%', minPerSecond: 0 } } },
  });
  assert.match(await service.ask(), /^HTTP\/1.1 503 .*\r\n\r\nno$/s);
  assert.equal((await service.lastLine())['notRetried'], 'services.main.retry.budget is used up');
});

test('the repeat on a dead reused connection takes nothing from the budget', async (t) => {
  const script: Script = (connection, head, count) =>
    (connection.index === 0 && count > 0 ? reset : answerWith(200))(connection, head, count);
  const service = await startScriptedService(t, [script], { service: { retry: { budget: { ratio: '0%', minPerSecond: 0 } } } });
  for (let i = 0; i < 2; i++) assert.equal(statusOf(await service.ask()), 200);
  assert.deepEqual(service.counts, [3]);
});
