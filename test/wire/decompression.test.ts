// Bodies of requests that the gateway decompresses: services get what clients have compressed, for every version of HTTP on either side.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { GatewayInput } from '#config/define-gateway.ts';
import { takeChunks } from '#test/support/answers.ts';
import { certificatePaths } from '#test/support/certificates.ts';
import { startClientBench, toAnswer, untilAnswers } from '#test/support/client-bench.ts';
import { eventually } from '#test/support/eventually.ts';
import { clientKinds, openMatrixClient, startMatrixUpstream, upstreamKinds } from '#test/support/matrix.ts';
import { createRandom } from '#test/support/random.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const random = createRandom(11);
const long = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `{"id":${i},"name":"${random().toString(36)}"}\n`).join(''));
const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const encoded = {
  gzip: gzipSync(long),
  deflate: deflateSync(long),
  br: brotliCompressSync(long, quick),
  zstd: zstdCompressSync(long),
};
const sumOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const decompressing: Partial<GatewayInput> = {
  policies: { decompress: {} },
  routes: { all: { match: { path: '/*' }, to: 'main' } },
};

async function describeBody(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const { headers, trailers } = request;
  response.setHeader('x-sum', sumOf(Buffer.concat(chunks)));
  response.setHeader('x-said', JSON.stringify([headers['content-encoding'], headers['content-length'], trailers['x-end']]));
  response.end();
}

for (const upstreamKind of upstreamKinds) {
  for (const clientKind of clientKinds) {
    test(`client ${clientKind}, upstream ${upstreamKind}: a service gets the body as it was before`, async (t) => {
      const service = await startMatrixUpstream(
        t,
        upstreamKind,
        (...of) => void describeBody(...of).catch(() => 'it was broken off'),
      );
      const tls = upstreamKind === 'h2' ? { tls: { ca: certificatePaths.authority } } : {};
      const secure = { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] };
      const gateway = await startTestGateway({
        ...decompressing,
        listeners: { web: { address: '127.0.0.1:0' }, secure: { address: '127.0.0.1:0', tls: secure } },
        services: { main: { ...service, ...tls } },
      });
      t.after(() => gateway.stop());
      const isSecure = clientKind === 'h1+TLS' || clientKind === 'h2';
      const client = openMatrixClient(t, clientKind, gateway.port(isSecure ? 'secure' : 'web'));
      for (const [coding, body] of Object.entries(encoded)) {
        const asked = { method: 'POST', path: '/', fields: { 'content-encoding': coding }, body };
        const answer = await client.ask(asked);
        assert.deepEqual([answer.fields['x-sum'], answer.fields['x-said']], [sumOf(long), '[null,null,null]'], coding);
        const behind = await client.ask({ ...asked, trailers: { 'x-end': '1' } });
        assert.deepEqual([behind.fields['x-sum'], behind.fields['x-said']], [sumOf(long), '[null,null,"1"]'], coding);
      }
      const broken = await client.ask({
        method: 'POST',
        path: '/',
        fields: { 'content-encoding': 'gzip' },
        body: gzipSync(long).subarray(0, -8),
      });
      assert.deepEqual(
        [broken.status, (JSON.parse(broken.body.toString()) as { code: string }).code],
        [400, 'GH_DECOMPRESS_TRUNCATED'],
      );
    });
  }
}

/** A request over HTTP/1 with this body, and what else its head says. */
function post(body: Buffer, fields = ''): Buffer {
  const head = `POST / HTTP/1.1\r\nhost: a\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n${fields}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

const hasWhole = ({ received }: UpstreamConnection) => received.endsWith('0\r\n\r\n');
const bodyOf = ({ received }: UpstreamConnection) => takeChunks(received.slice(received.indexOf('\r\n\r\n') + 4))?.body;

test('what a client has sent so far goes on to the service, decoded', async (t) => {
  const bench = await startClientBench(t, {
    gateway: decompressing,
    onData: (connection) => hasWhole(connection) && connection.send(toAnswer('served')),
  });
  const body = gzipSync(long);
  const client = await bench.open();
  const request = post(body);
  client.send(request.subarray(0, request.length - body.length / 2));
  await eventually(() => (bench.received[0]?.length ?? 0) > long.length / 3, 'the beginning arrives');
  client.send(request.subarray(request.length - body.length / 2));
  const [answer] = await untilAnswers(client, 1);
  assert.deepEqual([answer!.body, bodyOf(bench.upstream.connections[0]!)], ['served', long.toString('latin1')]);
});

test('a client that waits for leave to send is given that of the service', async (t) => {
  const bench = await startClientBench(t, {
    gateway: decompressing,
    onData: (connection) => {
      if (hasWhole(connection)) connection.send(toAnswer('served'));
      else if (connection.received.endsWith('\r\n\r\n')) connection.send('HTTP/1.1 100 Continue\r\n\r\n');
    },
  });
  const client = await bench.open();
  const body = gzipSync('a body');
  const request = post(body, 'expect: 100-continue\r\n');
  client.send(request.subarray(0, request.length - body.length));
  await client.until('100 Continue\r\n\r\n');
  assert.match(bench.received[0]!, /\r\nexpect: 100-continue\r\n/);
  client.send(body);
  await client.until('served');
  assert.match(bench.received[0]!, /\r\n\r\n6\r\na body\r\n0\r\n\r\n$/);
});

test('a service that is slow makes the client wait, however much its body becomes', async (t) => {
  const bench = await startClientBench(t, {
    gateway: { policies: { decompress: { maxBytes: '1GiB', maxRatio: 2_000 } } },
    routes: { forwarded: { match: { path: '/*' }, to: 'main' } },
    onData: ({ socket }) => void socket.pause(),
  });
  const client = await bench.open();
  const bytes = 128 * 1024 * 1024;
  const body = gzipSync(Buffer.alloc(bytes), { level: 9 });
  const heldBytes = () => process.memoryUsage().arrayBuffers;
  const before = heldBytes();
  client.send(post(body));
  await eventually(() => bench.received.length === 1, 'the service has the beginning');
  let last = -1;
  let still = 0;
  await eventually(() => {
    still = heldBytes() === last ? still + 1 : 0;
    last = heldBytes();
    return still > 5;
  }, 'everything stands still');
  assert.ok(last - before < bytes / 4, `${last - before} bytes are held`);
  bench.upstream.connections[0]!.socket.destroy();
});

test('a bomb ends the request at the service, and the client is told why', async (t) => {
  const bench = await startClientBench(t, { gateway: decompressing, onData: () => undefined });
  const client = await bench.open();
  client.send(post(gzipSync(Buffer.alloc(20_000_000))));
  assert.match(await client.until('GH_DECOMPRESS_TOO_DENSE'), /^HTTP\/1\.1 413 /);
  await eventually(() => bench.upstream.connections.every(({ socket }) => socket.destroyed), 'the service is left');
});

test('a request that is sent again has the same body', async (t) => {
  let asked = 0;
  const bench = await startClientBench(t, {
    gateway: { policies: { decompress: {} } },
    routes: { forwarded: { match: { path: '/*' }, to: 'main', retry: { on: [503], methods: ['POST'] } } },
    onData: (connection) => {
      if (!hasWhole(connection)) return;
      asked += 1;
      connection.send(asked === 1 ? 'HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n' : toAnswer('served'));
    },
  });
  const client = await bench.open();
  client.send(post(gzipSync('a body')));
  await client.until('served');
  assert.deepEqual(bench.upstream.connections.map(bodyOf), ['a body', 'a body']);
});

test('a mirror gets the decoded body too', async (t) => {
  const main = await startRawUpstream((connection) => hasWhole(connection) && connection.send(toAnswer('served')));
  const shadow = await startRawUpstream((connection) => {
    if (connection.received.endsWith('\r\n\r\na body')) connection.send(toAnswer('seen'));
  });
  const gateway = await startTestGateway({
    ...decompressing,
    services: { main: { endpoints: [main.url] }, shadow: { endpoints: [shadow.url] } },
    policies: { decompress: {}, mirror: { to: 'shadow' } },
  });
  t.after(async () => {
    await gateway.stop();
    await main.close();
    await shadow.close();
  });
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  client.send(post(gzipSync('a body')));
  await client.until('served');
  await eventually(() => shadow.connections[0]?.received.endsWith('\r\n\r\na body') === true, 'the copy has arrived');
  assert.doesNotMatch(shadow.connections[0]!.received, /content-encoding/);
});
