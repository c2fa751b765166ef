/** Several requests in one, over real connections: each by its own route, and their answers together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { codeIn, seenIn, startBatchBench } from '#test/support/batch-bench.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { settle } from '#test/support/forwarding.ts';
import { RawClient } from '#test/support/raw-client.ts';

test('requests go by their own routes, and their answers come back in order', async (t) => {
  const bench = await startBatchBench(t, {
    input: {
      routes: {
        local: { match: { path: '/local/:name' }, to: { respond: { status: 201, text: 'hello ${path.name}' } } },
        gone: { match: { path: '/gone' }, to: { redirect: { path: '/there' } } },
      },
    },
  });
  const entries = await bench.send([
    { id: 'a', path: '/orders/7?expand=lines' },
    { id: 2, method: 'GET', path: '/local/world' },
    { method: 'POST', path: '/orders', body: { count: 1 }, headers: { 'X-Team': 'red', 'x-many': ['1', '2'] } },
    { path: '/gone' },
  ]);
  const [first, second, third, fourth] = entries;
  assert.deepEqual([first!.id, first!.status, first!.headers['content-type']], ['a', 200, 'application/json']);
  assert.deepEqual([seenIn(first!).method, seenIn(first!).url], ['GET', '/orders/7?expand=lines']);
  assert.deepEqual([second!.id, second!.status, second!.text], [2, 201, 'hello world']);
  assert.deepEqual([third!.id, seenIn(third!).method, seenIn(third!).body], [undefined, 'POST', '{"count":1}']);
  const { headers } = seenIn(third!);
  assert.deepEqual([headers['x-team'], headers['x-many'], headers['content-type']], ['red', '1, 2', 'application/json']);
  assert.deepEqual([fourth!.status, fourth!.headers['location']], [302, '/there']);
  assert.equal(entries.length, 4);
});

test('a bare list is a batch, and so is one without requests', async (t) => {
  const bench = await startBatchBench(t);
  assert.equal((await bench.post('[{"path":"/a"}]')).status, 200);
  assert.equal((await bench.post('[]')).body, '{"responses":[]}\n');
  assert.equal((await bench.post('{"requests":[]}', { 'content-type': 'Application/Vnd.X+JSON; charset=utf-8' })).status, 200);
});

test('bodies go to services and come back byte for byte', async (t) => {
  const odd = '{"n": 12345678901234567890.10, "n":1e0,  "t":"\\u00e9\\/" , "l":[ ]}';
  const bench = await startBatchBench(t, {
    handlers: {
      '/echo': (response, { body, headers }) => {
        response.setHeader('content-type', headers['x-type'] ?? 'application/json');
        response.end(Buffer.from(body, 'latin1'));
      },
    },
  });
  const { body } = await bench.post(`[{"method":"POST","path":"/echo","id":1.0e2,"body":${odd}}]`);
  assert.equal(bench.seen[0]!.body, odd);
  assert.ok(body.includes(`"body":${odd}}`), body);
  assert.match(body, /^\{"responses":\[\{"id":1\.0e2,"status":200,/);
  const send = (request: object, type?: string) =>
    bench.sendOne({ method: 'POST', path: '/echo', ...request, headers: type === undefined ? {} : { 'x-type': type } });
  const bytes = Buffer.from([0, 255, 128]).toString('base64');
  assert.equal((await send({ base64: bytes }, 'image/png')).base64, bytes);
  assert.equal(bench.seen.at(-1)!.headers['content-type'], 'application/octet-stream');
  assert.equal((await send({ text: 'grün "x"' }, 'text/plain')).text, 'grün "x"');
  assert.equal(bench.seen.at(-1)!.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal((await send({ text: '{"a":' }, 'application/json')).text, '{"a":');
  assert.equal((await send({ base64: bytes }, 'application/json')).base64, bytes);
  assert.equal((await send({ base64: bytes }, 'text/plain; charset=latin1')).base64, bytes);
  assert.deepEqual((await send({ body: null }, 'application/problem+json')).body, null);
  assert.equal(bench.seen.at(-1)!.body, 'null');
});

test('answers without a body have none', async (t) => {
  const bench = await startBatchBench(t, {
    handlers: {
      '/nothing': (response) => response.writeHead(204).end(),
      '/same': (response) => response.writeHead(304, { etag: '"1"' }).end(),
    },
  });
  const entries = await bench.send([{ path: '/nothing' }, { path: '/same' }, { method: 'HEAD', path: '/x' }]);
  assert.deepEqual(
    entries.map((entry) => [entry.status, 'body' in entry || 'text' in entry || 'base64' in entry]),
    [
      [204, false],
      [304, false],
      [200, false],
    ],
  );
  assert.equal(entries[1]!.headers['etag'], '"1"');
});

test('requests have the credentials of the batch, unless they have their own', async (t) => {
  const bench = await startBatchBench(t, { batch: { inherit: ['x-tenant'] } });
  const outer = { authorization: 'Bearer a', cookie: 's=1', 'x-tenant': 'red', 'x-other': 'no', 'user-agent': 'test' };
  const [plain, own] = await bench.send(
    [{ path: '/a' }, { path: '/b', headers: { Authorization: 'Bearer b', 'x-tenant': 'blue', 'user-agent': 'mine' } }],
    outer,
  );
  const { headers } = seenIn(plain!);
  assert.deepEqual(
    ['authorization', 'cookie', 'x-tenant', 'user-agent', 'x-other', 'content-type'].map((name) => headers[name]),
    ['Bearer a', 's=1', 'red', 'test', undefined, undefined],
  );
  const { headers: ownHeaders } = seenIn(own!);
  assert.deepEqual(
    ['authorization', 'cookie', 'x-tenant', 'user-agent'].map((name) => ownHeaders[name]),
    ['Bearer b', 's=1', 'blue', 'mine'],
  );
});

test('each request meets the policies of its route, and limits count each', async (t) => {
  const bench = await startBatchBench(t, {
    input: {
      consumers: { alice: { keys: ['a-key-that-is-long-enough-for-alice'] } },
      routes: {
        private: { match: { path: '/private/*' }, to: 'main', policies: { 'api-key': {} } },
        limited: { match: { path: '/limited' }, to: 'main', policies: { 'rate-limit': { limit: '2/hour', burst: 2 } } },
        local: { match: { path: '/ip', clientIp: ['127.0.0.1/32'] }, to: { respond: { text: 'near' } } },
        far: { match: { path: '/ip' }, to: { respond: { text: 'far' } } },
      },
    },
  });
  const entries = await bench.send([
    { path: '/private/x' },
    { path: '/private/x', headers: { 'x-api-key': 'a-key-that-is-long-enough-for-alice' } },
    { path: '/limited' },
    { path: '/limited' },
    { path: '/limited' },
    { path: '/ip' },
  ]);
  assert.deepEqual(
    entries.map(({ status }) => status),
    [401, 200, 200, 200, 429, 200],
  );
  assert.equal(entries[5]!.text, 'near');
  assert.match(String(entries[4]!.headers['retry-after']), /^\d+$/);
});

test('services are told of the same client by every request', async (t) => {
  const bench = await startBatchBench(t);
  const entry = await bench.sendOne({ path: '/a' }, { 'x-forwarded-for': '6.6.6.6' });
  const { headers } = seenIn(entry);
  assert.equal(headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(headers['x-forwarded-host'], `127.0.0.1:${bench.gateway.port()}`);
  assert.equal(headers['x-request-id'], entry.headers['x-request-id']);
});

test('the access log has a line for each request, with the id of its batch', async (t) => {
  const bench = await startBatchBench(t);
  await bench.send([{ path: '/a' }, { path: 'relative' }, { method: 'POST', path: '/b', body: 1 }]);
  const lines = await bench.gateway.stop();
  const batch = lines.find(({ target }) => target === '/batch')!;
  assert.deepEqual([batch['route'], batch['batchOf'], batch['status']], ['batch', undefined, 200]);
  const others = lines.filter((line) => line !== batch);
  assert.deepEqual(
    others.map(({ target, status, batchOf, requestBytes }) => [target, status, batchOf === batch['id'], requestBytes]).sort(),
    [
      ['', 400, true, 0],
      ['/a', 200, true, 0],
      ['/b', 200, true, 1],
    ],
  );
  assert.equal(new Set(lines.map(({ id }) => id)).size, 4);
});

test('no more requests run at the same time than the settings say', async (t) => {
  const bench = await startBatchBench(t, {
    batch: { parallel: 2 },
    handlers: { '/wait': () => undefined },
  });
  const answer = bench.send(['1', '2', '3', '4'].map((id) => ({ id, path: `/wait?${id}` })));
  const served: number[] = [];
  for (let i = 0; i < 4; i++) {
    await eventually(() => bench.open.size === Math.min(2, 4 - i), 'the service has as many as may run');
    served.push(bench.seen.length);
    // The one that came last, so that the order of answers is not that of requests.
    [...bench.open].at(-1)!.end('done');
    await eventually(() => bench.seen.length === Math.min(4, 3 + i), 'the next one has come');
  }
  assert.deepEqual(served, [2, 3, 4, 4]);
  assert.deepEqual(
    (await answer).map(({ id }) => id),
    ['1', '2', '3', '4'],
  );
});

test('one after the other, those behind a failure are not run where the settings say so', async (t) => {
  const bench = await startBatchBench(t, {
    batch: { parallel: 1, onFailure: 'stop', status: 207 },
    handlers: { '/fails': (response) => response.writeHead(409).end() },
  });
  const answer = await bench.post('[{"path":"/a"},{"path":"/fails"},{"id":"c","method":"DELETE","path":"/b"}]');
  const { responses } = JSON.parse(answer.body);
  assert.equal(answer.status, 207);
  assert.deepEqual(
    responses.map(({ status }: { status: number }) => status),
    [200, 409, 424],
  );
  assert.deepEqual([responses[2].id, responses[2].body.code], ['c', 'GH_BATCH_NOT_RUN']);
  assert.deepEqual(
    bench.seen.map(({ url }) => url),
    ['/a', '/fails'],
  );
});

test('a request that is slow or whose service breaks hurts no other', async (t) => {
  const clock = new FakeClock();
  const bench = await startBatchBench(t, {
    clock,
    handlers: {
      '/silent': () => undefined,
      '/events': (response) => {
        response.setHeader('content-type', 'text/event-stream');
        response.write('data: 1\n\n');
      },
      '/broken': (response) => {
        response.writeHead(200, { 'content-length': '10' });
        response.write('half', () => response.socket!.destroy());
      },
      '/lost': (response) => void response.socket!.destroy(),
    },
  });
  const answer = bench.send(['/silent', '/events', '/broken', '/lost', '/fine'].map((path) => ({ method: 'POST', path })));
  await eventually(() => bench.open.size === 2 && bench.seen.length === 5, 'only those are left that never end');
  // The gateway has the other answers, too.
  await settle(bench.gateway);
  clock.advance(10_500);
  assert.deepEqual(
    (await answer).map((entry) => [entry.status, codeIn(entry)]),
    [
      [504, 'GH_BATCH_TIMEOUT'],
      [504, 'GH_BATCH_TIMEOUT'],
      [502, 'GH_UPSTREAM_TRUNCATED_BODY'],
      [502, 'GH_UPSTREAM_LOST_BEFORE_ANSWER'],
      [200, undefined],
    ],
  );
  await eventually(() => bench.open.size === 0, 'the services are left');
  const lines = await bench.gateway.stop();
  const silent = lines.find(({ target }) => target === '/silent')!;
  assert.deepEqual([silent['status'], silent['code']], [504, 'GH_BATCH_TIMEOUT']);
});

test('when the time of a batch is over, those that run are broken off and the rest is not begun', async (t) => {
  const clock = new FakeClock();
  const bench = await startBatchBench(t, {
    clock,
    batch: { parallel: 1, timeout: '2s' },
    handlers: { '/silent': () => undefined },
  });
  const answer = bench.send([{ path: '/a' }, { path: '/silent' }, { path: '/b' }]);
  await eventually(() => bench.seen.length === 2, 'the second one runs');
  clock.advance(2_500);
  assert.deepEqual(
    (await answer).map((entry) => [entry.status, codeIn(entry)]),
    [
      [200, undefined],
      [504, 'GH_BATCH_TIMEOUT'],
      [504, 'GH_BATCH_TIMEOUT'],
    ],
  );
  assert.equal(bench.seen.length, 2);
});

test('answers that are too long, by themselves or together, are left out', async (t) => {
  const bench = await startBatchBench(t, {
    batch: { parallel: 1, answerBytes: '2KiB', totalBytes: '3KiB' },
    handlers: {
      '/long': (response, { url }) => {
        response.setHeader('content-type', 'text/plain');
        response.end('x'.repeat(Number(url.split('?')[1])));
      },
    },
  });
  const codes = async (...lengths: number[]) =>
    (await bench.send(lengths.map((length) => ({ path: `/long?${length}` })))).map(
      (entry) => codeIn(entry) ?? entry.text?.length,
    );
  assert.deepEqual(await codes(2048, 2049, 500), [2048, 'GH_BATCH_ANSWER_TOO_LONG', 500]);
  const before = bench.seen.length;
  assert.deepEqual(await codes(1500, 1500, 10), [1500, 'GH_BATCH_ANSWER_TOO_LONG', 'GH_BATCH_NOT_RUN']);
  assert.equal(bench.seen.length - before, 2);
});

test('when the client goes, all that runs is broken off and nothing more is begun', async (t) => {
  const bench = await startBatchBench(t, { batch: { parallel: 2 }, handlers: { '/silent': () => undefined } });
  const client = await RawClient.open(bench.gateway.port());
  const body = JSON.stringify([{ path: '/silent' }, { path: '/silent' }, { path: '/c' }]);
  client.send(
    `POST /batch HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await eventually(() => bench.open.size === 2, 'two run');
  client.close();
  await eventually(() => bench.open.size === 0, 'the service is left');
  const lines = await bench.gateway.stop();
  assert.deepEqual(lines.map(({ target, status, code }) => [target, status, code]).sort(), [
    ['/batch', 499, 'GH_CLIENT_GONE'],
    ['/silent', 499, 'GH_CLIENT_GONE'],
    ['/silent', 499, 'GH_CLIENT_GONE'],
  ]);
  assert.equal(bench.seen.length, 2);
});

test('cookies of answers go to the client, with the path that they would have had', async (t) => {
  const handlers = {
    '/shop/login': (response: import('node:http').ServerResponse) =>
      response.writeHead(200, { 'set-cookie': ['a=1; HttpOnly', 'b=2; Path=/; Secure'] }).end('{}'),
  };
  const lifting = await startBatchBench(t, { handlers });
  const answer = await lifting.post('[{"path":"/x"},{"path":"/shop/login"}]');
  assert.deepEqual(answer.headers['set-cookie'], ['a=1; HttpOnly; Path=/shop', 'b=2; Path=/; Secure']);
  assert.doesNotMatch(answer.body, /set-cookie/);
  assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(answer.body));
  const showing = await startBatchBench(t, { handlers, batch: { cookies: 'entry' } });
  const shown = await showing.post('[{"path":"/shop/login"}]');
  assert.equal(shown.headers['set-cookie'], undefined);
  assert.deepEqual(JSON.parse(shown.body).responses[0].headers['set-cookie'], ['a=1; HttpOnly', 'b=2; Path=/; Secure']);
  const dropping = await startBatchBench(t, { handlers, batch: { cookies: 'none' } });
  const dropped = await dropping.post('[{"path":"/shop/login"}]');
  assert.deepEqual([dropped.headers['set-cookie'], /set-cookie/.test(dropped.body)], [undefined, false]);
});

test('more cookies than a client takes are no part of the answer, and their entry says so', async (t) => {
  const bench = await startBatchBench(t, {
    batch: { parallel: 1 },
    handlers: { '/many': (response) => response.writeHead(200, { 'set-cookie': [`a=${'x'.repeat(9_000)}`] }).end() },
  });
  const entries = await bench.send([{ path: '/many' }, { path: '/many' }, { path: '/a' }]);
  assert.deepEqual(
    entries.map((entry) => [entry.status, codeIn(entry)]),
    [
      [200, undefined],
      [502, 'GH_BATCH_ANSWER_TOO_LONG'],
      [200, undefined],
    ],
  );
});

test('where cookies need not be waited for, answers are sent as they come', async (t) => {
  const bench = await startBatchBench(t, { batch: { cookies: 'entry' }, handlers: { '/silent': () => undefined } });
  const client = await RawClient.open(bench.gateway.port());
  t.after(() => client.close());
  const body = JSON.stringify([{ path: '/a' }, { path: '/silent' }, { path: '/c' }]);
  client.send(
    `POST /batch HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await client.until('"url":"/a"');
  await eventually(() => bench.open.size === 1, 'only the second one is waited for');
  assert.doesNotMatch(client.received, /"\/c"/);
  [...bench.open][0]!.end('now');
  await client.until(']}\n\r\n0\r\n\r\n');
  assert.match(client.received, /"\/c"/);
});

test('a long batch comes whole to a client that reads slowly', async (t) => {
  const text = 'x'.repeat(1_000_000);
  const bench = await startBatchBench(t, {
    batch: { cookies: 'entry', requests: 7 },
    handlers: { '/long': (response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(text) },
  });
  const client = await RawClient.open(bench.gateway.port());
  t.after(() => client.close());
  client.socket.pause();
  const body = JSON.stringify(new Array(7).fill({ path: '/long' }));
  client.send(
    `POST /batch HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await eventually(() => bench.seen.length === 7 && bench.open.size === 0, 'the service has answered all');
  client.socket.resume();
  const received = await client.untilEnd();
  assert.ok(received.length > 7 * text.length);
  assert.match(received, /\]\}\n\r\n0\r\n\r\n$/);
});

test('a reload ends no batch, and what is begun afterwards goes by the new routes', async (t) => {
  const bench = await startBatchBench(t, { batch: { parallel: 1 }, handlers: { '/silent': () => undefined } });
  const answer = bench.send([{ path: '/silent' }, { path: '/a' }]);
  await eventually(() => bench.open.size === 1, 'the first one runs');
  assert.deepEqual(
    await bench.gateway.reconfigure({ routes: { a: { match: { path: '/a' }, to: { respond: { text: 'new' } } } } }),
    [],
  );
  [...bench.open][0]!.end('old');
  const [, second] = await answer;
  assert.equal(second!.text, 'new');
});

test('only POST carries a batch', async (t) => {
  const bench = await startBatchBench(t);
  const answer = await ask(bench.gateway.port(), '/batch');
  assert.deepEqual([answer.status, answer.headers['allow']], [405, 'POST']);
  assert.match(answer.body, /GH_BATCH_METHOD/);
});
