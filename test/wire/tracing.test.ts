/** The spans of requests, as a collector gets them. */
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { type AnsweringService, type ServiceScript, startAnsweringService } from '#test/support/answering-service.ts';
import { type Asked, ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { startHttp2Upstream } from '#test/support/http2-upstream.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';
import { type CollectedSpan, startTraceCollector } from '#test/support/trace-collector.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

interface Options {
  readonly tracing?: Partial<NonNullable<GatewayInput['tracing']>>;
  readonly input?: (service: AnsweringService) => Partial<GatewayInput>;
  readonly script?: ServiceScript;
}

async function start(t: TestContext, { tracing, input, script = () => '{}' }: Options = {}) {
  const collector = await startTraceCollector(t);
  const service = await startAnsweringService(t, script);
  const gateway = await startTestGateway({
    tracing: { to: { otlp: collector.url }, sample: '100%', ...tracing },
    services: { all: { endpoints: [service.url] } },
    routes: { all: { match: { path: '/*' }, to: 'all' } },
    ...input?.(service),
  });
  t.after(() => gateway.stop());
  const send = (path = '/', asked?: Asked) => ask(gateway.port(), path, asked);
  return { collector, service, gateway, send };
}

/** The id of the span that a service was called in. */
function spanIdIn(headers: Readonly<Record<string, unknown>>): string {
  return String(headers['traceparent']).split('-')[2]!;
}

function only(spans: readonly CollectedSpan[], matches: (span: CollectedSpan) => boolean): CollectedSpan {
  const [found, ...more] = spans.filter(matches);
  assert.ok(found !== undefined && more.length === 0, `one span of ${spans.map(({ name }) => name)}`);
  return found;
}

const isServer = ({ kind }: CollectedSpan) => kind === 'server';

test('a traced request has a span by the conventions, and one for what the service was asked', async (t) => {
  const { collector, service, gateway, send } = await start(t, {
    tracing: { resource: { 'service.name': 'shop', 'deployment.environment.name': 'test' }, trust: 'all' },
    input: ({ url }) => ({
      services: { orders: { endpoints: [url] } },
      routes: { order: { match: { path: '/orders/:id' }, to: 'orders' } },
    }),
  });
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'a=1', 'user-agent': 'test/1' };
  await send('/orders/7?page=2', { method: 'POST', headers, body: 'abc' });
  const spans = await collector.waitFor(2);
  const server = only(spans, isServer);
  const client = only(spans, ({ kind }) => kind === 'client');
  const { 'network.peer.port': peerPort, 'gatehouse.request_id': requestId, ...attributes } = server.attributes;
  assert.equal(typeof peerPort, 'number');
  assert.deepEqual(attributes, {
    'http.request.method': 'POST',
    'server.address': '127.0.0.1',
    'server.port': gateway.port(),
    'url.scheme': 'http',
    'url.path': '/orders/7',
    'url.query': 'page=2',
    'network.protocol.version': '1.1',
    'client.address': '127.0.0.1',
    'network.peer.address': '127.0.0.1',
    'user_agent.original': 'test/1',
    'gatehouse.listener': 'web',
    'http.route': '/orders/:id',
    'http.response.status_code': 200,
    'http.request.body.size': 3,
    'http.response.body.size': 2,
    'gatehouse.route': 'order',
    'gatehouse.service': 'orders',
  });
  assert.deepEqual([server.name, server.traceId, server.parentId, server.traceState], ['POST /orders/:id', TRACE, PARENT, 'a=1']);
  assert.equal(server.isError, false);
  assert.deepEqual(client.attributes, {
    'http.request.method': 'POST',
    'server.address': '127.0.0.1',
    'server.port': Number(new URL(service.url).port),
    'url.full': `${service.url}/orders/7?page=2`,
    'http.response.status_code': 200,
    'gatehouse.service': 'orders',
    'gatehouse.connection.reused': false,
  });
  assert.deepEqual([client.name, client.traceId, client.parentId], ['POST orders', TRACE, server.spanId]);
  assert.equal(spanIdIn(service.asked[0]!.headers), client.spanId);
  assert.ok(server.start <= client.start && client.start < client.end && client.end <= server.end);
  // Both clocks are those of this machine.
  assert.ok(Math.abs(Number(server.start / 1_000_000n) - Date.now()) < 60_000);
  assert.equal(server.resource['service.name'], 'shop');
  assert.equal(server.resource['deployment.environment.name'], 'test');
  assert.match(String(server.resource['service.instance.id']), /^[0-9a-f-]{36}$/);
  const [{ path, headers: exported }] = collector.exports as [(typeof collector.exports)[number]];
  assert.deepEqual([path, exported['content-type']], ['/v1/traces', 'application/x-protobuf']);
  const [line] = await gateway.stop();
  assert.deepEqual([line!['traceId'], line!['spanId'], line!['id']], [TRACE, server.spanId, requestId]);
});

test('a request that is not traced makes no span, and its line in the log has no trace', async (t) => {
  const { collector, gateway, send } = await start(t, {
    tracing: { sample: '0%', rules: [{ match: { path: '/last' }, sample: '100%' }] },
  });
  await send();
  await send('/last');
  const spans = await collector.waitFor(2);
  assert.deepEqual(spans.map(({ name }) => name).sort(), ['GET /*', 'GET all']);
  const [first, last] = await gateway.stop();
  assert.equal(first!['traceId'], undefined);
  assert.equal(last!['traceId'], spans[0]!.traceId);
});

test('two gateways in a row and the service behind them are in one trace, each below the one before', async (t) => {
  const inner = await start(t, {
    input: ({ url }) => ({
      listeners: { web: { address: '127.0.0.1:0', trustedProxies: ['127.0.0.1/32'] } },
      services: { all: { endpoints: [url] } },
    }),
    tracing: { sample: '0%' },
  });
  const outer = await start(t, {
    input: () => ({ services: { all: { endpoints: [`http://127.0.0.1:${inner.gateway.port()}`] } } }),
  });
  await outer.send();
  const outerSpans = await outer.collector.waitFor(2);
  const innerSpans = await inner.collector.waitFor(2);
  const outerServer = only(outerSpans, isServer);
  const outerClient = only(outerSpans, (span) => !isServer(span));
  const innerServer = only(innerSpans, isServer);
  const innerClient = only(innerSpans, (span) => !isServer(span));
  assert.equal(outerServer.parentId, '');
  assert.equal(outerClient.parentId, outerServer.spanId);
  assert.equal(innerServer.parentId, outerClient.spanId);
  assert.equal(innerClient.parentId, innerServer.spanId);
  assert.equal(spanIdIn(inner.service.asked[0]!.headers), innerClient.spanId);
  assert.equal(new Set([...outerSpans, ...innerSpans].map(({ traceId }) => traceId)).size, 1);
});

test('each attempt has a span of its own, with why it was not the last', async (t) => {
  let count = 0;
  const { collector, service, send } = await start(t, {
    script: () => (++count === 1 ? { status: 503, body: '' } : '{}'),
    input: ({ url }) => ({ services: { all: { endpoints: [url], retry: { attempts: 2, on: [503] } } } }),
  });
  assert.equal((await send()).status, 200);
  const spans = await collector.waitFor(3);
  const [first, second] = spans.filter((span) => !isServer(span));
  assert.deepEqual(
    service.asked.map(({ headers }) => spanIdIn(headers)),
    [first!.spanId, second!.spanId],
  );
  assert.deepEqual(
    [first!.isError, first!.attributes['error.type'], first!.attributes['http.request.resend_count']],
    [true, '503', undefined],
  );
  assert.deepEqual([second!.isError, second!.attributes['http.request.resend_count']], [false, 1]);
  assert.equal(only(spans, isServer).isError, false);
});

test('a service that cannot be reached is an error, which the client and the log are told of by the same trace', async (t) => {
  const { collector, gateway, send } = await start(t, {
    input: () => ({ services: { all: { endpoints: ['http://127.0.0.1:9'], retry: false } } }),
  });
  const answer = await send();
  assert.equal(answer.status, 502);
  const spans = await collector.waitFor(2);
  const server = only(spans, isServer);
  const client = only(spans, (span) => !isServer(span));
  assert.equal((JSON.parse(answer.body) as Record<string, unknown>)['traceId'], server.traceId);
  assert.deepEqual([server.isError, client.isError], [true, true]);
  assert.equal(server.attributes['error.type'], server.attributes['gatehouse.error.code']);
  assert.match(String(client.attributes['error.type']), /^GH_/);
  assert.equal(client.attributes['http.response.status_code'], undefined);
  assert.equal((await gateway.stop())[0]!['traceId'], server.traceId);
});

test('what a client has done wrong is no error of the gateway, and methods that nobody knows have no names of their own', async (t) => {
  const { collector, send } = await start(t, { input: () => ({ routes: {} }) });
  assert.equal((await send('/nowhere')).status, 404);
  await send('/nowhere', { method: 'PROPFIND' });
  const [missing, unknown] = await collector.waitFor(2);
  assert.deepEqual(
    [missing!.name, missing!.isError, missing!.attributes['gatehouse.error.code']],
    ['GET', false, 'GH_GATEWAY_NO_ROUTE'],
  );
  assert.equal(missing!.attributes['error.type'], undefined);
  assert.deepEqual([unknown!.name, unknown!.attributes['http.request.method']], ['HTTP', '_OTHER']);
  assert.equal(unknown!.attributes['http.request.method_original'], 'PROPFIND');
});

test('credentials in a query are in no span', async (t) => {
  const { collector, send } = await start(t, {
    input: ({ url }) => ({
      services: { all: { endpoints: [url] } },
      consumers: { ada: { keys: ['geheim-geheim-geheim'] } },
      routes: { all: { match: { path: '/*' }, to: 'all', policies: { 'api-key': { query: 'key', forward: true } } } },
    }),
  });
  await send('/?key=geheim-geheim-geheim&a=1');
  const spans = await collector.waitFor(2);
  assert.equal(only(spans, isServer).attributes['gatehouse.consumer'], 'ada');
  const shown = JSON.stringify(spans.map(({ attributes }) => attributes));
  assert.ok(!shown.includes('geheim'), shown);
});

test('a policy that waits has a span, and what it asks another service for too', async (t) => {
  const login = await startAnsweringService(t, () => '{}');
  const { collector, send } = await start(t, {
    input: ({ url }) => ({
      services: { all: { endpoints: [url] }, login: { endpoints: [login.url] } },
      routes: { all: { match: { path: '/*' }, to: 'all', policies: { 'forward-auth': { service: 'login', timeout: '1m' } } } },
    }),
  });
  await send();
  const spans = await collector.waitFor(4);
  const server = only(spans, isServer);
  const policy = only(spans, ({ kind }) => kind === 'internal');
  const asked = only(spans, ({ attributes, kind }) => kind === 'client' && attributes['gatehouse.service'] === 'login');
  assert.deepEqual(
    [policy.name, policy.parentId, policy.attributes['gatehouse.decision']],
    ['policy forward-auth', server.spanId, 'pass'],
  );
  assert.equal(asked.parentId, policy.spanId);
  const forwarded = only(spans, ({ attributes, kind }) => kind === 'client' && attributes['gatehouse.service'] === 'all');
  assert.equal(forwarded.parentId, server.spanId);
  assert.equal(spanIdIn(login.asked[0]!.headers), asked.spanId);
});

test('calls of an aggregate are children of the request, and their attempts are children of the calls', async (t) => {
  const { collector, service, send } = await start(t, {
    input: ({ url }) => ({
      services: { all: { endpoints: [url] } },
      routes: {
        view: {
          match: { path: '/view' },
          to: {
            aggregate: {
              calls: {
                user: { service: 'all', path: '/user' },
                orders: { service: 'all', path: '/orders', optional: true },
              },
              answer: { user: '${calls.user.body}', orders: '${calls.orders.body}' },
            },
          },
        },
      },
    }),
    script: ({ target }) => (target === '/orders' ? { status: 500, body: '' } : '{}'),
  });
  assert.equal((await send('/view')).status, 200);
  const spans = await collector.waitFor(5);
  const server = only(spans, isServer);
  const calls = spans.filter(({ kind }) => kind === 'internal');
  assert.deepEqual(calls.map(({ name }) => name).sort(), ['call orders', 'call user']);
  for (const call of calls) {
    assert.equal(call.parentId, server.spanId);
    const path = `/${String(call.attributes['gatehouse.call'])}`;
    const attempt = only(spans, ({ attributes }) => String(attributes['url.full']).endsWith(path));
    assert.equal(attempt.parentId, call.spanId);
    assert.equal(spanIdIn(service.asked.find(({ target }) => target === path)!.headers), attempt.spanId);
    assert.ok(call.start <= attempt.start && attempt.end <= call.end);
  }
  const orders = only(calls, ({ name }) => name === 'call orders');
  assert.deepEqual([orders.isError, orders.attributes['gatehouse.call.outcome']], [true, 'fallback']);
});

test('requests of a batch are children of the request that carries them', async (t) => {
  const { collector, service, send } = await start(t, {
    input: ({ url }) => ({
      services: { all: { endpoints: [url] } },
      routes: { all: { match: { path: '/*' }, to: 'all' }, batch: { match: { path: '/batch' }, to: { batch: {} } } },
    }),
  });
  const body = JSON.stringify({ requests: [{ path: '/a' }, { path: '/b' }] });
  const answer = await send('/batch', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  assert.equal(answer.status, 200, answer.body);
  const spans = await collector.waitFor(5);
  const outer = only(spans, ({ name }) => name === 'POST /batch');
  const items = spans.filter((span) => isServer(span) && span !== outer);
  assert.deepEqual(
    items.map(({ parentId, traceId }) => [parentId, traceId]),
    items.map(() => [outer.spanId, outer.traceId]),
  );
  const attempts = spans.filter((span) => !isServer(span));
  assert.deepEqual(attempts.map(({ parentId }) => parentId).sort(), items.map(({ spanId }) => spanId).sort());
  assert.deepEqual(service.asked.map(({ headers }) => spanIdIn(headers)).sort(), attempts.map(({ spanId }) => spanId).sort());
});

test('an answer of the cache has no span for a service; the one that filled it has', async (t) => {
  const { collector, send } = await start(t, {
    script: ({ response }) => void response.setHeader('cache-control', 'max-age=60').end('{}'),
    input: ({ url }) => ({
      services: { all: { endpoints: [url] } },
      routes: { all: { match: { path: '/*' }, to: 'all', policies: { cache: {} } } },
    }),
  });
  await send();
  await eventually(() => collector.spans.some(isServer), 'the first request is over');
  await send();
  await eventually(() => collector.spans.filter(isServer).length === 2, 'the second request is over');
  const { spans } = collector;
  const [first, second] = spans.filter(isServer);
  const client = only(spans, ({ kind }) => kind === 'client');
  assert.deepEqual([first!.attributes['gatehouse.cache'], second!.attributes['gatehouse.cache']], ['miss', 'hit']);
  assert.equal(client.traceId, first!.traceId);
  // The policy may have waited for its store, which is another span between them.
  const above = spans.find(({ spanId }) => spanId === client.parentId)!;
  assert.ok(above === first || (above.name === 'policy cache' && above.parentId === first!.spanId));
});

test('over HTTP/2, also for gRPC, the service is told of the trace, and a status of gRPC is told of', async (t) => {
  const told: (string | undefined)[] = [];
  const upstream = await startHttp2Upstream(t, (stream, headers) => {
    told.push(headers['traceparent'] as string);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '14' }));
    stream.end();
  });
  const { collector, gateway } = await start(t, {
    input: () => ({
      services: { all: { endpoints: [upstream.url], protocol: 'http2' } },
    }),
  });
  t.after(() => upstream.close());
  const session = connect(`http://127.0.0.1:${gateway.port()}`);
  t.after(() => session.destroy());
  const call = session.request({
    ':method': 'POST',
    ':path': '/shop.Shop/Get',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  call.end();
  call.resume();
  const spans = await collector.waitFor(2);
  const server = only(spans, isServer);
  const client = only(spans, (span) => !isServer(span));
  assert.equal(server.attributes['network.protocol.version'], '2');
  assert.deepEqual(told, [`00-${server.traceId}-${client.spanId}-01`]);
  assert.deepEqual([client.isError, client.attributes['rpc.grpc.status_code']], [true, 14]);
});

test('a client that leaves ends the span of the request and that of the service', async (t) => {
  const { collector, service, gateway } = await start(t, { script: () => undefined });
  const client = await RawClient.open(gateway.port());
  client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await eventually(() => service.asked.length === 1, 'the service is asked');
  client.socket.destroy();
  const spans = await collector.waitFor(2);
  const server = only(spans, isServer);
  const attempt = only(spans, (span) => !isServer(span));
  assert.equal(server.attributes['http.response.status_code'], 499);
  assert.deepEqual([attempt.parentId, attempt.attributes['gatehouse.cancelled']], [server.spanId, true]);
  assert.ok(attempt.end <= server.end);
});

test('a copy for a mirror belongs to the trace', async (t) => {
  const shadow = await startAnsweringService(t, () => '{}');
  const { collector, send } = await start(t, {
    input: ({ url }) => ({
      services: { all: { endpoints: [url] }, shadow: { endpoints: [shadow.url] } },
      routes: { all: { match: { path: '/*' }, to: 'all', policies: { mirror: { to: 'shadow' } } } },
    }),
  });
  await send();
  const server = only(await collector.waitFor(2), isServer);
  await eventually(() => shadow.asked.length === 1, 'the copy is sent');
  assert.equal(shadow.asked[0]!.headers['traceparent'], `00-${server.traceId}-${server.spanId}-01`);
});

test('rules say of which requests traces are taken: the first that fits counts', async (t) => {
  const { collector, send } = await start(t, {
    tracing: {
      sample: '0%',
      rules: [
        { match: { path: '/healthz' }, sample: '0%' },
        { match: [{ headers: { 'x-debug': { present: true } } }, { path: '/always/*', method: 'GET' }], sample: '100%' },
        { routes: ['special'], sample: '100%' },
      ],
    },
    input: ({ url }) => ({
      services: { all: { endpoints: [url] } },
      routes: { all: { match: { path: '/*' }, to: 'all' }, special: { match: { path: '/special/:id' }, to: 'all' } },
    }),
  });
  const debug = { headers: { 'x-debug': '1' } };
  await send('/a');
  await send('/healthz', debug);
  await send('/b', debug);
  await send('/always/c');
  await send('/always/d', { method: 'POST' });
  await send('/special/e');
  const spans = await collector.waitFor(6);
  const paths = spans.filter(isServer).map(({ attributes }) => attributes['url.path']);
  assert.deepEqual(paths, ['/b', '/always/c', '/special/e']);
});

test('a reload begins and ends tracing, and rules and collectors change with it', async (t) => {
  const { collector, service, gateway, send } = await start(t, {
    input: () => ({ tracing: undefined }) as Partial<GatewayInput>,
  });
  const base = {
    services: { all: { endpoints: [service.url] } },
    routes: { all: { match: { path: '/*' as const }, to: 'all' } },
  };
  await send('/before');
  assert.deepEqual(
    await gateway.reconfigure({ ...base, tracing: { to: { otlp: `${collector.url}/v1/traces` }, sample: '100%' } }),
    [],
  );
  await send('/traced');
  await collector.waitFor(2);
  const other = await startTraceCollector(t);
  const tracing = { to: { otlp: other.url, headers: { authorization: 'Bearer 7' } }, sample: '100%' };
  assert.deepEqual(await gateway.reconfigure({ ...base, tracing }), []);
  await send('/elsewhere');
  await other.waitFor(2);
  assert.equal(other.exports[0]!.headers['authorization'], 'Bearer 7');
  assert.deepEqual(await gateway.reconfigure(base), []);
  await send('/after');
  assert.equal(service.asked.at(-1)!.headers['traceparent'], undefined);
  assert.deepEqual(
    [...collector.spans, ...other.spans].filter(isServer).map(({ attributes }) => attributes['url.path']),
    ['/traced', '/elsewhere'],
  );
});

test('what is not to be shown is in no span, and credentials are never', async (t) => {
  const { collector, send } = await start(t, {
    tracing: { redact: ['client', 'query.email', 'path.person', 'request.header.user-agent'] },
    input: ({ url }) => ({
      services: { all: { endpoints: [url] } },
      routes: { all: { match: { path: '/of/:person/*' }, to: 'all' } },
    }),
  });
  await send('/of/ada/x?email=ada@example.com&token=geheim&page=2', { headers: { 'user-agent': 'ada/1' } });
  const spans = await collector.waitFor(2);
  const { attributes } = only(spans, isServer);
  assert.equal(attributes['url.path'], '/of/[redacted]/x');
  assert.equal(attributes['url.query'], 'email=[redacted]&token=[redacted]&page=2');
  assert.equal(attributes['client.address'], '127.0.0.0');
  const shown = JSON.stringify(spans.map((span) => span.attributes));
  assert.ok(!/ada|geheim/.test(shown), shown);
});

test('of attempts beside each other, each has a span, and the slower one was cancelled', async (t) => {
  let count = 0;
  const script: ServiceScript = () => (++count === 1 ? undefined : '{}');
  const other = await startAnsweringService(t, script);
  const { collector, send, service } = await start(t, {
    script,
    input: ({ url }) => ({ services: { all: { endpoints: [url, other.url], hedge: { after: '20ms' } } } }),
  });
  assert.equal((await send()).status, 200);
  const spans = await collector.waitFor(3);
  const server = only(spans, isServer);
  const slower = only(spans, ({ attributes }) => attributes['gatehouse.cancelled'] === true);
  const faster = only(spans, ({ kind, spanId }) => kind === 'client' && spanId !== slower.spanId);
  assert.deepEqual([slower.parentId, faster.parentId], [server.spanId, server.spanId]);
  assert.deepEqual([slower.isError, faster.isError, faster.attributes['http.request.resend_count']], [false, false, 1]);
  const told = [...service.asked, ...other.asked].map(({ headers }) => spanIdIn(headers)).sort();
  assert.deepEqual(told, [slower.spanId, faster.spanId].sort());
});

test('a tunnel is one span, from its handshake to its end', async (t) => {
  const upstream = await startRawUpstream((connection) => {
    connection.send('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
  });
  t.after(() => upstream.close());
  const { collector, gateway } = await start(t, {
    input: () => ({ services: { all: { endpoints: [upstream.url] } } }),
  });
  const client = await RawClient.open(gateway.port());
  client.send('GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  await client.until('101 Switching');
  client.socket.destroy();
  const spans = await collector.waitFor(2);
  assert.equal(only(spans, isServer).attributes['http.response.status_code'], 101);
  assert.equal(only(spans, ({ kind }) => kind === 'client').isError, false);
});
