import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { fieldOf, type ReadAnswer, readAnswers } from '../support/answers.ts';
import { certificatePaths } from '../support/certificates.ts';
import { describeRequest, onEachWholeRequest, startClientBench, untilAnswers } from '../support/client-bench.ts';
import { eventually } from '../support/eventually.ts';
import { smugglingRequests } from '../support/http1-smuggling.ts';

const host = 'host: shop\r\n';
const get = (lines: string) => `GET /x HTTP/1.1\r\n${host}${lines}\r\n`;

/** A refusal is one whole answer, a problem document, and the end. */
function checkRefusal(text: string, status: number, code: string): ReadAnswer {
  const { answers, rest } = readAnswers(text);
  assert.equal(answers.length, 1, text);
  const [answer] = answers;
  assert.equal(answer!.status, status, text);
  assert.equal(fieldOf(answer!, 'content-type'), 'application/problem+json');
  assert.equal(fieldOf(answer!, 'connection'), 'close');
  assert.equal(rest, '');
  const problem = JSON.parse(answer!.body) as Record<string, unknown>;
  assert.equal(problem['status'], status);
  assert.equal(problem['code'], code);
  assert.equal(problem['requestId'], fieldOf(answer!, 'x-request-id'));
  return answer!;
}

const malformed = 'GH_CLIENT_MALFORMED_REQUEST';

interface RefusedCase {
  readonly name: string;
  readonly bytes: string;
  readonly status: number;
  readonly code: string;
}

const next = `GET /smuggled HTTP/1.1\r\n${host}\r\n`;
const post = (lines: string, rest: string) => `POST /x HTTP/1.1\r\n${host}${lines}\r\n${rest}`;

const refusedHeads: readonly RefusedCase[] = [
  {
    name: 'a length and a coding',
    bytes: post('content-length: 5\r\ntransfer-encoding: chunked\r\n', `0\r\n\r\n${next}`),
    status: 400,
    code: malformed,
  },
  { name: 'two lengths', bytes: post('content-length: 3\r\ncontent-length: 0\r\n', next), status: 400, code: malformed },
  {
    name: 'a coding that is not chunked',
    bytes: post('transfer-encoding: gzip, chunked\r\n', `0\r\n\r\n${next}`),
    status: 501,
    code: 'GH_CLIENT_TRANSFER_CODING',
  },
  {
    name: 'a coding in HTTP/1.0',
    bytes: `POST /x HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${next}`,
    status: 400,
    code: malformed,
  },
  { name: 'a space before a colon', bytes: post('content-length : 5\r\n', next), status: 400, code: malformed },
  { name: 'a folded line', bytes: get('a: b\r\n c: d\r\n'), status: 400, code: malformed },
  { name: 'lines that end in LF alone', bytes: `GET /x HTTP/1.1\nhost: shop\n\n`, status: 400, code: malformed },
  { name: 'a CR alone', bytes: get('a: b\rc: d\r\n'), status: 400, code: malformed },
  { name: 'a NUL', bytes: get('a: b\0c\r\n'), status: 400, code: malformed },
  { name: 'no host', bytes: 'GET /x HTTP/1.1\r\n\r\n', status: 400, code: malformed },
  { name: 'two hosts', bytes: get('host: other\r\n'), status: 400, code: malformed },
  {
    name: 'a host with a path in it',
    bytes: 'GET /x HTTP/1.1\r\nhost: shop/admin\r\n\r\n',
    status: 400,
    code: 'GH_CLIENT_MALFORMED_HOST',
  },
  {
    name: 'a host with a user in it',
    bytes: 'GET /x HTTP/1.1\r\nhost: a@shop\r\n\r\n',
    status: 400,
    code: 'GH_CLIENT_MALFORMED_HOST',
  },
  {
    name: 'a host without an end of its brackets',
    bytes: 'GET /x HTTP/1.1\r\nhost: [::1\r\n\r\n',
    status: 400,
    code: 'GH_CLIENT_MALFORMED_HOST',
  },
  {
    name: 'an absolute target with a user in it',
    bytes: `GET http://a@shop/x HTTP/1.1\r\n${host}\r\n`,
    status: 400,
    code: 'GH_CLIENT_MALFORMED_TARGET',
  },
  {
    name: 'a target that is no path',
    bytes: `GET shop HTTP/1.1\r\n${host}\r\n`,
    status: 400,
    code: 'GH_CLIENT_MALFORMED_TARGET',
  },
  {
    name: 'a target above the root',
    bytes: `GET /a/../.. HTTP/1.1\r\n${host}\r\n`,
    status: 400,
    code: 'GH_CLIENT_MALFORMED_TARGET',
  },
  { name: 'a fragment', bytes: `GET /x#y HTTP/1.1\r\n${host}\r\n`, status: 400, code: malformed },
  { name: 'HTTP/2 without TLS', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: 505, code: 'GH_CLIENT_VERSION' },
  { name: 'HTTP/0.9', bytes: 'GET /x\r\n\r\n', status: 400, code: malformed },
  { name: 'HTTP/1.2', bytes: `GET /x HTTP/1.2\r\n${host}\r\n`, status: 505, code: 'GH_CLIENT_VERSION' },
  {
    name: 'a target that is too long',
    bytes: `GET /${'a'.repeat(limits.targetBytesMax)} HTTP/1.1\r\n${host}\r\n`,
    status: 414,
    code: 'GH_CLIENT_TARGET_TOO_LONG',
  },
  {
    name: 'a head that is too large',
    bytes: get(`a: ${'b'.repeat(limits.headBytesMax)}\r\n`),
    status: 431,
    code: 'GH_CLIENT_HEAD_TOO_LARGE',
  },
  {
    name: 'a head without end',
    bytes: `GET /x HTTP/1.1\r\n${'a: b\r\n'.repeat(20_000)}`,
    status: 431,
    code: 'GH_CLIENT_HEAD_TOO_LARGE',
  },
  { name: 'too many fields', bytes: get('a: b\r\n'.repeat(limits.fieldCountMax)), status: 431, code: 'GH_CLIENT_HEAD_TOO_LARGE' },
  { name: 'the greeting of another protocol', bytes: 'SSH-2.0-OpenSSH_9.2\r\n', status: 400, code: malformed },
];

test('refuses a malformed head with a problem document, closes, logs it, and tells no upstream', async (t) => {
  const bench = await startClientBench(t, { listener: { http2: false } });
  const neighbour = await bench.open();
  for (const [i, { name, bytes, status, code }] of refusedHeads.entries()) {
    const client = await bench.open();
    client.send(bytes);
    if (!bytes.includes('\r\n\r\n') && !bytes.includes('\n\n') && status !== 431) client.socket.end();
    const answer = checkRefusal(await client.untilEnd(), status, code);
    assert.doesNotMatch(answer.body, /127\.0\.0\.1|main|forwarded/, name);
    neighbour.send(get(''));
    await untilAnswers(neighbour, i + 1);
  }
  assert.doesNotMatch(bench.received.join(''), /smuggled|host: other/);
  assert.equal(bench.upstream.connections.length, 1);
  const lines = (await bench.log()).filter(({ service }) => service === undefined);
  assert.deepEqual(
    lines.map(({ status, code }) => [status, code]),
    refusedHeads.map(({ status, code }) => [status, code]),
  );
  for (const { id, client, listener } of lines) {
    assert.equal(typeof id, 'string');
    assert.deepEqual([client, listener], ['127.0.0.1', 'web']);
  }
});

const largestHead = get('').length;

test('accepts what is just within its limits', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  const accepted = [
    `GET /${'a'.repeat(limits.targetBytesMax - 1)} HTTP/1.1\r\n${host}\r\n`,
    get(`a: ${'b'.repeat(limits.headBytesMax - largestHead - 5)}\r\n`),
    get('a: b\r\n'.repeat(limits.fieldCountMax - 1)),
    'GET /x HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n',
    get('transfer-encoding-not: gzip\r\n'),
  ];
  for (const [i, bytes] of accepted.entries()) {
    client.send(bytes);
    assert.equal((await untilAnswers(client, i + 1))[i]!.status, 200, bytes.slice(0, 60));
  }
});

test('obeys the limits of its listener', async (t) => {
  const bench = await startClientBench(t, { listener: { limits: { headBytes: '1KiB', fieldCount: 8 } } });
  const client = await bench.open();
  client.send(get('a: b\r\n'.repeat(7)) + get(`a: ${'b'.repeat(1024 - largestHead - 5)}\r\n`));
  await untilAnswers(client, 2);
  checkRefusal(await bench.exchange(get('a: b\r\n'.repeat(8))), 431, 'GH_CLIENT_HEAD_TOO_LARGE');
  checkRefusal(await bench.exchange(get(`a: ${'b'.repeat(1024 - largestHead - 4)}\r\n`)), 431, 'GH_CLIENT_HEAD_TOO_LARGE');
});

const bodyCases: readonly { readonly name: string; readonly chunks: string }[] = [
  { name: 'a chunk size that is no number', chunks: '3\r\nabc\r\nxyz\r\n' },
  { name: 'a chunk that is longer than it says', chunks: '3\r\nabcd\r\n0\r\n\r\n' },
  { name: 'a chunk line that ends in LF alone', chunks: '3\nabc\r\n0\r\n\r\n' },
  { name: 'a length among the trailers', chunks: '3\r\nabc\r\n0\r\ncontent-length: 3\r\n\r\n' },
  { name: 'a chunk extension without end', chunks: `3;${'a'.repeat(5000)}\r\nabc\r\n0\r\n\r\n` },
];

test('refuses a malformed body, and leaves the upstream without an end of it', async (t) => {
  const whole: string[] = [];
  const bench = await startClientBench(t, { onData: onEachWholeRequest((_, { head }) => void whole.push(head)) });
  for (const [i, { name, chunks }] of bodyCases.entries()) {
    const client = await bench.open();
    client.send(post('transfer-encoding: chunked\r\n', ''));
    await eventually(() => bench.upstream.connections.length === i + 1, `the upstream has the head (${name})`);
    client.send(chunks + next);
    checkRefusal(await client.untilEnd(), 400, 'GH_CLIENT_MALFORMED_BODY');
    await eventually(() => bench.upstream.connections[i]!.socket.closed, `the upstream is left (${name})`);
  }
  assert.deepEqual(whole, []);
  assert.deepEqual(
    (await bench.log()).map(({ status, code, service }) => [status, code, service]),
    bodyCases.map(() => [400, 'GH_CLIENT_MALFORMED_BODY', 'main']),
  );
});

test('breaks an answer off whose request turns out to be malformed', async (t) => {
  const bench = await startClientBench(t, {
    onData: (upstream, chunk) => {
      if (chunk.startsWith('POST')) upstream.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
    },
  });
  const client = await bench.open();
  client.send(post('transfer-encoding: chunked\r\n', ''));
  await client.until('abc');
  client.send('no size\r\n');
  const { answers } = readAnswers(await client.untilEnd());
  assert.deepEqual(answers, []);
  assert.deepEqual(
    (await bench.log()).map(({ status, code }) => [status, code]),
    [[200, 'GH_CLIENT_MALFORMED_BODY']],
  );
});

/** What the codec says of a smuggled request that is not a fault. */
const notFaults: readonly string[] = ['whole', 'close', 'switched'];

test('answers every known shape of smuggling with a refusal, and hands no part of it on as a request', async (t) => {
  const whole: string[] = [];
  const bench = await startClientBench(t, {
    listener: { http2: false },
    onData: onEachWholeRequest((connection, request) => {
      whole.push(request.head);
      describeRequest(connection, request);
    }),
  });
  for (const { name, text, ours } of smugglingRequests) {
    if (notFaults.includes(ours)) continue;
    whole.length = 0;
    const client = await bench.open();
    client.send(text);
    if (ours === 'truncated') client.socket.end();
    const received = await client.untilEnd();
    client.close();
    const { answers, rest } = readAnswers(received);
    assert.equal(rest, '', name);
    const last = answers.at(-1);
    // A body that was cut short has no client who would read an answer.
    if (last === undefined) assert.equal(ours, 'truncated', name);
    else assert.ok([400, 414, 431, 501, 505].includes(last.status), `${name}: ${received}`);
    assert.equal(whole.length, Math.max(0, answers.length - 1), name);
  }
});

test('refuses the greeting of a TLS client at once', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  const hello = '16030102000100';
  client.send(Buffer.from(`${hello}01fc0303${'ab'.repeat(300)}`, 'hex'));
  checkRefusal(await client.untilEnd(), 400, malformed);
});

test('ends a connection at once that speaks no TLS where it should', async (t) => {
  const { localhostCert, localhostKey } = certificatePaths;
  const bench = await startClientBench(t, {
    listener: { tls: { certificates: [{ cert: localhostCert, key: localhostKey }] } },
  });
  const client = await bench.open();
  client.send(get(''));
  await client.untilEnd();
  await bench.untilNoConnections();
});
