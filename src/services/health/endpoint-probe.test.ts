import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:net';
import test, { type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { readEndpointUrl } from '#schema/endpoint-url.ts';
import { certificates } from '#test/support/certificates.ts';
import { usualHealth, usualProbe } from '#test/support/health-service.ts';
import { type Http2UpstreamOptions, startHttp2Upstream } from '#test/support/http2-upstream.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';
import { createServiceDefinition, createServiceMeans } from '#test/support/services.ts';
import type { ServiceDefinition } from '../service-definition.ts';
import { EndpointProbe } from './endpoint-probe.ts';
import type { GrpcProbeSettings, HealthSettings, HttpProbeSettings } from './health-settings.ts';

const grpc: GrpcProbeSettings = { kind: 'grpc', service: '', host: undefined, headers: {} };
const trusted = { ...createServiceDefinition().tls, ca: certificates.authority.toString(), serverName: 'localhost' };

interface Asked {
  readonly url: string;
  readonly service?: Partial<ServiceDefinition>;
  readonly settings?: Partial<HealthSettings>;
}

function ask({ url, service = {}, settings: parts = {} }: Asked): Promise<string | undefined> {
  const reading = readEndpointUrl(url);
  assert.ok('value' in reading);
  const checked = { service: createServiceDefinition(service), settings: { ...usualHealth, ...parts } };
  return new EndpointProbe(reading.value, checked, createServiceMeans().resolver).start().failure;
}

async function startUpstream(t: TestContext, onData: (connection: UpstreamConnection) => void): Promise<RawUpstream> {
  const upstream = await startRawUpstream(onData);
  t.after(() => upstream.close());
  return upstream;
}

/** Answers everything with these bytes, and closes where they do not say how long they are. */
async function askAbout(t: TestContext, bytes: string, probe: Partial<HttpProbeSettings> = {}): Promise<string | undefined> {
  const upstream = await startUpstream(t, ({ socket, send }) => {
    send(bytes);
    if (!/content-length|chunked/i.test(bytes)) socket.end();
  });
  return ask({ url: upstream.url, settings: { probe: { ...usualProbe, ...probe } } });
}

const answers: { name: string; bytes: string; probe?: Partial<HttpProbeSettings>; failure: RegExp | undefined }[] = [
  { name: '200', bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', failure: undefined },
  { name: '204', bytes: 'HTTP/1.1 204 No Content\r\n\r\n', failure: undefined },
  { name: '503', bytes: 'HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n', failure: /^status 503$/ },
  {
    name: 'a redirect, which is not followed',
    bytes: 'HTTP/1.1 302 Found\r\nlocation: /ok\r\ncontent-length: 0\r\n\r\n',
    failure: /^status 302$/,
  },
  {
    name: 'a redirect that is expected',
    bytes: 'HTTP/1.1 302 Found\r\nlocation: /ok\r\ncontent-length: 0\r\n\r\n',
    probe: { statuses: [{ from: 302, to: 302 }] },
    failure: undefined,
  },
  {
    name: 'a body with the text',
    // UTF-8, byte for byte.
    bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\nstatus: gr\xc3\xbcn!',
    probe: { text: 'grün' },
    failure: undefined,
  },
  {
    name: 'a body without the text',
    bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine',
    probe: { text: 'ok' },
    failure: /^the body does not have the text$/,
  },
  {
    name: 'the text at the end of what is read',
    bytes: `HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(65_534)}ok`,
    probe: { text: 'ok' },
    failure: undefined,
  },
  {
    name: 'the text behind what is read',
    bytes: `HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(65_535)}ok`,
    probe: { text: 'ok' },
    failure: /text/,
  },
  { name: 'an answer that breaks off', bytes: 'HTTP/1.1 200 OK\r\n', failure: /^(?:ECONNRESET|HPE_INVALID_EOF_STATE)$/ },
  { name: 'something else than HTTP', bytes: 'SSH-2.0-OpenSSH\r\n', failure: /^HPE_/ },
];

for (const { name, bytes, probe, failure } of answers) {
  test(`over HTTP/1.1, ${failure === undefined ? 'healthy' : 'not healthy'}: ${name}`, async (t) => {
    const found = await askAbout(t, bytes, probe);
    if (failure === undefined) assert.equal(found, undefined);
    else assert.match(found!, failure);
  });
}

test('asks as it is told to, and says who asks', async (t) => {
  const upstream = await startUpstream(t, ({ send }) => send('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  const probe = { ...usualProbe, method: 'HEAD', path: '/up?deep=1', headers: { 'x-probe': 'yes' } };
  assert.equal(await ask({ url: upstream.url, settings: { probe } }), undefined);
  assert.equal(
    upstream.connections[0]!.received,
    `HEAD /up?deep=1 HTTP/1.1\r\nuser-agent: gatehouse-health\r\nx-probe: yes\r\nhost: 127.0.0.1:${upstream.port}\r\nConnection: close\r\n\r\n`,
  );
  await ask({ url: upstream.url, service: { host: { name: 'inner.test' } } });
  await ask({
    url: upstream.url,
    service: { host: { name: 'inner.test' } },
    settings: { probe: { ...usualProbe, host: 'up.test' } },
  });
  assert.match(upstream.connections[1]!.received, /\r\nhost: inner\.test\r\n/);
  assert.match(upstream.connections[2]!.received, /\r\nhost: up\.test\r\n/);
});

test('nobody listens, or another port is asked', async (t) => {
  const upstream = await startUpstream(t, ({ send }) => send('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as { port: number };
  await new Promise((resolve) => closed.close(resolve));
  const url = `http://127.0.0.1:${port}`;
  assert.equal(await ask({ url }), 'ECONNREFUSED');
  assert.equal(await ask({ url, settings: { probe: { kind: 'tcp' } } }), 'ECONNREFUSED');
  assert.equal(await ask({ url, service: { protocol: 'http2' } }), 'ECONNREFUSED');
  assert.equal(await ask({ url, settings: { port: upstream.port } }), undefined);
});

test('a check that is given up ends, and its connection with it', async (t) => {
  const upstream = await startUpstream(t, () => {});
  for (const service of [{}, { protocol: 'http2' as const }]) {
    const reading = readEndpointUrl(upstream.url);
    assert.ok('value' in reading);
    const checked = { service: createServiceDefinition(service), settings: usualHealth };
    const running = new EndpointProbe(reading.value, checked, createServiceMeans().resolver).start();
    running.cancel();
    assert.ok(await running.failure);
  }
});

test('a PROXY header goes first, but not to another port', async (t) => {
  const upstream = await startUpstream(t, ({ received, send }) => {
    if (received.includes('\r\n\r\n')) send('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  });
  assert.equal(await ask({ url: upstream.url, service: { proxyProtocol: 'v1' } }), undefined);
  assert.match(upstream.connections[0]!.received, /^PROXY UNKNOWN\r\nGET \/healthz /);
  await ask({ url: upstream.url, service: { proxyProtocol: 'v1' }, settings: { port: upstream.port } });
  assert.match(upstream.connections[1]!.received, /^GET /);
});

test('a connection is enough where that is all that is asked for', async (t) => {
  const upstream = await startUpstream(t, () => {});
  assert.equal(await ask({ url: `tcp://127.0.0.1:${upstream.port}`, settings: { probe: { kind: 'tcp' } } }), undefined);
});

test('TLS is verified as for requests, for a connection as for HTTP', async (t) => {
  const server = createTlsServer({ ...certificates.localhost, ALPNProtocols: ['http/1.1'] }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const at = `127.0.0.1:${(server.address() as { port: number }).port}`;
  for (const probe of [usualProbe, { kind: 'tcp' } as const]) {
    const url = `${probe.kind === 'tcp' ? 'tls' : 'https'}://${at}`;
    assert.equal(await ask({ url, service: { tls: trusted }, settings: { probe } }), undefined);
    assert.match((await ask({ url, service: {}, settings: { probe } }))!, /^UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
    const named = { ...trusted, serverName: 'other.test' };
    assert.match((await ask({ url, service: { tls: named }, settings: { probe } }))!, /^ERR_TLS_CERT_ALTNAME_INVALID/);
    assert.equal(await ask({ url, service: { tls: { ...named, isVerified: false } }, settings: { probe } }), undefined);
  }
  const http2 = await ask({ url: `https://${at}`, service: { protocol: 'http2', tls: trusted } });
  assert.match(http2!, /^(?:ALPN|ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL)/);
});

for (const tls of [undefined, certificates.localhost]) {
  test(`over HTTP/2 ${tls === undefined ? 'without' : 'with'} TLS`, async (t) => {
    const asked: unknown[] = [];
    const options: Http2UpstreamOptions = tls === undefined ? {} : { tls };
    const { port } = await startHttp2Upstream(
      t,
      (stream, headers) => {
        asked.push([headers[':method'], headers[':path'], headers[':authority']]);
        const isGood = headers[':path'] === '/healthz';
        stream.respond({ ':status': isGood ? 200 : 503 });
        stream.end('all well');
      },
      options,
    );
    const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
    const service = { protocol: 'http2', tls: trusted } as const;
    assert.equal(await ask({ url, service, settings: { probe: { ...usualProbe, text: 'well' } } }), undefined);
    assert.equal(
      await ask({ url, service, settings: { probe: { ...usualProbe, path: '/other', method: 'HEAD' } } }),
      'status 503',
    );
    assert.deepEqual(asked, [
      ['GET', '/healthz', `127.0.0.1:${port}`],
      ['HEAD', '/other', `127.0.0.1:${port}`],
    ]);
  });
}

test('a stream of HTTP/2 that is reset, and one that never ends', async (t) => {
  const { url } = await startHttp2Upstream(t, (stream, headers) => {
    if (headers[':path'] === '/reset') return stream.close(7);
    stream.respond({ ':status': 200 });
    for (let i = 0; i < 20; i++) stream.write('x'.repeat(10_000));
  });
  const service = { protocol: 'http2' } as const;
  assert.match((await ask({ url, service, settings: { probe: { ...usualProbe, path: '/reset' } } }))!, /./);
  assert.equal(await ask({ url, service }), undefined);
});

const serving = Buffer.from('00000000020801', 'hex');
const grpcAnswers: { name: string; answer: (stream: ServerHttp2Stream) => void; failure: string | undefined }[] = [
  { name: 'serving', answer: (stream) => respondGrpc(stream, serving, '0'), failure: undefined },
  {
    name: 'not serving',
    answer: (stream) => respondGrpc(stream, Buffer.from('00000000020802', 'hex'), '0'),
    failure: 'NOT_SERVING',
  },
  { name: 'an error of gRPC', answer: (stream) => respondGrpc(stream, Buffer.alloc(0), '14'), failure: 'grpc-status 14' },
  {
    name: 'an answer of trailers alone',
    answer: (stream) =>
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true }),
    failure: 'grpc-status 12',
  },
  {
    name: 'an answer of HTTP',
    answer: (stream) => stream.respond({ ':status': 404 }, { endStream: true }),
    failure: 'status 404',
  },
  {
    name: 'no message',
    answer: (stream) => respondGrpc(stream, Buffer.alloc(0), '0'),
    failure: 'no answer of the health protocol',
  },
];

function respondGrpc(stream: ServerHttp2Stream, message: Buffer, status: string): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  stream.end(message);
}

for (const { name, answer, failure } of grpcAnswers) {
  test(`over gRPC: ${name}`, async (t) => {
    const { url } = await startHttp2Upstream(t, (stream) => answer(stream));
    assert.equal(await ask({ url, service: { protocol: 'http2' }, settings: { probe: grpc } }), failure);
  });
}

test('a service of gRPC is asked about by its name', async (t) => {
  const asked: string[] = [];
  const { url } = await startHttp2Upstream(t, (stream, headers) => {
    stream.on('data', (bytes: Buffer) => asked.push(`${headers[':method']} ${headers[':path']} ${bytes.toString('hex')}`));
    stream.on('end', () => respondGrpc(stream, serving, '0'));
  });
  assert.equal(await ask({ url, service: { protocol: 'http2' }, settings: { probe: { ...grpc, service: 'a.B' } } }), undefined);
  assert.deepEqual(asked, ['POST /grpc.health.v1.Health/Check 00000000050a03612e42']);
});
