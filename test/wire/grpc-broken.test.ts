// Answers to calls of gRPC that break off: what says how a call has ended must be true, and a client that is behind is not waited for.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { openClient, startGatewayFor } from '#test/support/forwarding.ts';
import { encodeData, encodeHeaders, encodeReset, Flag, FrameType } from '#test/support/http2-frames.ts';
import { RawHttp2Client } from '#test/support/http2-raw-client.ts';
import { type RawHttp2Connection, startRawHttp2Upstream } from '#test/support/raw-http2-upstream.ts';

const INTERNAL_ERROR = 2;
const INITIAL_WINDOW_SIZE = 4;
const PIECE = Buffer.alloc(16_000, 'x');
const PIECES = 20;
const grpc = ['content-type', 'application/grpc', 'te', 'trailers'];

async function start(t: TestContext, onRequest: (stream: number, connection: RawHttp2Connection) => void) {
  const upstream = await startRawHttp2Upstream(t, { onRequest });
  return startGatewayFor(t, { service: { endpoints: [upstream.url], protocol: 'http2' } });
}

const head = (stream: number, type: string) => encodeHeaders(stream, [':status', '200', 'content-type', type], Flag.endHeaders);

/** The head of an answer, as many pieces of its body, and a reset. */
function breakOff(type: string, pieces: number) {
  return (stream: number, connection: RawHttp2Connection) =>
    connection.send(
      head(stream, type),
      ...Array.from({ length: pieces }, () => encodeData(stream, PIECE)),
      encodeReset(stream, INTERNAL_ERROR),
    );
}

function headsOf(client: RawHttp2Client): number {
  return client.frames.filter(({ stream, type }) => stream === 1 && type === FrameType.headers).length;
}

test('an answer of gRPC that breaks off ends with trailers', async (t) => {
  const gateway = await start(t, breakOff('application/grpc+proto', 1));
  const client = await RawHttp2Client.open(t, { port: gateway.port() });
  client.ask(1, '/shop.Shop/Watch', { method: 'POST', fields: grpc });
  await client.untilAnswered(1);
  assert.equal(client.bodyOf(1).length, PIECE.length);
  assert.deepEqual([headsOf(client), client.resetCodeOf(1)], [2, undefined]);
  const [line] = await gateway.stop();
  assert.deepEqual([line?.['status'], line?.['code']], [200, 'GH_UPSTREAM_TRUNCATED_BODY']);
});

for (const [what, type, fields] of [
  ['an answer of something else to a call', 'text/html', grpc],
  ['an answer like one of gRPC to another request', 'application/grpc', ['content-type', 'application/json', 'te', 'trailers']],
] as const) {
  test(`${what} that breaks off is broken off`, async (t) => {
    const gateway = await start(t, breakOff(type, 1));
    const client = await RawHttp2Client.open(t, { port: gateway.port() });
    client.ask(1, '/shop.Shop/Watch', { method: 'POST', fields });
    await client.untilAnswered(1);
    assert.deepEqual([headsOf(client), client.resetCodeOf(1)], [1, INTERNAL_ERROR]);
  });
}

test('an answer of gRPC that breaks off while its client is behind is broken off for it too', async (t) => {
  const gateway = await start(t, breakOff('application/grpc', PIECES));
  const client = await RawHttp2Client.open(t, { port: gateway.port(), settings: { [INITIAL_WINDOW_SIZE]: 10 } });
  client.ask(1, '/shop.Shop/Watch', { method: 'POST', fields: grpc });
  await eventually(() => client.resetCodeOf(1) !== undefined, 'the stream is reset');
  assert.deepEqual([headsOf(client), client.resetCodeOf(1)], [1, INTERNAL_ERROR]);
});

test('over HTTP/1, where trailers may get lost, an answer of gRPC that breaks off is broken off', async (t) => {
  const gateway = await start(t, breakOff('application/grpc', 1));
  const client = await openClient(t, gateway);
  client.send(
    'POST /shop.Shop/Watch HTTP/1.1\r\nhost: shop\r\ncontent-type: application/grpc\r\nte: trailers\r\ncontent-length: 0\r\n\r\n',
  );
  const answer = await client.untilEnd();
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(answer, /\r\n0\r\n|grpc-status/);
});
