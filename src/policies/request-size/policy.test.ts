import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BenchRequest, createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { requestSizePolicy } from './policy.ts';

async function benchWith(config: unknown) {
  return createPolicyBench({ policies: [await plan(requestSizePolicy, config)] });
}

const field = (bytes: number) => ['x-long', 'v'.repeat(bytes - 'x-long: \r\n'.length)];
const code = (name: string) => `GH_REQUEST_SIZE_${name}`;

interface Case {
  readonly what: string;
  readonly config: unknown;
  readonly allowed: BenchRequest;
  readonly refused: BenchRequest;
  readonly status: number;
  readonly code: string;
  readonly told: string;
}

const cases: readonly Case[] = [
  {
    what: 'a URL',
    config: { url: '20B' },
    allowed: { url: `/${'a'.repeat(10)}?${'b'.repeat(8)}` },
    refused: { url: `/${'a'.repeat(10)}?${'b'.repeat(9)}` },
    status: 414,
    code: code('URL_TOO_LONG'),
    told: 'at most 20B',
  },
  {
    what: 'parameters of a query',
    config: { parameters: 2 },
    allowed: { url: '/?a=1&&b&' },
    refused: { url: '/?a=1&b&c' },
    status: 414,
    code: code('TOO_MANY_PARAMETERS'),
    told: 'at most 2',
  },
  {
    what: 'a field',
    config: { field: '100B' },
    allowed: { fields: [...field(100), ...field(100)] },
    refused: { fields: [...field(50), ...field(101)] },
    status: 431,
    code: code('FIELD_TOO_LARGE'),
    told: 'at most 100B',
  },
  {
    what: 'all fields together',
    config: { head: '300B' },
    allowed: { fields: [...field(100), ...field(200)] },
    refused: { fields: [...field(100), ...field(201)] },
    status: 431,
    code: code('HEAD_TOO_LARGE'),
    told: 'at most 300B',
  },
  {
    what: 'the number of fields',
    config: { fields: 2 },
    allowed: { fields: ['a', '1', 'b', '2'] },
    refused: { fields: ['a', '1', 'a', '2', 'a', '3'] },
    status: 431,
    code: code('TOO_MANY_FIELDS'),
    told: 'at most 2',
  },
  {
    what: 'a body whose length is not announced, in pieces',
    config: { body: '5B' },
    allowed: { method: 'POST', body: ['ab', 'cde'] },
    refused: { method: 'POST', body: ['ab', 'cde', 'f'] },
    status: 413,
    code: code('BODY_TOO_LARGE'),
    told: 'at most 5B',
  },
];

for (const { what, config, allowed, refused, status, code: expected, told } of cases) {
  test(`limits ${what}: lets pass what just fits, and refuses what is a little larger`, async () => {
    const bench = await benchWith(config);
    assert.equal((await bench.send(allowed)).status, 200);
    const answer = await bench.send(refused);
    assert.equal(answer.status, status);
    const problem = answer.json() as { code: string; detail: string };
    assert.equal(problem.code, expected);
    assert.ok(problem.detail.endsWith(`${told}.`), problem.detail);
    assert.equal(bench.seen.length, 1);
  });

  test(`only reports ${what} where it is to`, async () => {
    const bench = await benchWith({ ...(config as object), mode: 'report' });
    assert.equal((await bench.send(refused)).status, 200);
    assert.equal(bench.finished[0]?.reported?.code, expected);
    assert.equal(bench.finished[0]?.error, undefined);
  });
}

test('a client of gRPC is told in its own way', async () => {
  const bench = await benchWith({ body: '2B' });
  const answer = await bench.send({ method: 'POST', fields: ['content-type', 'application/grpc'], body: ['abc'] });
  assert.deepEqual([answer.status, ...answer.values('grpc-status')], [200, '8']);
});

test('a reload changes the limit for new requests alone', async () => {
  const bench = await benchWith({ url: '16B' });
  const long = { url: `/${'a'.repeat(20)}` };
  assert.equal((await bench.send(long)).status, 414);
  bench.reload([await plan(requestSizePolicy, { url: '32B' })]);
  assert.equal((await bench.send(long)).status, 200);
});
