// gRPC through the gateway, by hand on node:http2: its frames are bytes to the gateway, and its fields and trailers are what counts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { advance } from '#test/support/forwarding.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

interface Call {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
}

async function startGrpc(
  t: TestContext,
  serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  timeouts: { request?: string } = {},
): Promise<ClientHttp2Session> {
  return (await startGrpcGateway(t, serve, timeouts)).session;
}

/** With a clock, the gateway's time stands still unless it is advanced. */
async function startGrpcGateway(
  t: TestContext,
  serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  timeouts: { request?: string },
  clock?: FakeClock,
): Promise<{ session: ClientHttp2Session; gateway: TestGateway }> {
  const server = createServer();
  server.on('stream', serve);
  server.on('sessionError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const gateway = await startTestGateway(
    {
      listeners: { web: { address: '127.0.0.1:0', ...(clock !== undefined && { timeouts: { head: '1s' } }) } },
      services: {
        shop: { endpoints: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`], protocol: 'http2', timeouts },
      },
      routes: { shop: { match: { path: '/shop.Shop/*' }, to: 'shop' } },
    },
    clock === undefined ? {} : { clock },
  );
  const session = connect(`http://127.0.0.1:${gateway.port()}`);
  t.after(async () => {
    session.destroy();
    server.close();
    await gateway.stop();
  });
  return { session, gateway };
}

function call(session: ClientHttp2Session, path: string, fields: Record<string, string> = {}): Promise<Call> {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    ...fields,
  });
  stream.end('message');
  return new Promise((resolve, reject) => {
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    let body = '';
    stream.on('response', (received) => {
      headers = received;
    });
    stream.on('trailers', (received) => {
      trailers = received;
    });
    stream.on('data', (bytes: Buffer) => {
      body += bytes.toString('latin1');
    });
    stream.on('end', () => resolve({ headers, trailers, body }));
    stream.on('error', reject);
  });
}

test('a call goes through with its metadata, and comes back with its trailers', async (t) => {
  const session = await startGrpc(t, (stream, headers) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc+proto', 'x-meta-bin': headers['x-meta-bin'] },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }));
    stream.pipe(stream);
  });
  const { headers, trailers, body } = await call(session, '/shop.Shop/Get', { 'x-meta-bin': 'AAEC' });
  assert.deepEqual([headers[':status'], headers['x-meta-bin'], body], [200, 'AAEC', 'message']);
  assert.deepEqual([trailers['grpc-status'], trailers['grpc-message']], ['0', 'fine']);
});

test('an answer of trailers alone stays one', async (t) => {
  const session = await startGrpc(t, (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' }, { endStream: true });
  });
  const { headers, body } = await call(session, '/shop.Shop/Get');
  assert.deepEqual([headers['grpc-status'], body], ['5', '']);
});

test('errors of the gateway are statuses of gRPC to its clients', async (t) => {
  const session = await startGrpc(t, (stream) => {
    stream.on('error', () => undefined);
    stream.close(2);
  });
  const unknown = await call(session, '/other.Service/Get');
  assert.deepEqual([unknown.headers[':status'], unknown.headers['grpc-status']], [200, '12']);
  assert.equal(unknown.headers['content-type'], 'application/grpc');
  assert.match(String(unknown.headers['grpc-message']), /GH_GATEWAY_NO_ROUTE/);
  const broken = await call(session, '/shop.Shop/Get');
  assert.deepEqual([broken.headers[':status'], broken.headers['grpc-status']], [200, '14']);
});

test('a call that takes longer than its client gives it is ended on both sides', async (t) => {
  const clock = new FakeClock();
  let isThere = false;
  let isCancelled = false;
  const serve = (stream: ServerHttp2Stream) => {
    isThere = true;
    stream.on('error', () => undefined);
    stream.on('aborted', () => {
      isCancelled = true;
    });
  };
  const { session, gateway } = await startGrpcGateway(t, serve, {}, clock);
  const answer = call(session, '/shop.Shop/Slow', { 'grpc-timeout': '1S' });
  // A call whose time is over before the service has it is told to nobody.
  await eventually(() => isThere, 'the service has the call');
  await advance(clock, 1_500, gateway);
  assert.equal((await answer).headers['grpc-status'], '4');
  await eventually(() => isCancelled, 'the service is told');
});

test('messages stream both ways at the same time', async (t) => {
  const session = await startGrpc(t, (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.on('data', (bytes: Buffer) => stream.write(`got ${bytes}`));
    stream.on('end', () => stream.end());
  });
  const stream = session.request({ ':method': 'POST', ':path': '/shop.Shop/Chat', 'content-type': 'application/grpc' });
  let received = '';
  stream.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1');
  });
  for (const message of ['one', 'two', 'three']) {
    stream.write(message);
    await eventually(() => received.endsWith(`got ${message}`), `the answer to ${message} is there`);
  }
  stream.end();
  await once(stream, 'close');
});

test('routes take calls by service and method', async (t) => {
  const gateway = await startTestGateway({
    listeners: { web: { address: '127.0.0.1:0' } },
    routes: {
      service: { match: { grpc: { service: 'shop.Shop' } }, to: { respond: { status: 200, text: 'service' } } },
      method: { match: { grpc: { service: 'shop.Shop', method: 'Get' } }, to: { respond: { status: 200, text: 'method' } } },
      any: { match: { grpc: {} }, to: { respond: { status: 200, text: 'any' } } },
      rest: { match: { path: '/*' }, to: { respond: { status: 200, text: 'rest' } } },
    },
  });
  const session = connect(`http://127.0.0.1:${gateway.port()}`);
  t.after(async () => {
    session.destroy();
    await gateway.stop();
  });
  const bodyOf = async (path: string, fields: Record<string, string> = {}) => (await call(session, path, fields)).body;
  assert.equal(await bodyOf('/shop.Shop/Get'), 'method');
  assert.equal(await bodyOf('/shop.Shop/List'), 'service');
  assert.equal(await bodyOf('/other.Service/Get'), 'any');
  assert.equal(await bodyOf('/shop.Shop/Get', { 'content-type': 'application/json' }), 'rest');
  assert.equal(await bodyOf('/shop.Shop/Get', { 'content-type': 'application/grpc-web' }), 'rest');
});

test('the time that the settings give a request ends a call whose client would wait for longer', async (t) => {
  const session = await startGrpc(t, () => undefined, { request: '150ms' });
  const { headers } = await call(session, '/shop.Shop/Slow', { 'grpc-timeout': '60S' });
  assert.equal(headers['grpc-status'], '14');
  assert.match(String(headers['grpc-message']), /GH_UPSTREAM_REQUEST_TIMEOUT/);
});

test('the deadline of a call ends it where the settings would give it more time', async (t) => {
  const session = await startGrpc(t, () => undefined, { request: '60s' });
  const { headers } = await call(session, '/shop.Shop/Slow', { 'grpc-timeout': '150m' });
  assert.equal(headers['grpc-status'], '4');
});
