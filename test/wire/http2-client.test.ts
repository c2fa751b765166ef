// What is particular to clients that speak HTTP/2; what all versions have in common is in protocol-matrix.test.ts.
import assert from 'node:assert/strict';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { type Forwarding, onEachRequest, startForwarding } from '#test/support/forwarding.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

async function open(t: TestContext, { gateway }: Forwarding): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${gateway.port()}`);
  t.after(() => session.destroy());
  session.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => session.once('connect', () => resolve()).once('error', reject));
  return session;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function begin(session: ClientHttp2Session, headers: OutgoingHttpHeaders, options = {}): ClientHttp2Stream {
  const stream = session.request({ ':path': '/', ':authority': 'shop', ...headers }, options);
  stream.on('error', () => undefined);
  return stream;
}

function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let body = '';
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    stream.on('data', (bytes: Buffer) => {
      body += bytes.toString('latin1');
    });
    stream.on('end', () => resolve({ status, body }));
    stream.on('error', reject);
  });
}

test('the upstream sees pieces of a cookie as one, the authority as host, and HTTP/2 in Via', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(ok)),
  );
  const session = await open(t, forwarding);
  const { status, body } = await answerOf(begin(session, { cookie: ['a=1', 'b=2'], 'x-tag': 'one' }));
  assert.deepEqual([status, body], [200, 'ok']);
  const { received } = forwarding.upstream.connections[0]!;
  assert.match(received, /^GET \/ HTTP\/1\.1\r\nhost: shop\r\n/);
  assert.match(received, /\r\ncookie: a=1; b=2\r\n/);
  assert.match(received, /\r\nvia: 2\.0 gatehouse\r\n/);
});

test('many requests at a time are answered each by its own', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection, head) => {
      const path = /^GET (\S+)/.exec(head)![1]!;
      connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\n\r\n${path}`);
    }),
  );
  const session = await open(t, forwarding);
  const paths = Array.from({ length: 100 }, (_, i) => `/${i}`);
  const answers = await Promise.all(paths.map((path) => answerOf(begin(session, { ':path': path }))));
  assert.deepEqual(
    answers.map(({ body }) => body),
    paths,
  );
});

test('a request that the client breaks off is broken off at the upstream, and the connection goes on', async (t) => {
  const forwarding = await startForwarding(t, () => undefined);
  const session = await open(t, forwarding);
  const stream = begin(session, { ':path': '/slow' });
  await eventually(() => forwarding.upstream.connections[0]?.received.includes('/slow') === true, 'the upstream has the request');
  stream.close(8);
  await eventually(() => forwarding.upstream.connections[0]!.socket.closed, 'the upstream is left');
  const other = begin(session, { ':path': '/next' });
  await eventually(() => forwarding.upstream.connections[1]?.received.includes('/next') === true, 'the next request has come');
  forwarding.upstream.connections[1]!.send(ok);
  assert.equal((await answerOf(other)).status, 200);
});

test('an answer that the upstream breaks off resets its stream alone', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection, head) => {
      if (head.startsWith('GET /ok')) return void connection.send(ok);
      const isLong = head.startsWith('GET /long');
      connection.send(
        isLong
          ? 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'
          : 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n',
      );
      setImmediate(() => connection.socket.destroy());
    }),
  );
  const session = await open(t, forwarding);
  await assert.rejects(answerOf(begin(session, { ':path': '/unknown' })), /INTERNAL_ERROR/);
  // That something is missing shows before the reset does.
  await assert.rejects(answerOf(begin(session, { ':path': '/long' })), /(INTERNAL|PROTOCOL)_ERROR/);
  assert.equal((await answerOf(begin(session, { ':path': '/ok' }))).status, 200);
});

test('a malformed target and a malformed host are refused as over HTTP/1', async (t) => {
  const forwarding = await startForwarding(t, () => undefined);
  const session = await open(t, forwarding);
  for (const [headers, status, code] of [
    [{ ':path': '/a//b' }, 400, 'GH_CLIENT_MALFORMED_TARGET'],
    [{ ':path': '/../..' }, 400, 'GH_CLIENT_MALFORMED_TARGET'],
    [{ ':authority': 'shop:1234567' }, 400, 'GH_CLIENT_MALFORMED_HOST'],
  ] as const) {
    const answer = await answerOf(begin(session, headers));
    assert.equal(answer.status, status);
    assert.equal((JSON.parse(answer.body) as { code: string }).code, code);
  }
});

test('an early answer to an upload asks the client not to go on, and the connection stays', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(ok)),
    { route: { match: { path: '/here' }, to: { respond: { status: 413 } } } },
  );
  const session = await open(t, forwarding);
  const stream = begin(session, { ':method': 'POST', ':path': '/here' }, { endStream: false });
  stream.write('begun');
  const status = await new Promise<unknown>((resolve) => stream.once('response', (headers) => resolve(headers[':status'])));
  assert.equal(status, 413);
  stream.resume();
  await eventually(() => stream.closed, 'the stream is closed');
  assert.equal(stream.rstCode, 0);
  assert.equal(session.closed, false);
});

test('a drained gateway says GOAWAY, and the request that runs is answered', async (t) => {
  const forwarding = await startForwarding(t, () => undefined);
  const session = await open(t, forwarding);
  const answer = answerOf(begin(session, { ':path': '/slow' }));
  await eventually(() => forwarding.upstream.connections[0]?.received.includes('/slow') === true, 'the upstream has the request');
  const isGoing = new Promise<number>((resolve) => session.once('goaway', resolve));
  const drained = forwarding.gateway.control.drain();
  assert.equal(await isGoing, 0);
  forwarding.upstream.connections[0]!.send(ok);
  assert.deepEqual(await answer, { status: 200, body: 'ok' });
  await drained;
});
