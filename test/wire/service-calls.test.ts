/** The gateway asks a service on its own, for requests that wait for the answer. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { type Asked, ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { advance, onEachRequest, openClient, settle } from '#test/support/forwarding.ts';
import { startHttp2Upstream } from '#test/support/http2-upstream.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type OnData = (connection: UpstreamConnection, chunk: string) => void;
type ServiceInput = NonNullable<GatewayInput['services']>[string];
type ForwardAuthInput = Omit<Exclude<NonNullable<NonNullable<GatewayInput['policies']>['forward-auth']>, false>, 'service'>;

const SERVED = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nserved';
const ALLOWED = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-user: alice\r\n\r\n';

interface Fixture {
  readonly gateway: TestGateway;
  readonly main: RawUpstream;
  readonly decider: RawUpstream;
  send(path?: string, asked?: Asked): ReturnType<typeof ask>;
  /** What the exchange of the only request came to. */
  logLine(): Promise<Record<string, unknown>>;
}

interface Options {
  readonly clock?: FakeClock;
  readonly decider?: Partial<ServiceInput>;
  readonly policy?: ForwardAuthInput;
}

async function start(t: TestContext, onAsked: OnData, { clock, decider: settings, policy }: Options = {}): Promise<Fixture> {
  const main = await startRawUpstream(onEachRequest((connection) => connection.send(SERVED)));
  const decider = await startRawUpstream(onAsked);
  const gateway = await startTestGateway(
    {
      services: { main: { endpoints: [main.url] }, decider: { endpoints: [decider.url], ...settings } },
      ...(clock !== undefined && { listeners: { web: { address: '127.0.0.1:0', timeouts: { head: '1s' } } } }),
      routes: {
        local: { match: { path: '/-/local' }, to: { respond: { status: 204 } } },
        all: {
          match: { path: '/*' },
          to: 'main',
          policies: { 'forward-auth': { service: 'decider', path: '/verify', forward: ['x-user'], timeout: '1m', ...policy } },
        },
      },
    },
    clock === undefined ? {} : { clock },
  );
  t.after(async () => {
    await gateway.stop();
    await eventually(() => decider.connections.every(({ socket }) => socket.closed), 'no question is under way any more');
    await main.close();
    await decider.close();
  });
  return {
    gateway,
    main,
    decider,
    send: (path = '/', asked = {}) => ask(gateway.port(), path, asked),
    async logLine() {
      const lines = await gateway.stop();
      return lines.find(({ route }) => route === 'all')!;
    },
  };
}

test('a service is asked about the request, by the gateway and not by what the client claims', async (t) => {
  const { send, main, decider, gateway } = await start(
    t,
    onEachRequest((connection) => connection.send(ALLOWED)),
  );
  const { status, body } = await send('/orders/7?a=1', {
    method: 'DELETE',
    headers: {
      host: 'shop.test',
      authorization: 'Bearer abc',
      cookie: 'a=1',
      'x-other': 'private',
      'x-user': 'root',
      X_User: 'root',
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-host': 'evil.test',
      'x-forwarded-proto': 'https',
      'x-forwarded-uri': '/harmless',
      'x-forwarded-method': 'GET',
      forwarded: 'for=10.0.0.1',
    },
  });
  assert.deepEqual([status, body], [200, 'served']);
  const asked = decider.connections[0]!.received;
  assert.match(asked, /^GET \/verify HTTP\/1\.1\r\nhost: shop\.test\r\n/);
  const lines = asked.split('\r\n').slice(2);
  for (const line of [
    'x-forwarded-method: DELETE',
    'x-forwarded-uri: /orders/7?a=1',
    'x-forwarded-host: shop.test',
    'x-forwarded-proto: http',
    'x-forwarded-for: 127.0.0.1',
    'authorization: Bearer abc',
    'cookie: a=1',
  ])
    assert.deepEqual(
      lines.filter((each) => each.startsWith(line.slice(0, line.indexOf(':') + 1))),
      [line],
    );
  assert.doesNotMatch(asked, /private|root|evil|harmless|10\.0\.0\.1/);
  const served = main.connections[0]!.received;
  assert.match(served, /^x-user: alice\r$/m);
  assert.doesNotMatch(served, /root/);
  await gateway.stop();
});

test('connections to the service are used again, and one that was closed in between costs nobody an answer', async (t) => {
  const { send, decider } = await start(
    t,
    onEachRequest((connection) => connection.send(ALLOWED)),
  );
  await send();
  await send();
  assert.equal(decider.connections.length, 1);
  // Closed as the next question is on its way.
  const [first] = decider.connections;
  first!.socket.removeAllListeners('data');
  first!.socket.on('data', () => first!.socket.destroy());
  assert.equal((await send()).status, 200);
  assert.equal(decider.connections.length, 2);
});

test('the same over HTTP/2', async (t) => {
  const asked: string[] = [];
  const decider = await startHttp2Upstream(t, (stream, headers) => {
    asked.push(`${headers[':method']} ${headers[':path']} ${headers['x-forwarded-uri']}`);
    stream.respond({ ':status': 403 });
    stream.end('no');
  });
  const { send } = await start(t, () => undefined, { decider: { endpoints: [decider.url], protocol: 'http2' } });
  const { status, body } = await send('/orders/7');
  assert.deepEqual([status, body, asked], [403, 'no', ['GET /verify /orders/7']]);
});

test('an answer that is too long, breaks off or changes the protocol lets nobody pass', async (t) => {
  const answers = [
    ['HTTP/1.1 200 OK\r\ncontent-length: 1025\r\n\r\n', 'GH_SERVICE_CALL_ANSWER_TOO_LONG'],
    [
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n401\r\n${'x'.repeat(1_025)}\r\n0\r\n\r\n`,
      'GH_SERVICE_CALL_ANSWER_TOO_LONG',
    ],
    ['HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', 'GH_UPSTREAM_'],
    ['HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', 'GH_UPSTREAM_'],
    ['nonsense\r\n\r\n', 'GH_UPSTREAM_'],
    ['', 'GH_UPSTREAM_'],
  ] as const;
  for (const [answer, reason] of answers) {
    await t.test(answer.slice(0, 30), async (t) => {
      const onAsked: OnData = (connection) => {
        connection.send(answer);
        if (!answer.includes('101')) connection.socket.end();
      };
      const fixture = await start(t, onAsked, { policy: { maxAnswer: '1KiB' } });
      const { status, body } = await fixture.send();
      assert.equal(status, 503);
      assert.equal((JSON.parse(body) as { code: string }).code, 'GH_FORWARD_AUTH_UNAVAILABLE');
      assert.equal(fixture.main.connections.length, 0);
      const { detail } = (await fixture.logLine()) as { detail: { error: string } };
      assert.ok(detail.error.startsWith(reason), detail.error);
    });
  }
});

test('as long an answer as may be is read', async (t) => {
  const body = 'x'.repeat(1_024);
  const { send } = await start(
    t,
    onEachRequest((connection) => connection.send(`HTTP/1.1 401 No\r\ncontent-length: 1024\r\n\r\n${body}`)),
    {
      policy: { maxAnswer: '1KiB' },
    },
  );
  const answer = await send();
  assert.deepEqual([answer.status, answer.body], [401, body]);
});

test('a service that says nothing in time is not waited for, and its connection is closed', async (t) => {
  const clock = new FakeClock();
  const fixture = await start(t, () => undefined, { clock, policy: { timeout: '1s' } });
  const { gateway, decider } = fixture;
  const client = await openClient(t, gateway);
  client.send('GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n');
  await eventually(() => decider.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the question is there');
  await advance(clock, 1_500, gateway);
  assert.match((await client.untilEnd()).toString(), /^HTTP\/1\.1 503 /);
  await eventually(() => decider.connections[0]!.socket.closed, 'the connection is closed');
  const { detail } = (await fixture.logLine()) as { detail: Record<string, unknown> };
  const { error, ...limit } = detail;
  assert.match(String(error), /^GH_UPSTREAM_(?:FIRST_BYTE|REQUEST)_TIMEOUT$/);
  assert.deepEqual(limit, { timeoutMs: 1_000, setting: 'forward-auth.timeout', service: 'decider' });
});

test('when the client goes, the question is broken off', async (t) => {
  const { gateway, main, decider } = await start(t, () => undefined);
  const client = await openClient(t, gateway);
  client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  await eventually(() => decider.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the question is there');
  client.close();
  await eventually(() => decider.connections[0]!.socket.closed, 'the connection is closed');
  await settle(gateway);
  assert.equal(main.connections.length, 0);
});

test('a service that cannot be reached lets nobody pass, unless it is meant to', async (t) => {
  for (const [onFailure, status] of [
    ['refuse', 503],
    ['allow', 200],
  ] as const) {
    const fixture = await start(t, () => undefined, {
      decider: { endpoints: ['http://127.0.0.1:1'] },
      policy: { onFailure },
    });
    const answer = await fixture.send('/', { headers: { 'x-user': 'root' } });
    assert.equal(answer.status, status);
    assert.doesNotMatch(fixture.main.connections[0]?.received ?? '', /root/);
  }
});

test('another endpoint is asked where one cannot be reached', async (t) => {
  const onAsked = onEachRequest((connection) => connection.send(ALLOWED));
  const decider = await startRawUpstream(onAsked);
  t.after(() => decider.close());
  const { send } = await start(t, onAsked, { decider: { endpoints: ['http://127.0.0.1:1', decider.url] } });
  for (let i = 0; i < 4; i++) assert.equal((await send()).status, 200);
});

test('a service takes as many questions as it may, and a place is free again afterwards', async (t) => {
  const waiting: UpstreamConnection[] = [];
  const fixture = await start(
    t,
    onEachRequest((connection) => void waiting.push(connection)),
    {
      decider: { concurrency: { max: 1 } },
    },
  );
  const first = fixture.send();
  await eventually(() => waiting.length === 1, 'the first question is there');
  assert.equal((await fixture.send()).status, 503);
  waiting[0]!.send(ALLOWED);
  assert.equal((await first).status, 200);
  const third = fixture.send();
  await eventually(() => waiting.length === 2, 'the third question is there');
  waiting[1]!.send(ALLOWED);
  assert.equal((await third).status, 200);
});
