// How messages are framed on either side of the gateway: informational answers, answers without a body, the three ways
// to say how long a body is, trailers, and streaming both ways at once.
import assert from 'node:assert/strict';
import test from 'node:test';
import { limits } from '#base/limits.ts';
import { eventually } from '#test/support/eventually.ts';
import { maskVariables, onEachRequest, startForwarding } from '#test/support/forwarding.ts';

const get = 'GET / HTTP/1.1\r\nhost: shop\r\n\r\n';
const date = 'date: Thu, 01 Jan 2032 00:00:00 GMT\r\n';
const ok = `HTTP/1.1 200 OK\r\n${date}content-length: 2\r\n\r\nok`;

const answerCases: { name: string; request: string; answer: string; ends?: boolean; expected: string }[] = [
  {
    name: 'passes a body of known length on as it is',
    request: get,
    answer: `HTTP/1.1 200 Fine\r\nserver: x\r\n${date}Content-Length: 5\r\n\r\nhello`,
    expected: `HTTP/1.1 200 Fine\r\nserver: x\r\ndate: *\r\nContent-Length: 5\r\nx-request-id: *\r\n\r\nhello`,
  },
  {
    name: 'passes a chunked body on chunked',
    request: get,
    answer: `HTTP/1.1 200 OK\r\n${date}Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\n\r\n`,
    expected: `HTTP/1.1 200 OK\r\ndate: *\r\ntransfer-encoding: chunked\r\nx-request-id: *\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  },
  {
    name: 'passes the trailers of an answer on, without those that belong before the body',
    request: get,
    answer: `HTTP/1.1 200 OK\r\n${date}trailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\nset-cookie: a=b\r\n\r\n`,
    expected: `HTTP/1.1 200 OK\r\ndate: *\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\nx-request-id: *\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n`,
  },
  {
    name: 'makes a body chunked that ends with its connection',
    request: get,
    answer: `HTTP/1.1 200 OK\r\n${date}\r\nuntil the end`,
    ends: true,
    expected: `HTTP/1.1 200 OK\r\ndate: *\r\ntransfer-encoding: chunked\r\nx-request-id: *\r\n\r\nd\r\nuntil the end\r\n0\r\n\r\n`,
  },
  {
    name: 'makes the body of an HTTP/1.0 upstream chunked',
    request: get,
    answer: `HTTP/1.0 200 OK\r\n${date}\r\nuntil the end`,
    ends: true,
    expected: `HTTP/1.1 200 OK\r\ndate: *\r\ntransfer-encoding: chunked\r\nx-request-id: *\r\n\r\nd\r\nuntil the end\r\n0\r\n\r\n`,
  },
  {
    name: 'makes a chunked body end with the connection for an HTTP/1.0 client',
    request: 'GET / HTTP/1.0\r\nhost: shop\r\nconnection: keep-alive\r\n\r\n',
    answer: `HTTP/1.1 200 OK\r\n${date}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nx-sum: 7\r\n\r\n`,
    expected: `HTTP/1.1 200 OK\r\ndate: *\r\nx-request-id: *\r\nconnection: close\r\n\r\nhello!`,
  },
  {
    name: 'ends an HTTP/1.0 client’s answer with the connection where the upstream does',
    request: 'GET / HTTP/1.0\r\n\r\n',
    answer: `HTTP/1.1 200 OK\r\n${date}\r\nhello`,
    ends: true,
    expected: `HTTP/1.1 200 OK\r\ndate: *\r\nx-request-id: *\r\nconnection: close\r\n\r\nhello`,
  },
  {
    name: 'keeps the content-length of an answer to HEAD',
    request: 'HEAD / HTTP/1.1\r\nhost: shop\r\n\r\n',
    answer: `HTTP/1.1 200 OK\r\n${date}Content-Length: 1234\r\n\r\n`,
    expected: `HTTP/1.1 200 OK\r\ndate: *\r\nContent-Length: 1234\r\nx-request-id: *\r\n\r\n`,
  },
  {
    name: 'takes no body from a chunked answer to HEAD',
    request: 'HEAD / HTTP/1.1\r\nhost: shop\r\n\r\n',
    answer: `HTTP/1.1 200 OK\r\n${date}Transfer-Encoding: chunked\r\n\r\n`,
    expected: `HTTP/1.1 200 OK\r\ndate: *\r\nx-request-id: *\r\n\r\n`,
  },
  {
    name: 'passes 204 on without a body, and without a length that the upstream should not have given',
    request: get,
    answer: `HTTP/1.1 204 No Content\r\n${date}Content-Length: 0\r\n\r\n`,
    expected: `HTTP/1.1 204 No Content\r\ndate: *\r\nx-request-id: *\r\n\r\n`,
  },
  {
    name: 'passes 304 on without a body and with the length of the one it stands for',
    request: get,
    answer: `HTTP/1.1 304 Not Modified\r\n${date}etag: "a"\r\nContent-Length: 77\r\n\r\n`,
    expected: `HTTP/1.1 304 Not Modified\r\ndate: *\r\netag: "a"\r\nContent-Length: 77\r\nx-request-id: *\r\n\r\n`,
  },
  {
    name: 'passes an empty body of known length on',
    request: get,
    answer: `HTTP/1.1 500 Oh\r\n${date}Content-Length: 0\r\n\r\n`,
    expected: `HTTP/1.1 500 Oh\r\ndate: *\r\nContent-Length: 0\r\nx-request-id: *\r\n\r\n`,
  },
];

for (const { name, request, answer, ends, expected } of answerCases) {
  test(name, async (t) => {
    const { upstream, open } = await startForwarding(
      t,
      onEachRequest((connection) => {
        connection.send(answer);
        if (ends) connection.socket.end();
      }),
    );
    const client = await open();
    client.send(request);
    await eventually(() => maskVariables(client.received).length >= expected.length, `the answer is there: ${expected}`);
    assert.equal(maskVariables(client.received), expected);
    if (expected.includes('connection: close')) return void (await client.untilEnd());
    // The connection is in step: the next exchange works, and over the same upstream connection where that is kept.
    client.take();
    client.send(request);
    await eventually(() => maskVariables(client.received).length >= expected.length, 'the second answer is there');
    assert.equal(maskVariables(client.received), expected);
    assert.equal(upstream.connections.length, ends ? 2 : 1);
  });

  test(`${name}, split at every byte`, async (t) => {
    const { open } = await startForwarding(
      t,
      onEachRequest((connection) => {
        let position = 0;
        const sendNext = () => {
          if (position < answer.length)
            connection.socket.write(Buffer.from(answer[position++]!, 'latin1'), () => setImmediate(sendNext));
          else if (ends) connection.socket.end();
        };
        sendNext();
      }),
    );
    const client = await open();
    client.send(request);
    const joined = joinChunks(expected);
    await eventually(() => joinChunks(maskVariables(client.received)) === joined, `the answer is there: ${expected}`);
  });
}

/** The text with all chunks of its body made one. */
function joinChunks(text: string): string {
  const start = text.indexOf('\r\n\r\n') + 4;
  if (!text.includes('transfer-encoding: chunked')) return text;
  let body = '';
  let position = start;
  for (;;) {
    const match = /^([0-9a-f]+)\r\n/.exec(text.slice(position));
    if (match === null) return `${text.slice(0, start)}${body}`;
    const size = Number.parseInt(match[1]!, 16);
    position += match[0].length;
    if (size === 0) return `${text.slice(0, start)}${body} END ${text.slice(position)}`;
    body += text.slice(position, position + size);
    position += size + 2;
  }
}

const requestCases: { name: string; request: string; framing: string; body: string }[] = [
  {
    name: 'a request body of known length',
    request: 'POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 5\r\n\r\nhello',
    framing: 'content-length: 5\r\n',
    body: 'hello',
  },
  {
    name: 'an empty request body of known length',
    request: 'POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 0\r\n\r\n',
    framing: 'content-length: 0\r\n',
    body: '',
  },
  {
    name: 'a chunked request body with trailers',
    request: 'POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n',
    framing: 'transfer-encoding: chunked\r\n',
    body: '5\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n',
  },
  {
    name: 'a request without a body, also where it might have one',
    request: 'POST / HTTP/1.1\r\nhost: shop\r\n\r\n',
    framing: '',
    body: '',
  },
  {
    name: 'a GET request with a body',
    request: 'GET / HTTP/1.1\r\nhost: shop\r\ncontent-length: 5\r\n\r\nhello',
    framing: 'content-length: 5\r\n',
    body: 'hello',
  },
];

for (const { name, request, framing, body } of requestCases) {
  test(`passes ${name} on with the same framing, in one packet where it came in one`, async (t) => {
    const chunks: string[] = [];
    const { open } = await startForwarding(t, (connection, chunk) => {
      chunks.push(chunk);
      if (connection.received.endsWith(`\r\n\r\n${body}`)) connection.send(ok);
    });
    const client = await open();
    client.send(request);
    await client.until(/ok$/);
    assert.equal(chunks.length, 1);
    const said = /^(?:content-length|transfer-encoding): .*\r\n/m.exec(chunks[0]!)?.[0] ?? '';
    assert.deepEqual([said, chunks[0]!.endsWith(`\r\n\r\n${body}`)], [framing, true]);
  });
}

test('100 and 103 are passed on as they come, before the answer', async (t) => {
  const { upstream, open } = await startForwarding(t, () => {});
  const client = await open();
  client.send('POST / HTTP/1.1\r\nhost: shop\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n');
  await eventually(() => upstream.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the head is there without the body');
  const connection = upstream.connections[0]!;
  assert.match(connection.received, /\r\nexpect: 100-continue\r\n/);
  connection.send('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: x-b\r\nX-B: 1\r\n\r\n');
  await client.until(/\r\n\r\n$/);
  assert.equal(client.take(), 'HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n');
  connection.send('HTTP/1.1 100 Continue\r\n\r\n');
  await client.until(/\r\n\r\n$/);
  assert.equal(client.take(), 'HTTP/1.1 100 Continue\r\n\r\n');
  client.send('hi');
  await eventually(() => connection.received.endsWith('\r\n\r\nhi'), 'the body is there');
  connection.send(ok);
  await client.until(/ok$/);
  assert.match(client.take(), /^HTTP\/1.1 200 /);
});

test('informational answers and the answer in one packet come out in order', async (t) => {
  const { open } = await startForwarding(
    t,
    onEachRequest((connection) =>
      connection.send(`HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n${ok}`),
    ),
  );
  const client = await open();
  client.send(get);
  await client.until(/ok$/);
  assert.match(
    client.received,
    /^HTTP\/1.1 102 Processing\r\n\r\nHTTP\/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP\/1.1 200 OK\r\n/,
  );
});

test('an HTTP/1.0 client gets no informational answers', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(`HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n${ok}`)),
  );
  const client = await open();
  client.send('GET / HTTP/1.0\r\nhost: shop\r\nexpect: 100-continue\r\n\r\n');
  assert.match(await client.untilEnd(), /^HTTP\/1.1 200 OK\r\n/);
  assert.doesNotMatch(upstream.connections[0]!.received, /expect/);
});

for (const [count, status] of [
  [limits.informationalCountMax, 200],
  [limits.informationalCountMax + 1, 502],
] as const) {
  test(`answers ${status} after ${count} informational answers`, async (t) => {
    const { open } = await startForwarding(
      t,
      onEachRequest((connection) => connection.send('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(count) + ok)),
    );
    const client = await open();
    client.send(get);
    const text = await client.until(/ok$|GH_UPSTREAM_TOO_MANY_INFORMATIONAL/);
    assert.match(text, new RegExp(`HTTP/1.1 ${status} `));
  });
}

test('an answer streams while its request still streams: each piece goes through at once', async (t) => {
  const { upstream, open } = await startForwarding(t, () => {});
  const client = await open();
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n');
  await eventually(() => upstream.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the head is there');
  const connection = upstream.connections[0]!;
  connection.send(`HTTP/1.1 200 OK\r\n${date}transfer-encoding: chunked\r\n\r\n`);
  await client.until(/\r\n\r\n$/);
  client.take();
  for (const word of ['one', 'two', 'three']) {
    const chunk = `${word.length.toString(16)}\r\n${word}\r\n`;
    client.send(chunk);
    await eventually(() => connection.received.endsWith(chunk), `${word} is at the upstream`);
    connection.send(chunk);
    await client.until(chunk);
    assert.equal(client.take(), chunk);
  }
  client.send('0\r\n\r\n');
  await eventually(() => connection.received.endsWith('\r\n0\r\n\r\n'), 'the end is at the upstream');
  connection.send('0\r\n\r\n');
  await client.until(/^0\r\n\r\n$/);
  // Both sides ended in step, so both connections are kept.
  client.take();
  client.send(get);
  await eventually(
    () => connection.received.endsWith('\r\n\r\n') && connection.received.includes('GET / '),
    'the next request is there',
  );
  connection.send(ok);
  await client.until(/ok$/);
  assert.equal(upstream.connections.length, 1);
});

test('pieces of a request body of known length go through at once', async (t) => {
  const { upstream, open } = await startForwarding(t, () => {});
  const client = await open();
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 9\r\n\r\n');
  for (const word of ['one', 'two', 'six']) {
    client.send(word);
    await eventually(() => upstream.connections[0]?.received.endsWith(word) === true, `${word} is at the upstream`);
  }
  upstream.connections[0]!.send(ok);
  await client.until(/ok$/);
});

test('an answer that ends before its request does closes the upstream connection, and the client gets all of it', async (t) => {
  const { upstream, open } = await startForwarding(t, () => {});
  const client = await open();
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 5\r\n\r\nhe');
  await eventually(() => upstream.connections[0]?.received.endsWith('he') === true, 'the beginning is at the upstream');
  upstream.connections[0]!.send(ok);
  await client.until(/ok$/);
  await eventually(() => upstream.connections[0]!.socket.closed, 'the upstream connection is closed');
  // The rest of the body is short: it is thrown away, and the client's connection stays.
  client.take();
  client.send(`llo${get}`);
  await eventually(() => upstream.connections[1]?.received.endsWith('\r\n\r\n') === true, 'the next request is there');
  assert.match(upstream.connections[1]!.received, /^GET \/ /);
  upstream.connections[1]!.send(ok);
  await client.until(/ok$/);
});

test('events of a text/event-stream come one by one, each at once', async (t) => {
  const { upstream, open } = await startForwarding(t, () => {});
  const client = await open();
  client.send('GET /events HTTP/1.1\r\nhost: shop\r\naccept: text/event-stream\r\n\r\n');
  await eventually(() => upstream.connections.length === 1, 'the upstream is connected');
  const connection = upstream.connections[0]!;
  await eventually(() => connection.received.endsWith('\r\n\r\n'), 'the request is there');
  connection.send(`HTTP/1.1 200 OK\r\n${date}content-type: text/event-stream\r\ncache-control: no-store\r\n\r\n`);
  await client.until(/\r\n\r\n$/);
  client.take();
  for (let i = 0; i < 5; i++) {
    const event = `id: ${i}\ndata: tick\n\n`;
    connection.send(event);
    await client.until(event);
    assert.equal(client.take(), `${event.length.toString(16)}\r\n${event}\r\n`);
  }
});

test('pipelined requests go to the upstream one after the other, and answers keep their order', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection, head) => {
      const path = head.split(' ')[1]!;
      connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\n\r\n${path}`);
    }),
  );
  const client = await open();
  const paths = Array.from({ length: 20 }, (_, index) => `/p${index}`);
  client.send(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`).join(''));
  const text = await client.until(/\r\n\r\n\/p19$/);
  assert.deepEqual(
    [...text.matchAll(/\r\n\r\n(\/p\d+)/g)].map((match) => match[1]),
    paths,
  );
  assert.equal(upstream.connections.length, 1);
});
