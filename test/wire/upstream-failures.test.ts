// What the client sees when an upstream fails, in every phase of an exchange, and which requests are tried again.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { limits } from '#base/limits.ts';
import { startBlackhole } from '#test/support/blackhole.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import {
  type Forwarding,
  onEachRequest,
  openClient,
  settle,
  startForwarding,
  startGatewayFor,
} from '#test/support/forwarding.ts';
import type { RawClient } from '#test/support/raw-client.ts';
import type { UpstreamConnection } from '#test/support/raw-upstream.ts';

const get = 'GET / HTTP/1.1\r\nhost: shop\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Waits for a problem document with this code and returns its status. */
async function problem(client: RawClient, code: string): Promise<number> {
  const text = await client.until(/"requestId":"[^"]*"\}\n$/);
  assert.match(text, new RegExp(`"code":"${code}"`));
  assert.match(text, /\r\ncontent-type: application\/problem\+json\r\n/);
  return Number(text.slice(9, 12));
}

/** The connection of the client goes on after an answer of the gateway's own. */
async function assertUsable({ upstream }: Forwarding, client: RawClient): Promise<void> {
  const count = upstream.connections.length;
  client.take();
  client.send(get);
  await eventually(() => upstream.connections.length > count || client.received !== '', 'the next request goes on');
}

// Dead reused connections

/** An upstream whose first connection answers once and then dies at the beginning of its second request. */
async function startDyingUpstream(t: TestContext, die: (connection: UpstreamConnection) => void): Promise<Forwarding> {
  let answered = 0;
  const onData = (connection: UpstreamConnection, chunk: string) => {
    if (connection.index === 0 && answered > 0) return die(connection);
    if (!isWhole(connection.received)) return;
    answered += 1;
    const body = chunk.includes('echo') ? connection.received.slice(connection.received.indexOf('\r\n\r\n') + 4) : 'ok';
    connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  };
  // What follows is so whatever the settings are.
  return startForwarding(t, onData, { service: { retry: false } });
}

function isWhole(received: string): boolean {
  const length = Number(/content-length: (\d+)/.exec(received)?.[1] ?? 0);
  const start = received.indexOf('\r\n\r\n') + 4;
  if (received.includes('transfer-encoding: chunked')) return /\r\n0\r\n(?:.+\r\n)*\r\n$/.test(received);
  return start >= 4 && received.length - start >= length;
}

const deaths: [string, (connection: UpstreamConnection) => void][] = [
  ['is reset', ({ socket }) => void socket.resetAndDestroy()],
  ['is closed', ({ socket }) => void socket.destroy()],
  ['ends', ({ socket }) => void socket.end()],
];

const repeated: { name: string; request: string; replay: RegExp }[] = [
  { name: 'GET', request: get, replay: /^GET \/ HTTP/ },
  { name: 'HEAD', request: 'HEAD / HTTP/1.1\r\nhost: shop\r\n\r\n', replay: /^HEAD \/ HTTP/ },
  { name: 'DELETE', request: 'DELETE /x HTTP/1.1\r\nhost: shop\r\n\r\n', replay: /^DELETE \/x HTTP/ },
  {
    name: 'PUT with a small body',
    request: 'PUT / HTTP/1.1\r\nhost: shop\r\ncontent-length: 5\r\n\r\nhello',
    replay: /\r\ncontent-length: 5\r\n(?:.+\r\n)*\r\nhello$/,
  },
  {
    name: 'PUT with a small chunked body',
    request: 'PUT / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n',
    replay: /\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n$/,
  },
];

for (const [death, die] of deaths) {
  for (const { name, request, replay } of repeated) {
    test(`${name} is sent once more when the reused connection ${death} before any byte of an answer`, async (t) => {
      const { upstream, open } = await startDyingUpstream(t, die);
      const client = await open();
      client.send(get);
      await client.until(/ok$/);
      client.take();
      client.send(request);
      assert.match(await client.until(/\r\n\r\n/), /^HTTP\/1.1 200 /);
      assert.equal(upstream.connections.length, 2);
      assert.match(upstream.connections[1]!.received, replay);
    });
  }

  test(`POST is not sent again when the reused connection ${death}`, async (t) => {
    const forwarding = await startDyingUpstream(t, die);
    const client = await forwarding.open();
    client.send(get);
    await client.until(/ok$/);
    client.take();
    client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 5\r\n\r\nhello');
    assert.equal(await problem(client, 'GH_UPSTREAM_LOST_BEFORE_ANSWER'), 502);
    assert.equal(forwarding.upstream.connections.length, 1);
    await assertUsable(forwarding, client);
  });
}

test('a PUT whose body is longer than what is kept is not sent again', async (t) => {
  const { upstream, open } = await startDyingUpstream(t, ({ socket, received }) => {
    if (received.length > limits.replayBodyBytesMax + 100) socket.resetAndDestroy();
  });
  const client = await open();
  client.send(get);
  await client.until(/ok$/);
  client.take();
  const size = limits.replayBodyBytesMax + 1;
  client.send(`PUT / HTTP/1.1\r\nhost: shop\r\ncontent-length: ${size}\r\n\r\n${'x'.repeat(size)}`);
  assert.equal(await problem(client, 'GH_UPSTREAM_LOST_BEFORE_ANSWER'), 502);
  assert.equal(upstream.connections.length, 1);
});

test('a PUT that is sent again goes on with the part of its body that comes later', async (t) => {
  const { upstream, open } = await startDyingUpstream(t, ({ socket }) => void socket.resetAndDestroy());
  const client = await open();
  client.send(get);
  await client.until(/ok$/);
  client.take();
  client.send('PUT /echo HTTP/1.1\r\nhost: shop\r\ncontent-length: 10\r\n\r\nhello');
  await eventually(() => upstream.connections[1]?.received.endsWith('hello') === true, 'the beginning is there again');
  client.send('world');
  await eventually(() => upstream.connections[1]!.received.endsWith('\r\n\r\nhelloworld'), 'all of it is there');
  await client.until(/\r\n\r\n/);
});

test('a body that comes while its repeated request waits for a connection is neither lost nor kept twice', async (t) => {
  const forwarding = await startForwarding(
    t,
    ({ received, send }, chunk) => {
      if (chunk.startsWith('GET / ') || received.endsWith('0\r\n\r\n')) send(ok);
    },
    { service: { pool: { connections: 1 } } },
  );
  const { upstream, open, settle } = forwarding;
  const client = await open();
  client.send(get);
  await client.until(/ok$/);
  client.take();
  client.send('PUT / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n');
  await eventually(() => upstream.connections[0]!.received.endsWith('hi\r\n'), 'the beginning is there');
  // Somebody waits already, and gets the place of the connection that is lost.
  const waiter = await open();
  waiter.send('GET /hold HTTP/1.1\r\nhost: shop\r\n\r\n');
  await settle();
  upstream.connections[0]!.socket.resetAndDestroy();
  await eventually(() => upstream.connections[1]?.received.includes('/hold') === true, 'the other request has the place');
  const rest = 'x'.repeat(3 * limits.replayBodyBytesMax);
  client.send(`${rest.length.toString(16)}\r\n${rest}\r\n0\r\n\r\n`);
  await settle();
  upstream.connections[1]!.send(ok);
  await waiter.until(/ok$/);
  await client.until(/ok$/);
  const { received } = upstream.connections[1]!;
  assert.equal(joinChunks(received.slice(received.indexOf('\r\n\r\n', received.indexOf('PUT')) + 4)), `hi${rest}`);
});

/** The content of a chunked body. */
function joinChunks(text: string): string {
  let content = '';
  for (let position = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', position);
    const size = Number.parseInt(text.slice(position, lineEnd), 16);
    if (size === 0) return content;
    content += text.slice(lineEnd + 2, lineEnd + 2 + size);
    position = lineEnd + 4 + size;
  }
}

test('a request is sent again at most once, and a fresh connection that fails ends it', async (t) => {
  let answered = 0;
  const onData = ({ socket, send }: UpstreamConnection) => {
    answered += 1;
    if (answered === 1) send(ok);
    else socket.resetAndDestroy();
  };
  const { upstream, open } = await startForwarding(t, onData, { service: { retry: false } });
  const client = await open();
  client.send(get);
  await client.until(/ok$/);
  client.take();
  client.send(get);
  assert.equal(await problem(client, 'GH_UPSTREAM_LOST_BEFORE_ANSWER'), 502);
  assert.equal(upstream.connections.length, 2);
});

test('the repeat finds its place in a pool of one, also without a queue', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    (connection) => {
      if (connection.index === 0 && connection.received.split('GET').length > 2) connection.socket.resetAndDestroy();
      else connection.send(ok);
    },
    { service: { pool: { connections: 1, queue: 0 } } },
  );
  const client = await open();
  client.send(get);
  await client.until(/ok$/);
  client.take();
  client.send(get);
  await client.until(/ok$/);
  assert.equal(upstream.connections.length, 2);
});

for (const beginning of ['HTTP/1.1 20', 'HTTP/1.1 102 Processing\r\n\r\n']) {
  test(`nothing is sent again after ${JSON.stringify(beginning)}`, async (t) => {
    const { upstream, open } = await startDyingUpstream(t, ({ socket, send }) => {
      send(beginning);
      socket.end();
    });
    const client = await open();
    client.send(get);
    await client.until(/ok$/);
    client.take();
    client.send(get);
    await client.until('GH_UPSTREAM_TRUNCATED_HEAD');
    assert.equal(upstream.connections.length, 1);
  });
}

// Connecting

test('answers 502 when nobody listens, without a second attempt, and the next request tries again', async (t) => {
  const gateway = await startGatewayFor(t, { service: { endpoints: ['http://127.0.0.1:1'] } });
  const client = await openClient(t, gateway);
  for (let i = 0; i < 2; i++) {
    client.take();
    client.send(get);
    assert.equal(await problem(client, 'GH_UPSTREAM_UNREACHABLE'), 502);
  }
  const lines = await gateway.stop();
  assert.equal(lines.length, 2);
});

// Answers that are none

const endings: { name: string; answer: string; end: 'end' | 'reset'; code: string; status: number }[] = [
  { name: 'closes without a byte', answer: '', end: 'end', code: 'GH_UPSTREAM_LOST_BEFORE_ANSWER', status: 502 },
  { name: 'resets without a byte', answer: '', end: 'reset', code: 'GH_UPSTREAM_LOST_BEFORE_ANSWER', status: 502 },
  { name: 'closes inside the status line', answer: 'HTTP/1.1 2', end: 'end', code: 'GH_UPSTREAM_TRUNCATED_HEAD', status: 502 },
  {
    name: 'resets inside the head',
    answer: 'HTTP/1.1 200 OK\r\na: b\r\n',
    end: 'reset',
    code: 'GH_UPSTREAM_TRUNCATED_HEAD',
    status: 502,
  },
  {
    name: 'closes after an informational answer',
    answer: 'HTTP/1.1 103 Early Hints\r\n\r\n',
    end: 'end',
    code: 'GH_UPSTREAM_TRUNCATED_HEAD',
    status: 502,
  },
];

for (const { name, answer, end, code, status } of endings) {
  test(`answers ${status} to the client when the upstream ${name}`, async (t) => {
    const forwarding = await startForwarding(
      t,
      onEachRequest(({ socket }) => {
        if (answer === '') return void (end === 'end' ? socket.end() : socket.resetAndDestroy());
        socket.write(answer, () => setImmediate(() => (end === 'end' ? socket.end() : socket.resetAndDestroy())));
      }),
    );
    const client = await forwarding.open();
    client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
    const text = await client.until(/"requestId":"[^"]*"\}\n$/);
    assert.match(text, new RegExp(`HTTP/1.1 ${status} [^]*"code":"${code}"`));
    await assertUsable(forwarding, client);
  });
}

const malformed: [name: string, answer: string][] = [
  ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['a status that is no number', 'HTTP/1.1 2xx OK\r\n\r\n'],
  ['a status out of range', 'HTTP/1.1 999 OK\r\n\r\n'],
  ['a line feed alone', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n'],
  ['a folded line', 'HTTP/1.1 200 OK\r\na: b\r\n c\r\ncontent-length: 0\r\n\r\n'],
  ['a space before the colon', 'HTTP/1.1 200 OK\r\ncontent-length : 0\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
  ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a length that is no number', 'HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello'],
  ['a coding that is not understood', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n'],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a NUL in a value', 'HTTP/1.1 200 OK\r\na: b\0c\r\ncontent-length: 0\r\n\r\n'],
  [
    'a switch of protocols that nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
  ],
];

for (const [name, answer] of malformed) {
  test(`answers 502 to an answer with ${name}, and drops the connection`, async (t) => {
    const { upstream, open } = await startForwarding(
      t,
      onEachRequest((connection) => connection.send(connection.index === 0 ? answer : ok)),
    );
    const client = await open();
    client.send(get);
    const code = name.startsWith('a switch') ? 'GH_UPSTREAM_UNEXPECTED_UPGRADE' : 'GH_UPSTREAM_MALFORMED_ANSWER';
    assert.equal(await problem(client, code), 502);
    client.take();
    client.send(get);
    await client.until(/ok$/);
    assert.equal(upstream.connections.length, 2);
  });
}

test('takes a head of the largest size, and answers 502 to a larger one', async (t) => {
  const start = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: ';
  let size = limits.headBytesMax;
  const { open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(`${start}${'a'.repeat(size - start.length - 4)}\r\n\r\nok`)),
  );
  const client = await open();
  client.send(get);
  assert.match(await client.until(/ok$/), /^HTTP\/1.1 200 /);
  client.take();
  size += 1;
  client.send(get);
  assert.equal(await problem(client, 'GH_UPSTREAM_HEAD_TOO_LARGE'), 502);
});

test('a head that never ends is cut off at its limit', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(`HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(4 * limits.headBytesMax)}`)),
  );
  const client = await open();
  client.send(get);
  assert.equal(await problem(client, 'GH_UPSTREAM_HEAD_TOO_LARGE'), 502);
  await eventually(() => upstream.connections[0]!.socket.closed, 'the connection is closed');
});

test('too many fields are as bad as a head that is too large', async (t) => {
  const { open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(limits.fieldCountMax + 1)}\r\n`)),
  );
  const client = await open();
  client.send(get);
  assert.equal(await problem(client, 'GH_UPSTREAM_HEAD_TOO_LARGE'), 502);
});

// Answers that break off

const broken: { name: string; request: string; answer: string; expected: RegExp }[] = [
  {
    name: 'a chunked answer ends without its last chunk',
    request: get,
    answer: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
    expected: /\r\n\r\n5\r\nhello\r\n$/,
  },
  {
    name: 'a chunked answer ends inside a chunk',
    request: get,
    answer: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel',
    expected: /\r\n\r\n3\r\nhel\r\n$/,
  },
  {
    name: 'a chunked answer has a bad chunk size',
    request: get,
    answer: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n',
    expected: /\r\n\r\n(?:5\r\nhello\r\n)?$/,
  },
  {
    name: 'an answer is shorter than its length',
    request: get,
    answer: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello',
    expected: /content-length: 9\r\n(?:.+\r\n)*\r\nhello$/,
  },
];

for (const { name, request, answer, expected } of broken) {
  test(`the client sees that it is not whole when ${name}`, async (t) => {
    const { open, gateway } = await startForwarding(
      t,
      onEachRequest(({ socket }) => void socket.write(answer, () => setImmediate(() => socket.end()))),
    );
    const client = await open();
    client.send(request);
    const text = await client.untilEnd();
    assert.match(text, expected);
    client.close();
    const [line] = await gateway.stop();
    assert.equal(line!['status'], 200);
    assert.match(String(line!['code']), /^GH_UPSTREAM_(TRUNCATED_BODY|MALFORMED_ANSWER)$/);
  });
}

for (const [name, answer, end] of [
  ['a chunked answer ends early', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n', 'end'],
  ['an answer without a length is reset', 'HTTP/1.1 200 OK\r\n\r\nhello', 'reset'],
] as const) {
  test(`an HTTP/1.0 client gets a reset when ${name}, for the end of the connection would look whole`, async (t) => {
    const { upstream, open } = await startForwarding(
      t,
      onEachRequest(({ send }) => send(answer)),
    );
    const client = await open();
    client.send('GET / HTTP/1.0\r\nhost: shop\r\n\r\n');
    await client.until('hello');
    const { socket } = upstream.connections[0]!;
    if (end === 'end') socket.end();
    else socket.resetAndDestroy();
    await client.untilEnd();
    assert.equal((client.error as NodeJS.ErrnoException | undefined)?.code, 'ECONNRESET');
  });
}

// Time

test('answers 504 when the answer does not begin in time, counted from the end of the request', async (t) => {
  const clock = new FakeClock();
  const forwarding = await startForwarding(t, () => {}, { clock, service: { timeouts: { firstByte: '5s' } } });
  const { upstream, open, advance } = forwarding;
  const client = await open();
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 4\r\n\r\n');
  await eventually(() => upstream.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the head is there');
  // The client takes its time, three times as long as the upstream may.
  for (const letter of 'abc') {
    await advance(5_500);
    client.send(letter);
    await eventually(() => upstream.connections[0]!.received.endsWith(letter), `${letter} is there`);
  }
  assert.equal(client.received, '');
  client.send('d');
  await eventually(() => upstream.connections[0]!.received.endsWith('d'), 'the end is there');
  await advance(4_000);
  assert.equal(client.received, '');
  clock.advance(2_000);
  assert.equal(await problem(client, 'GH_UPSTREAM_FIRST_BYTE_TIMEOUT'), 504);
  await eventually(() => upstream.connections[0]!.socket.closed, 'the upstream connection is closed');
  await assertUsable(forwarding, client);
});

test('an upstream that does not take the request is late too', async (t) => {
  const clock = new FakeClock();
  const { upstream, open, advance } = await startForwarding(t, ({ socket }) => void socket.pause(), {
    clock,
    service: { timeouts: { firstByte: '5s' } },
  });
  const client = await open();
  const size = 64 * 1024 * 1024;
  client.send(`POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: ${size}\r\n\r\n`);
  client.send(Buffer.alloc(size));
  let pushed = -1;
  let count = 0;
  await eventually(() => {
    const { bytesWritten, writableLength } = client.socket;
    count = bytesWritten - writableLength === pushed ? count + 1 : 0;
    pushed = bytesWritten - writableLength;
    return upstream.connections.length > 0 && count > 50;
  }, 'the client is held up');
  await advance(4_000);
  assert.equal(client.received, '');
  clock.advance(2_000);
  assert.equal(await problem(client, 'GH_UPSTREAM_FIRST_BYTE_TIMEOUT'), 504);
});

test('an upstream that does not say whether it wants the body is late too', async (t) => {
  const clock = new FakeClock();
  const { upstream, open } = await startForwarding(t, () => {}, { clock, service: { timeouts: { firstByte: '5s' } } });
  const client = await open();
  client.send('POST / HTTP/1.1\r\nhost: shop\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n');
  await eventually(() => upstream.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the head is there');
  clock.advance(6_000);
  assert.equal(await problem(client, 'GH_UPSTREAM_FIRST_BYTE_TIMEOUT'), 504);
});

test('an answer that stands still is broken off after the idle time, and one that moves is not', async (t) => {
  const clock = new FakeClock();
  const { upstream, open, advance, gateway } = await startForwarding(
    t,
    onEachRequest(({ send }) => send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')),
    { clock, service: { timeouts: { firstByte: '2s', idle: '5s' } } },
  );
  const client = await open();
  client.send(get);
  await client.until(/\r\n\r\n$/);
  for (const letter of 'abc') {
    await advance(4_000);
    upstream.connections[0]!.send(`1\r\n${letter}\r\n`);
    await client.until(`1\r\n${letter}\r\n`);
  }
  clock.advance(6_000);
  assert.match(await client.untilEnd(), /1\r\nc\r\n$/);
  await eventually(() => upstream.connections[0]!.socket.closed, 'the upstream connection is closed');
  const lines = await gateway.stop();
  assert.equal(lines.find(({ target }) => target === '/')?.['code'], 'GH_UPSTREAM_IDLE_TIMEOUT');
});

test('an answer may stand still for as long as its request moves', async (t) => {
  const clock = new FakeClock();
  const { upstream, open, advance } = await startForwarding(t, () => {}, { clock, service: { timeouts: { idle: '5s' } } });
  const client = await open();
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n');
  await eventually(() => upstream.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the head is there');
  upstream.connections[0]!.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
  await client.until(/\r\n\r\n$/);
  for (const letter of 'abc') {
    await advance(4_000);
    client.send(`1\r\n${letter}\r\n`);
    await eventually(() => upstream.connections[0]!.received.endsWith(`${letter}\r\n`), `${letter} is there`);
  }
  client.send('0\r\n\r\n');
  upstream.connections[0]!.send('0\r\n\r\n');
  await client.until(/\r\n\r\n0\r\n\r\n$/);
});

test('a client that does not read is not taken for an upstream that does not send', async (t) => {
  const clock = new FakeClock();
  const size = 64 * 1024 * 1024;
  const { open, advance } = await startForwarding(
    t,
    onEachRequest(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size));
    }),
    { clock, service: { timeouts: { idle: '5s' } } },
  );
  const client = await open();
  client.socket.pause();
  client.send(get);
  await advance(4_000);
  await advance(4_000);
  await advance(4_000);
  let received = 0;
  client.socket.removeAllListeners('data');
  client.socket.on('data', (bytes: Buffer) => {
    received += bytes.length;
  });
  client.socket.resume();
  await eventually(() => received > size, 'the whole answer is there');
});

test('answers 504 when a connection is not made in time', async (t) => {
  const clock = new FakeClock();
  // It accepts, but never answers the greeting of TLS, which is part of making the connection.
  const { upstream, gateway } = await startForwarding(t, () => {}, { clock });
  await gateway.reconfigure({
    services: {
      main: { endpoints: [`https://127.0.0.1:${upstream.port}`], timeouts: { connect: '3s' } },
    },
    routes: { all: { match: { path: '/*' }, to: 'main' } },
  });
  const client = await openClient(t, gateway);
  client.send(get);
  await eventually(
    () => upstream.connections[0]?.received !== undefined && upstream.connections[0].received !== '',
    'the greeting is there',
  );
  clock.advance(3_500);
  assert.equal(await problem(client, 'GH_UPSTREAM_CONNECT_TIMEOUT'), 504);
  await eventually(() => upstream.connections[0]!.socket.closed, 'the attempt is given up');
});

test('answers 504 when nothing answers at all at the address of the endpoint', async (t) => {
  const clock = new FakeClock();
  const blackhole = await startBlackhole(t);
  const gateway = await startGatewayFor(t, {
    clock,
    service: { endpoints: [`http://127.0.0.1:${blackhole.port}`], timeouts: { connect: '3s' } },
  });
  const client = await openClient(t, gateway);
  client.send(get);
  // Its time begins when the gateway has read the request.
  await settle(gateway);
  clock.advance(3_500);
  assert.equal(await problem(client, 'GH_UPSTREAM_CONNECT_TIMEOUT'), 504);
});

// Who is told, and when

test('an upstream is left at once when the client goes, before and inside an answer', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest(({ send }, head) => {
      if (head.includes('/begun')) send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n');
    }),
  );
  for (const [index, path] of ['/silent', '/begun'].entries()) {
    const client = await open();
    client.send(`GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`);
    await eventually(() => upstream.connections[index]?.received.includes(path) === true, 'the request is there');
    if (path === '/begun') await client.until('hello');
    client.socket.resetAndDestroy();
    await eventually(() => upstream.connections[index]!.socket.closed, 'the upstream connection is closed');
  }
});

test('a client that breaks its upload off takes the upstream connection with it', async (t) => {
  const { upstream, open } = await startForwarding(t, () => {});
  const client = await open();
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 10\r\n\r\nhello');
  await eventually(() => upstream.connections[0]?.received.endsWith('hello') === true, 'the beginning is there');
  client.close();
  await eventually(() => upstream.connections[0]!.socket.closed, 'the upstream connection is closed');
  assert.equal(upstream.connections[0]!.received.endsWith('hello'), true);
});

test('one exchange that fails leaves the others of the same upstream alone', async (t) => {
  const { upstream, open } = await startForwarding(t, () => {});
  const clients = [await open(), await open(), await open()];
  for (const [index, client] of clients.entries()) {
    client.send(`GET /${index} HTTP/1.1\r\nhost: shop\r\n\r\n`);
    await eventually(() => upstream.connections[index]?.received.includes(`/${index}`) === true, 'the request is there');
    upstream.connections[index]!.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await client.until('hello');
  }
  upstream.connections[1]!.socket.resetAndDestroy();
  await clients[1]!.untilEnd();
  for (const index of [0, 2]) {
    upstream.connections[index]!.send('2\r\nok\r\n0\r\n\r\n');
    await clients[index]!.until(/5\r\nhello\r\n2\r\nok\r\n0\r\n\r\n$/);
  }
});

// Early answers

for (const ending of ['ends its side', 'stays open'] as const) {
  test(`an answer that comes while the client still uploads reaches it whole when the upstream ${ending}`, async (t) => {
    let isAnswered = false;
    const { upstream, open } = await startForwarding(t, ({ socket, send, received }) => {
      if (isAnswered || received.length < 200_000) return;
      isAnswered = true;
      send('HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 7\r\n\r\ntoo big');
      if (ending === 'ends its side') socket.end();
    });
    const client = await open();
    client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 100000000\r\n\r\n');
    client.send(Buffer.alloc(300_000));
    const text = await client.until(/too big$/);
    assert.match(text, /^HTTP\/1.1 413 Content Too Large\r\n/);
    await eventually(() => upstream.connections[0]!.socket.closed, 'the upstream connection is closed');
  });
}
