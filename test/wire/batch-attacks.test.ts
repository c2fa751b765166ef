/** Batches that try to reach what their client could not reach by itself, or to cost more than they may. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeIn, type Entry, seenIn, startBatchBench } from '#test/support/batch-bench.ts';

const detailIn = ({ body }: Entry) => (body as { detail: string }).detail;

test('a batch is not run inside of a batch, however its path is written', async (t) => {
  const bench = await startBatchBench(t, {
    input: {
      routes: {
        other: { match: { path: '/other/*' }, to: { batch: {} } },
        renamed: { match: { path: '/renamed' }, to: { batch: {} }, policies: { rewrite: { path: '/x' } } },
      },
    },
  });
  const paths = ['/batch', '/%62atch', '/./batch', '/x/../batch', '/%2e/batch', '/batch?x', '/other/a', '/renamed'];
  const inner = { method: 'POST', body: [{ path: '/a' }] };
  const entries = await bench.send(paths.map((path) => ({ ...inner, path })));
  assert.deepEqual(
    entries.map((entry) => [entry.status, codeIn(entry)]),
    paths.map(() => [400, 'GH_BATCH_NESTED']),
  );
  assert.equal(bench.seen.length, 0);
});

test('a path that names a host, or that a client could not ask for, is refused', async (t) => {
  const bench = await startBatchBench(t, {
    input: { routes: { admin: { match: { path: '/admin/*', host: 'admin.example.com' }, to: { respond: { text: 'admin' } } } } },
  });
  const refused = [
    'http://admin.example.com/admin/x',
    'HTTPS://admin.example.com/admin/x',
    '//admin.example.com/admin/x',
    '*',
    '',
    'relative',
    '?x',
    '/a//b',
    '/a\\b',
    '/%5c',
    '/%00',
    '/%zz',
    '/..',
    '/a/..%2fb',
    '/a b',
    '/a\r\nx-evil: 1',
    '/a#b',
    '/é',
    `/${'x'.repeat(17_000)}`,
    `/${'a/'.repeat(300)}`,
  ];
  const entries = await bench.send(refused.map((path) => ({ path })));
  for (const [i, entry] of entries.entries())
    assert.ok(entry.status === 400 || entry.status === 414, `${refused[i]}: ${JSON.stringify(entry)}`);
  const options = await bench.sendOne({ method: 'OPTIONS', path: '*' });
  assert.equal(options.status, 400);
  assert.equal(bench.seen.length, 0);
  assert.equal((await bench.sendOne({ path: '/admin/x' })).status, 200);
  assert.equal(bench.seen[0]!.url, '/admin/x');
});

test('what rules a message, a connection or who the client is, is not for a request of a batch to say', async (t) => {
  const bench = await startBatchBench(t);
  const refused = [
    'host',
    'Host',
    'content-length',
    'Transfer-Encoding',
    'connection',
    'keep-alive',
    '\u212aeep-alive',
    'upgrade',
    'te',
    'expect',
    'proxy-authorization',
    'proxy-connection',
    'x-forwarded-for',
    'X-Forwarded-Anything',
    'forwarded',
    'via',
    'x-real-ip',
    'x-request-id',
    'client-cert',
    'x-forwarded-client-cert',
    'origin',
    'referer',
    'sec-fetch-site',
    'access-control-request-method',
    'accept-encoding',
    '',
    'a b',
    'a:b',
    ':path',
    'a\r\nb',
    'ä',
  ];
  const entries = await bench.send(refused.map((name) => ({ path: '/a', headers: { [name]: 'x' } })));
  assert.deepEqual(
    entries.map((entry) => [entry.status, codeIn(entry)]),
    refused.map(() => [400, 'GH_BATCH_MALFORMED_REQUEST']),
  );
  assert.equal(bench.seen.length, 0);
});

test('values that would break out of their line are refused, and those beside them are sent as they are', async (t) => {
  const bench = await startBatchBench(t);
  for (const value of ['a\r\nx-evil: 1', 'a\nb', 'a\0', 'a\u0101', 'a\ud800']) {
    const entry = await bench.sendOne({ path: '/a', headers: { x: value } });
    assert.equal(codeIn(entry), 'GH_BATCH_MALFORMED_REQUEST', JSON.stringify(value));
  }
  assert.equal(bench.seen.length, 0);
  const entry = await bench.sendOne({ path: '/a', headers: { x: ' \t a b\tc ü \t', y: `z${' '.repeat(5_000)}z` } });
  assert.deepEqual([seenIn(entry).headers['x'], seenIn(entry).headers['y']!.length], ['a b\tc ü', 5_002]);
});

test('a request whose methods, members or types are not what they should be is refused by itself', async (t) => {
  const bench = await startBatchBench(t);
  const refused: readonly string[] = [
    '1',
    'null',
    '[]',
    '{}',
    '{"path":1}',
    '{"path":"/a","method":1}',
    '{"path":"/a","method":""}',
    '{"path":"/a","method":"GET /x HTTP/1.1\\r\\n"}',
    '{"path":"/a","method":"G ET"}',
    '{"path":"/a","header":{}}',
    '{"path":"/a","headers":[]}',
    '{"path":"/a","headers":{"x":1}}',
    '{"path":"/a","headers":{"x":[1]}}',
    '{"path":"/a","headers":{"x":null}}',
    '{"path":"/a","path":"/b"}',
    '{"path":"/a","\\u0070ath":"/b"}',
    '{"path":"/a","body":1,"text":"x"}',
    '{"path":"/a","text":1}',
    '{"path":"/a","base64":"_w=="}',
    '{"path":"/a","base64":"/w="}',
    '{"path":"/a","base64":"/ w=="}',
    '{"path":"/a","__proto__":{"method":"DELETE"}}',
    '{"path":"/a","constructor":1}',
  ];
  const answer = await bench.post(`[${refused.join(',')},{"path":"/fine","id":"last"}]`);
  const { responses } = JSON.parse(answer.body) as { responses: Entry[] };
  assert.deepEqual(
    responses.map((entry) => [entry.status, codeIn(entry)]),
    [...refused.map(() => [400, 'GH_BATCH_MALFORMED_REQUEST']), [200, undefined]],
  );
  assert.equal(bench.seen.length, 1);
  assert.equal((await bench.sendOne({ path: '/a', method: 'CONNECT' })).status, 405);
});

test('names that mean something to JavaScript are names like others', async (t) => {
  const raw: string[] = [];
  const bench = await startBatchBench(t, {
    handlers: {
      '/odd': (response, _seen, { rawHeaders }) => {
        raw.push(...rawHeaders);
        response.setHeader('__proto__', 'a').setHeader('constructor', 'b');
        response.end('{}');
      },
    },
  });
  const answer = await bench.post(
    '[{"path":"/odd","headers":{"__proto__":"x","constructor":"y"},"method":"POST","body":{"__proto__":{"a":1}}}]',
  );
  assert.match(answer.body, /"__proto__":"a","constructor":"b"/);
  assert.equal(bench.seen[0]!.body, '{"__proto__":{"a":1}}');
  assert.deepEqual(
    ['__proto__', 'constructor'].map((name) => raw[raw.indexOf(name) + 1]),
    ['x', 'y'],
  );
});

test('ids come back as they were written, also where the rest cannot be understood', async (t) => {
  const bench = await startBatchBench(t);
  const long = 'x'.repeat(250);
  const answer = await bench.post(
    `[{"id":"\\u0041\\"","path":"/a"},{"id":1e400,"path":"/a"},{"id":"same","path":"/a"},{"id":"same","no":1},{"id":"${long}","path":"x"}]`,
  );
  const ids = [...answer.body.matchAll(/\{"id":(.*?),"status":(\d+)/g)].map(([, id, status]) => `${id} ${status}`);
  assert.deepEqual(ids, ['"\\u0041\\"" 200', '1e400 200', '"same" 200', '"same" 400', `"${long}" 400`]);
  for (const id of [null, true, [1], {}, 'x'.repeat(255)]) {
    const entry = await bench.sendOne({ id, path: '/a' });
    assert.deepEqual([entry.status, 'id' in entry], [400, false]);
    assert.match(detailIn(entry), /an `id` is a text or a number of at most 256 bytes/);
  }
});

const documents: readonly (readonly [what: string, body: string | Buffer, status: number, code: string])[] = [
  ['nothing', '', 400, 'GH_BATCH_MALFORMED'],
  ['no JSON', '{"requests":[}', 400, 'GH_BATCH_MALFORMED'],
  ['JSON that breaks off', '[{"path":"/a"}', 400, 'GH_BATCH_MALFORMED'],
  ['bytes that are no UTF-8', Buffer.from('["\u00ff"]', 'latin1'), 400, 'GH_BATCH_MALFORMED'],
  ['a value of another kind', '"x"', 400, 'GH_BATCH_MALFORMED'],
  ['an object without requests', '{}', 400, 'GH_BATCH_MALFORMED'],
  ['requests that are no list', '{"requests":{}}', 400, 'GH_BATCH_MALFORMED'],
  ['a member that means nothing', '{"requests":[],"sequential":true}', 400, 'GH_BATCH_MALFORMED'],
  ['requests that stand there twice', '{"requests":[],"requests":[{"path":"/a"}]}', 400, 'GH_BATCH_MALFORMED'],
  ['a document too deep', `[{"path":"/a","body":${'['.repeat(500)}${']'.repeat(500)}}]`, 400, 'GH_BATCH_MALFORMED'],
  ['too many requests', `[${new Array(10_000).fill('{"path":"/a"}').join(',')}]`, 413, 'GH_BATCH_TOO_MANY'],
  ['one request too many', `[${new Array(51).fill('{"path":"/a"}').join(',')}]`, 413, 'GH_BATCH_TOO_MANY'],
  ['a body too long', `["${'x'.repeat(1_048_576)}"]`, 413, 'GH_CLIENT_BODY_TOO_LONG'],
];

for (const [what, body, status, code] of documents) {
  test(`${what} is refused as a whole, and nothing is sent`, async (t) => {
    const bench = await startBatchBench(t);
    const answer = await bench.post(body);
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [status, code]);
    assert.equal(bench.seen.length, 0);
  });
}

test('as many requests as there may be are served', async (t) => {
  const bench = await startBatchBench(t, {
    batch: { requests: 1000, parallel: 100 },
    input: { routes: { local: { match: { path: '/local' }, to: { respond: { text: 'x' } } } } },
  });
  const entries = await bench.send(new Array(1000).fill({ path: '/local' }));
  assert.equal(entries.filter(({ text }) => text === 'x').length, 1000);
});

test('a head that the listener would not take is not taken in a batch', async (t) => {
  const bench = await startBatchBench(t, {
    input: { listeners: { web: { address: '127.0.0.1:0', limits: { headBytes: '2KiB', fieldCount: 10 } } } },
  });
  const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`x-${i}`, 'a']));
  const entries = await bench.send([
    { path: '/a', headers: { x: 'x'.repeat(2_010) } },
    { path: '/a', headers: { ...many, more: 'a' } },
    { path: '/a', headers: { x: 'x'.repeat(1_900) } },
    { path: '/a', headers: many },
  ]);
  assert.deepEqual(
    entries.map(({ status }) => status),
    [431, 431, 200, 200],
  );
});

test('what says nothing of JSON is no batch, since every page may send it', async (t) => {
  const bench = await startBatchBench(t);
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'text/plain, application/json',
    'application/jsonx',
    'multipart/mixed',
  ];
  for (const type of types) assert.equal((await bench.post('[{"path":"/a"}]', { 'content-type': type })).status, 415, type);
  assert.equal((await bench.post('[]', { 'content-encoding': 'gzip' })).status, 415);
  assert.equal(bench.seen.length, 0);
});

test('pages of other origins send no batches, unless they are named', async (t) => {
  const bench = await startBatchBench(t, { batch: { origins: ['https://app.example.com'] } });
  const own = `http://127.0.0.1:${bench.gateway.port()}`;
  const table: readonly (readonly [headers: Record<string, string>, status: number])[] = [
    [{}, 200],
    [{ origin: own }, 200],
    [{ origin: own, 'sec-fetch-site': 'same-origin' }, 200],
    [{ origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' }, 200],
    [{ origin: 'https://evil.example.com' }, 403],
    [{ origin: 'https://evil.example.com', 'sec-fetch-site': 'cross-site' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
  ];
  for (const [headers, status] of table) assert.equal((await bench.post('[]', headers)).status, status, JSON.stringify(headers));
});

test('requests of a batch come from the page that the batch comes from', async (t) => {
  const bench = await startBatchBench(t, {
    batch: { origins: ['https://app.example.com'] },
    input: { routes: { guarded: { match: { path: '/guarded' }, to: 'main', policies: { csrf: {} } } } },
  });
  const headers = { origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site', referer: 'https://app.example.com/x' };
  const [plain, guarded] = await bench.send([{ path: '/a' }, { method: 'POST', path: '/guarded', body: 1 }], headers);
  const seen = seenIn(plain!).headers;
  assert.deepEqual([seen['origin'], seen['sec-fetch-site'], seen['referer']], Object.values(headers));
  assert.deepEqual([guarded!.status, codeIn(guarded!)], [403, 'GH_CSRF_CROSS_ORIGIN']);
});

test('listeners and their policies hold for requests of a batch', async (t) => {
  const bench = await startBatchBench(t, {
    input: {
      listeners: { web: { address: '127.0.0.1:0' }, inside: { address: '127.0.0.1:0' } },
      routes: {
        inside: { match: { path: '/inside', listener: 'inside' }, to: { respond: { text: 'inside' } } },
        refusing: { match: { path: '/refusing' }, to: 'main', policies: { ip: { deny: ['127.0.0.0/8'] } } },
      },
    },
  });
  const entries = await bench.send([{ path: '/inside' }, { path: '/refusing' }]);
  assert.deepEqual([seenIn(entries[0]!).url, entries[1]!.status], ['/inside', 403]);
});

test('fields that name the consumer come from the gateway alone', async (t) => {
  const bench = await startBatchBench(t, {
    input: {
      consumers: { alice: { keys: ['a-key-that-is-long-enough-for-alice'] } },
      routes: {
        private: {
          match: { path: '/private' },
          to: 'main',
          policies: { 'api-key': {}, headers: { request: { set: { 'x-consumer': '${consumer}' } } } },
        },
      },
    },
  });
  const key = { 'x-api-key': 'a-key-that-is-long-enough-for-alice' };
  const entry = await bench.sendOne({ path: '/private', headers: { ...key, 'X-Consumer': 'root' } });
  assert.equal(seenIn(entry).headers['x-consumer'], 'alice');
});
