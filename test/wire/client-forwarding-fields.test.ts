import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldOf } from '../support/answers.ts';
import { type ClientBench, startClientBench, untilAnswers } from '../support/client-bench.ts';

const forwardingLine = /^(?:x-forwarded-[a-z]+|x-real-ip|forwarded|via|x-request-id): .*$/gim;

/** What the upstream was told of where the last request came from. */
async function forwardingFieldsOf(bench: ClientBench, fields: string, version = '1.1'): Promise<string[]> {
  const client = await bench.open();
  client.send(`GET /x HTTP/${version}\r\nhost: shop:8080\r\n${fields}\r\n`);
  await untilAnswers(client, 1);
  const last = bench.received.map((received) => received.split('\r\n\r\n').at(-2)!).at(-1)!;
  client.close();
  return last.match(forwardingLine) ?? [];
}

const own = [
  'x-forwarded-for: 127.0.0.1',
  'x-forwarded-proto: http',
  'x-forwarded-host: shop:8080',
  'forwarded: for=127.0.0.1;host="shop:8080";proto=http',
  'via: 1.1 gatehouse',
];

const forged =
  'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nx-forwarded-host: forged\r\nX-Forwarded-Port: 1\r\n' +
  'X-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6;host=forged\r\nX-Request-Id: forged\r\n';

function withoutId(lines: readonly string[]): string[] {
  return lines.filter((line) => !line.toLowerCase().startsWith('x-request-id'));
}

test('tells the upstream who the client is, and nothing of what the client claims', async (t) => {
  const bench = await startClientBench(t);
  for (const claims of ['', forged]) {
    const lines = await forwardingFieldsOf(bench, claims);
    assert.deepEqual(withoutId(lines), own);
    const ids = lines.filter((line) => !own.includes(line));
    assert.equal(ids.length, 1);
    assert.match(ids[0]!, /^x-request-id: [0-9a-f]{32}$/);
  }
  for (const { client } of await bench.log()) assert.equal(client, '127.0.0.1');
});

test('does not let a client have fields dropped by naming them in Connection', async (t) => {
  const bench = await startClientBench(t);
  const lines = await forwardingFieldsOf(bench, 'Connection: x-forwarded-for, forwarded, via, x-request-id, host\r\n');
  assert.deepEqual(withoutId(lines), own);
  assert.match(bench.received.join(''), /^host: shop:8080\r$/m);
});

test('adds itself to Via, and says which version it was spoken to in', async (t) => {
  const bench = await startClientBench(t);
  assert.equal((await forwardingFieldsOf(bench, 'Via: 1.0 a\r\nVia: 1.1 b\r\n')).at(-2), 'via: 1.0 a, 1.1 b, 1.1 gatehouse');
  assert.equal((await forwardingFieldsOf(bench, '', '1.0')).at(-2), 'via: 1.0 gatehouse');
});

test('believes a trusted proxy, as far as trust reaches', async (t) => {
  const bench = await startClientBench(t, { listener: { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] } });
  const claims =
    'X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.0.0.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: www.shop\r\n' +
    'Forwarded: for=6.6.6.6\r\nX-Request-Id: from-the-edge_1\r\nX-Forwarded-Port: 1\r\nX-Real-IP: 6.6.6.6\r\n';
  assert.deepEqual(await forwardingFieldsOf(bench, claims), [
    'x-forwarded-for: 1.2.3.4, 10.0.0.7, 127.0.0.1',
    'x-forwarded-proto: https',
    'x-forwarded-host: www.shop',
    'forwarded: for=1.2.3.4, for=10.0.0.7, for=127.0.0.1;host=www.shop;proto=https',
    'via: 1.1 gatehouse',
    'x-request-id: from-the-edge_1',
  ]);
  assert.deepEqual(withoutId(await forwardingFieldsOf(bench, '')), own);
  const [first] = await bench.log();
  assert.deepEqual([first!['client'], first!['id'], first!['host']], ['1.2.3.4', 'from-the-edge_1', 'shop']);
});

test('takes from a trusted proxy no host and no id that could mean something else further on', async (t) => {
  const bench = await startClientBench(t, { listener: { trustedProxies: ['127.0.0.1'] } });
  const lines = await forwardingFieldsOf(bench, 'X-Forwarded-Host: a";for=6.6.6.6\r\nX-Request-Id: a b\r\n');
  assert.deepEqual(withoutId(lines), own);
  assert.match(lines.at(-1)!, /^x-request-id: [0-9a-f]{32}$/);
  const quoted = await forwardingFieldsOf(bench, 'Forwarded: for=1.2.3.4;host="a\\";for=6.6.6.6"\r\n');
  assert.ok(quoted.includes('forwarded: for=1.2.3.4, for=127.0.0.1;host="shop:8080";proto=http'), quoted.join('\n'));
});

test('gives each request of a connection its own id, and tells client, upstream and log the same', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  client.send(
    'GET /a HTTP/1.1\r\nhost: shop\r\n\r\nGET /b HTTP/1.1\r\nhost: shop\r\n\r\nGET /local/c HTTP/1.1\r\nhost: shop\r\n\r\n',
  );
  const told = (await untilAnswers(client, 3)).map((answer) => fieldOf(answer, 'x-request-id')!);
  assert.equal(new Set(told).size, 3);
  const sent = bench.received.join('').match(/^x-request-id: .*$/gm)!;
  assert.deepEqual(
    sent.map((line) => line.trim()),
    told.slice(0, 2).map((id) => `x-request-id: ${id}`),
  );
  assert.deepEqual(
    (await bench.log()).map(({ id }) => id),
    told,
  );
});
