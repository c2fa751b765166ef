/** Batches beside policies that take bodies and answers into their hands: on the route of the batch, and on those of its requests. */
import assert from 'node:assert/strict';
import { request as sendRequest } from 'node:http';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { seenIn, startBatchBench } from '#test/support/batch-bench.ts';

test('the answer is compressed as a whole, and what is in it is not', async (t) => {
  const bench = await startBatchBench(t, { input: { policies: { compress: { encodings: ['gzip'], minBytes: '1B' } } } });
  const body = JSON.stringify([{ path: '/a' }, { path: '/b' }]);
  const { headers, bytes } = await new Promise<{ headers: NodeJS.Dict<string | string[]>; bytes: Buffer }>((resolve, reject) => {
    const sent = sendRequest(
      {
        host: '127.0.0.1',
        port: bench.gateway.port(),
        path: '/batch',
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip' },
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => resolve({ headers: response.headers, bytes: Buffer.concat(pieces) }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
  assert.equal(headers['content-encoding'], 'gzip');
  const { responses } = JSON.parse(gunzipSync(bytes).toString());
  assert.deepEqual(
    responses.map((entry: { body: { url: string } }) => entry.body.url),
    ['/a', '/b'],
  );
});

test('a batch that comes compressed is read where a policy unpacks it', async (t) => {
  const bench = await startBatchBench(t, {
    input: { routes: { unpacked: { match: { path: '/batch' }, priority: 1, policies: { decompress: {} }, to: { batch: {} } } } },
  });
  const answer = await bench.post(gzipSync('[{"path":"/a"}]'), { 'content-encoding': 'gzip' });
  assert.equal(answer.status, 200);
  assert.equal(bench.seen[0]!.url, '/a');
});

test('bodies and answers of requests are changed on their own routes', async (t) => {
  const bench = await startBatchBench(t, {
    input: {
      routes: {
        changed: {
          match: { path: '/changed' },
          policies: {
            transform: {
              request: { body: { map: { wrapped: '${body.n}' } } },
              response: { body: { map: { was: '${answer.body.body}' } } },
            },
          },
          to: 'main',
        },
      },
    },
  });
  const [changed, plain] = await bench.send([
    { method: 'POST', path: '/changed', body: { n: 1 } },
    { method: 'POST', path: '/plain', body: { n: 1 } },
  ]);
  assert.deepEqual(changed!.body, { was: '{"wrapped":1}' });
  assert.equal(seenIn(plain!).body, '{"n":1}');
});

test('requests of a batch are answered from the cache of their route', async (t) => {
  const bench = await startBatchBench(t, {
    batch: { parallel: 1 },
    input: { routes: { cached: { match: { path: '/cached' }, policies: { cache: {} }, to: 'main' } } },
    handlers: {
      '/cached': (response) => {
        response.setHeader('cache-control', 'max-age=60').setHeader('content-type', 'application/json');
        response.end('{"n": 1 }');
      },
    },
  });
  const answer = await bench.post('[{"path":"/cached"},{"path":"/cached"},{"path":"/cached"}]');
  assert.equal(answer.body.split('"body":{"n": 1 }').length, 4, answer.body);
  assert.equal(bench.seen.length, 1);
});
