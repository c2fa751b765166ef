import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldOf, readAnswers } from '../support/answers.ts';
import { startClientBench, untilAnswers } from '../support/client-bench.ts';
import { maskVariables } from '../support/forwarding.ts';

const host = 'host: shop\r\n';

test('answers one request after the other over one connection, byte for byte', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  client.send(`GET /a?b=c HTTP/1.1\r\n${host}\r\n`);
  await client.until('GET /a?b=c');
  assert.equal(
    maskVariables(client.take()),
    'HTTP/1.1 200 OK\r\ncontent-length: 10\r\ndate: *\r\nx-request-id: *\r\n\r\nGET /a?b=c',
  );
  client.send(`GET /local/x HTTP/1.1\r\n${host}\r\n`);
  await client.until(/local$/);
  assert.equal(
    maskVariables(client.take()),
    'HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 5\r\ndate: *\r\nx-request-id: *\r\n\r\nlocal',
  );
  assert.equal(bench.gateway.control.plane?.connectionCount, 1);
});

test('closes behind the answer when the client says so, in HTTP/1.1 and by default in HTTP/1.0', async (t) => {
  const bench = await startClientBench(t);
  for (const head of [
    `GET /x HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    `GET /x HTTP/1.1\r\n${host}Connection: x-a, CLOSE\r\n\r\n`,
    `GET /x HTTP/1.0\r\n${host}\r\n`,
    'GET /x HTTP/1.0\r\n\r\n',
    'GET /local/x HTTP/1.0\r\n\r\n',
  ]) {
    const { answers, rest } = readAnswers(await bench.exchange(head));
    assert.equal(answers.length, 1, head);
    assert.equal(answers[0]!.status, 200);
    assert.equal(fieldOf(answers[0]!, 'connection'), 'close');
    assert.equal(rest, '');
  }
});

test('keeps an HTTP/1.0 connection that asks for it, and says so', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  for (let i = 0; i < 3; i++) {
    client.send('GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    const [answer] = await untilAnswers(client, 1);
    assert.equal(fieldOf(answer!, 'connection'), 'keep-alive');
    client.take();
  }
});

test('ends an answer of unknown length by closing for an HTTP/1.0 client, and by chunks for others', async (t) => {
  const bench = await startClientBench(t, {
    onData: (upstream) => upstream.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'),
  });
  const old = await bench.exchange('GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  assert.equal(maskVariables(old), 'HTTP/1.1 200 OK\r\ndate: *\r\nx-request-id: *\r\nconnection: close\r\n\r\nabcde');
  const client = await bench.open();
  client.send(`GET /x HTTP/1.1\r\n${host}\r\n`);
  await client.until('\r\n0\r\n\r\n');
  assert.equal(
    maskVariables(client.received),
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ndate: *\r\nx-request-id: *\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
  );
});

test('answers HEAD with the head alone, and the connection goes on', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  client.send(`HEAD /a HTTP/1.1\r\n${host}\r\nHEAD /local/x HTTP/1.1\r\n${host}\r\nHEAD //x HTTP/1.1\r\n${host}\r\n`);
  const answers = await untilAnswers(client, 3, ['HEAD', 'HEAD', 'HEAD']);
  assert.deepEqual(
    answers.map((answer) => [answer.status, fieldOf(answer, 'content-length')]),
    [
      [200, '7'],
      [200, '5'],
      [400, fieldOf(answers[2]!, 'content-length')],
    ],
  );
});

test('sends no length and no body with 204 and 304, whatever the upstream said', async (t) => {
  const bench = await startClientBench(t, {
    onData: (upstream, chunk) =>
      upstream.send(
        chunk.startsWith('GET /204') ? 'HTTP/1.1 204 No Content\r\n\r\n' : 'HTTP/1.1 304 Not Modified\r\netag: "x"\r\n\r\n',
      ),
  });
  const client = await bench.open();
  client.send(`GET /204 HTTP/1.1\r\n${host}\r\nGET /304 HTTP/1.1\r\n${host}\r\n`);
  const answers = await untilAnswers(client, 2);
  assert.deepEqual(
    answers.map(({ status, head }) => [status, /content-length|transfer-encoding/.test(head)]),
    [
      [204, false],
      [304, false],
    ],
  );
});

test('answers OPTIONS * itself, in both its forms', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  client.send(`OPTIONS * HTTP/1.1\r\n${host}\r\nOPTIONS http://shop HTTP/1.1\r\n${host}\r\nOPTIONS /x HTTP/1.1\r\n${host}\r\n`);
  const answers = await untilAnswers(client, 3);
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body]),
    [
      [204, ''],
      [204, ''],
      [200, 'OPTIONS /x'],
    ],
  );
});

test('takes the host of an absolute target instead of the one in Host', async (t) => {
  const bench = await startClientBench(t, {
    routes: { other: { match: { host: 'other', path: '/*' }, to: { respond: { text: 'other' } } } },
  });
  const client = await bench.open();
  client.send(`GET http://other:8080/x HTTP/1.1\r\n${host}\r\nGET http://shop/y?z HTTP/1.1\r\nhost: other\r\n\r\n`);
  const answers = await untilAnswers(client, 2);
  assert.deepEqual(
    answers.map(({ body }) => body),
    ['other', 'GET /y?z'],
  );
  assert.match(bench.received[0]!, /^GET \/y\?z HTTP\/1\.1\r\nhost: shop\r\n/);
});

test('refuses CONNECT and closes', async (t) => {
  const bench = await startClientBench(t);
  for (const target of ['shop:443', '/x']) {
    const { answers } = readAnswers(await bench.exchange(`CONNECT ${target} HTTP/1.1\r\n${host}\r\n`));
    assert.equal(answers.length, 1);
    assert.ok([400, 405].includes(answers[0]!.status), answers[0]!.head);
  }
  assert.deepEqual(bench.received, []);
});

test('passes every other method on as it is', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND', 'get', "X!#$%&'*+-.^_`|~1"];
  for (const method of methods) {
    client.send(`${method} /m HTTP/1.1\r\n${host}\r\n`);
    const [answer] = await untilAnswers(client, 1);
    assert.equal(answer!.body, `${method} /m`);
    client.take();
  }
  client.send(`QUERY /m HTTP/1.1\r\n${host}content-length: 3\r\n\r\na=b`);
  assert.equal((await untilAnswers(client, 1))[0]!.body, 'QUERY /m a=b');
});

test('accepts a few empty lines before a request, and no more', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  client.send(`\r\n\r\nGET /x HTTP/1.1\r\n${host}\r\n`);
  await untilAnswers(client, 1);
  const flooded = await bench.exchange('\r\n'.repeat(50));
  assert.match(flooded, /^HTTP\/1\.1 400 /);
});

test('tells nothing of itself to who asks for what is not published', async (t) => {
  const bench = await startClientBench(t, {
    routes: { forwarded: { match: { host: 'shop', path: '/shop/*' }, to: 'main' } },
  });
  const client = await bench.open();
  client.send(`GET /nothing HTTP/1.1\r\n${host}\r\nGET /shop/x HTTP/1.1\r\nhost: elsewhere\r\n\r\n`);
  const answers = await untilAnswers(client, 2);
  for (const answer of answers) {
    assert.equal(answer.status, 404);
    assert.equal(fieldOf(answer, 'content-type'), 'application/problem+json');
    const problem = JSON.parse(answer.body) as Record<string, unknown>;
    assert.deepEqual(problem, {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'Nothing is published at this address.',
      code: 'GH_GATEWAY_NO_ROUTE',
      requestId: fieldOf(answer, 'x-request-id'),
    });
    assert.equal(fieldOf(answer, 'server'), undefined);
  }
  assert.deepEqual(bench.received, []);
  const lines = await bench.log();
  assert.deepEqual(
    lines.map(({ status, code, target }) => [status, code, target]),
    [
      [404, 'GH_GATEWAY_NO_ROUTE', '/nothing'],
      [404, 'GH_GATEWAY_NO_ROUTE', '/shop/x'],
    ],
  );
});
