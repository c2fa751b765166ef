/** What is recorded of exchanges by other protocols, of several attempts, and of connections that become tunnels. */
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { startHttp2Upstream } from '#test/support/http2-upstream.ts';
import { MetricsPage } from '#test/support/metrics-page.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { createFolder, readRecorded, untilRecording } from '#test/support/recorded-lines.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

test('an exchange over HTTP/2 on both sides is recorded as any other, with its trailers', async (t) => {
  const file = join(await createFolder(t), 'traffic.jsonl');
  const upstream = await startHttp2Upstream(t, (stream) => {
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (piece: string) => {
      body += piece;
    });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7' }));
    stream.on('end', () => {
      stream.respond({ ':status': 201, 'content-type': 'text/plain' }, { waitForTrailers: true });
      stream.end(`got ${body}`);
    });
  });
  t.after(() => upstream.close());
  const gateway = await startTestGateway({
    services: { shop: { endpoints: [upstream.url], protocol: 'http2' } },
    routes: { shop: { match: { path: '/*' }, to: 'shop' } },
    recording: { to: { file }, sample: '100%' },
  } as Parameters<typeof startTestGateway>[0]);
  t.after(() => gateway.stop());
  await untilRecording(gateway.port(), file);
  const session = connect(`http://127.0.0.1:${gateway.port()}`);
  t.after(() => session.close());
  const stream = session.request({
    ':method': 'POST',
    ':path': '/a?x=1',
    ':authority': 'shop.example',
    authorization: 'Bearer secret-h2',
  });
  stream.end('hello');
  assert.equal(await text(stream), 'got hello');
  await eventually(() => readRecorded(file).length === 1, 'it is recorded');
  const [line] = readRecorded(file);
  assert.equal(line?.protocol, 'HTTP/2');
  assert.deepEqual(
    [line?.request.authority, line?.request.target, line?.request.body?.text],
    ['shop.example', '/a?x=1', 'hello'],
  );
  assert.match(line?.request.headers.find(([name]) => name === 'authorization')?.[1] ?? '', /^Bearer redacted:/);
  assert.deepEqual([line?.answer.status, line?.answer.body?.text, line?.answer.trailers], [201, 'got hello', [['x-sum', '7']]]);
  assert.deepEqual(line?.calls[0]?.answer?.body, { bytes: 9, same: true });
});

test('each attempt is a call, and one that failed tells its code', async (t) => {
  const file = join(await createFolder(t), 'traffic.jsonl');
  const broken = await startRawUpstream(({ socket }) => socket.destroy());
  t.after(() => broken.close());
  const service = await startAnsweringService(t, () => '{}');
  const gateway = await startTestGateway({
    services: {
      shop: {
        endpoints: [broken.url, service.url],
        balance: 'round-robin',
        retry: { on: ['reset', 'refused', 'connect'], attempts: 3 },
      },
      other: { endpoints: [service.url] },
    },
    routes: { begin: { match: { path: '/begin' }, to: 'other' }, shop: { match: { path: '/*' }, to: 'shop' } },
    recording: { to: { file }, sample: '100%' },
  } as Parameters<typeof startTestGateway>[0]);
  t.after(() => gateway.stop());
  await untilRecording(gateway.port(), file);
  for (let i = 0; i < 2; i++) assert.equal((await ask(gateway.port(), '/a')).status, 200);
  await eventually(() => readRecorded(file).length === 2, 'both are recorded');
  const tried = readRecorded(file).find(({ calls }) => calls.length === 2);
  assert.deepEqual(
    tried?.calls.map(({ endpoint, code, answer }) => [endpoint, code !== undefined, answer?.status]),
    [
      [broken.url, true, undefined],
      [service.url, false, 200],
    ],
  );
});

test('a connection that changes its protocol is left out, and counted', async (t) => {
  const file = join(await createFolder(t), 'traffic.jsonl');
  const upstream = await startRawUpstream((connection, chunk) =>
    connection.send(
      chunk.includes('upgrade: websocket')
        ? 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'
        : 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
    ),
  );
  t.after(() => upstream.close());
  const gateway = await startTestGateway({
    admin: { address: '127.0.0.1:0' },
    services: { shop: { endpoints: [upstream.url] } },
    routes: { shop: { match: { path: '/*' }, to: 'shop' } },
    recording: { to: { file }, sample: '100%' },
  });
  t.after(() => gateway.stop());
  const { admin } = (await gateway.control.start()) as { readonly admin: { readonly port: number } };
  await untilRecording(gateway.port(), file);
  const client = await RawClient.open(gateway.port());
  client.send('GET /chat HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  await client.until('101 Switching');
  client.socket.destroy();
  await ask(gateway.port(), '/a');
  await eventually(() => readRecorded(file).length === 1, 'the other one is recorded');
  assert.equal(readRecorded(file)[0]?.request.target, '/a');
  // The tunnel is over when the gateway has seen that its client is gone.
  const tunnels = 'gatehouse_recording_exchanges_skipped_total{reason="tunnel"}';
  await MetricsPage.loadUntil(admin.port, (page) => page.value(tunnels) === 1, 'the tunnel is counted');
});
