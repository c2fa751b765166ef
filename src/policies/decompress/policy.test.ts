import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { GatewayError } from '#base/errors.ts';
import { Keeper } from '#base/keeper.ts';
import { limits } from '#base/limits.ts';
import { readRequestBody } from '#http/request-body.ts';
import { contentCodingOf } from '#pipeline/content-coding/content-codings.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import { type BenchRequest, createPolicyBench, plan, planPhases } from '#test/support/policy-bench.ts';
import { decompressPolicy } from './policy.ts';

const encoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
};
const text = Array.from({ length: 300 }, (_, i) => `{"number":${i}}\n`).join('');

const coded = (coding: string, of = text) => encoders[coding]!(Buffer.from(of, 'latin1')).toString('latin1');

function post(coding: string, body: string | readonly string[], more: BenchRequest = {}): BenchRequest {
  const fields = ['content-encoding', coding, 'content-type', 'application/json', ...(more.fields ?? [])];
  return { method: 'POST', body: typeof body === 'string' ? [body] : body, ...more, fields };
}

async function benchWith(config: unknown = {}, services: Partial<PolicyServices> = {}) {
  return createPolicyBench({ policies: [await plan(decompressPolicy, config, services)] });
}

async function refusalOf(request: BenchRequest, config: unknown = {}) {
  const bench = await benchWith(config);
  const answer = await bench.send(request);
  const { code } = answer.json() as { code: string };
  return { status: answer.status, code, bench, answer };
}

for (const coding of Object.keys(encoders)) {
  test(`a service gets a body with ${coding} as it was before`, async () => {
    const bench = await benchWith();
    const body = coded(coding);
    const answer = await bench.send(post(coding, [body.slice(0, 5), body.slice(5)], { contentLength: body.length }));
    assert.deepEqual([answer.text, bench.seen[0]?.body.join('')], ['served', text]);
    assert.doesNotMatch(bench.seen[0]!.head, /content-encoding|content-length/);
    assert.match(bench.seen[0]!.head, /\r\ncontent-type: application\/json\r\n/);
  });

  test(`a body with ${coding} in single bytes is the same`, async () => {
    const bench = await benchWith();
    await bench.send(post(coding, coded(coding, 'ab ab ab').split('')));
    assert.equal(bench.seen[0]?.body.join(''), 'ab ab ab');
  });

  test(`a body with ${coding} that ends too soon, or is something else, is refused`, async () => {
    const whole = coded(coding);
    for (const [body, name] of [
      [whole.slice(0, -3), 'TRUNCATED'],
      [whole.slice(0, whole.length / 2), 'TRUNCATED'],
      ['\xff\xfe\xfd and so on', 'MALFORMED'],
      [`${whole}garbage`, 'MALFORMED'],
    ]) {
      const { status, code, bench } = await refusalOf(post(coding, body!));
      assert.deepEqual([status, code, bench.finished.length], [400, `GH_DECOMPRESS_${name}`, 1]);
    }
  });

  test(`a bomb in ${coding} is refused by what it becomes, and by how much more it becomes`, async () => {
    const bomb = post(coding, coded(coding, 'a'.repeat(5_000_000)));
    const dense = await refusalOf(bomb);
    assert.deepEqual([dense.status, dense.code], [413, 'GH_DECOMPRESS_TOO_DENSE']);
    const long = await refusalOf(bomb, { maxBytes: '4MiB', maxRatio: 10_000 });
    // Brotli and zstd make less of it than any ratio allows.
    const code = coding === 'gzip' || coding === 'deflate' ? 'TOO_LONG' : 'TOO_DENSE';
    assert.deepEqual([long.status, long.code], [413, `GH_DECOMPRESS_${code}`]);
  });
}

test('the limits are exact', async () => {
  const body = 'a1b2c3'.repeat(20_000);
  for (const [config, code] of [
    [{ maxBytes: `${body.length}B`, maxRatio: 10_000 }, undefined],
    [{ maxBytes: `${body.length - 1}B`, maxRatio: 10_000 }, 'GH_DECOMPRESS_TOO_LONG'],
    [{ maxRatio: body.length / gzipSync(body).length }, undefined],
    [{ maxRatio: (body.length - 1) / gzipSync(body).length }, 'GH_DECOMPRESS_TOO_DENSE'],
  ] as const) {
    const bench = await benchWith(config);
    await bench.send(post('gzip', coded('gzip', body)));
    assert.equal(bench.finished[0]?.error?.code, code, JSON.stringify(config));
  }
});

test('a short text may be one letter many times', async () => {
  const bench = await benchWith({ maxRatio: 1 });
  await bench.send(post('br', coded('br', 'a'.repeat(65_536))));
  assert.equal(bench.seen[0]?.body.join('').length, 65_536);
});

test('several members of gzip are one body, with zeros behind them', async () => {
  const bench = await benchWith();
  await bench.send(post('gzip', [coded('gzip', 'ab'), `${coded('gzip', 'cd')}\0\0\0`]));
  assert.equal(bench.seen[0]?.body.join(''), 'abcd');
});

test('deflate is what RFC 9110 says it is, with its frame', async () => {
  const raw = deflateRawSync(Buffer.from(text)).toString('latin1');
  assert.equal((await refusalOf(post('deflate', raw))).code, 'GH_DECOMPRESS_MALFORMED');
});

test('a frame of zstd may not ask for more memory than an HTTP client has', async () => {
  // RFC 8878 §3.1.1.1: no single segment, no checksum, a window of 1 GiB.
  const greedy = '\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00';
  assert.equal((await refusalOf(post('zstd', greedy))).code, 'GH_DECOMPRESS_MALFORMED');
});

test('an unknown coding is refused with those that are taken', async () => {
  for (const [coding, config] of [
    ['compress', {}],
    ['gzip, gzip', {}],
    ['deflate, gzip', {}],
    ['br', { encodings: ['gzip', 'deflate'] }],
  ] as const) {
    const { status, code, answer, bench } = await refusalOf(post(coding, 'x'), config);
    assert.deepEqual([status, code, bench.seen.length], [415, 'GH_DECOMPRESS_CODING_UNSUPPORTED', 0]);
    const taken = 'encodings' in config ? 'gzip, deflate' : 'gzip, deflate, br, zstd';
    assert.deepEqual(answer.values('accept-encoding'), [taken]);
  }
});

test('names of codings are read as HTTP says', async () => {
  for (const name of ['GZIP', 'x-gzip', 'identity, gzip', ' gzip ,']) {
    const bench = await benchWith();
    await bench.send(post(name, coded('gzip', 'ab')));
    assert.equal(bench.seen[0]?.body.join(''), 'ab', name);
  }
  const plain = await benchWith();
  await plain.send(post('identity', 'ab'));
  await plain.send({ method: 'POST', body: ['cd'] });
  await plain.send({ fields: ['content-encoding', 'gzip'] });
  assert.deepEqual(
    plain.seen.map(({ body }) => body.join('')),
    ['ab', 'cd', ''],
  );
});

test('sums over the bytes that were sent are not passed on', async () => {
  const bench = await benchWith();
  await bench.send(post('gzip', coded('gzip'), { fields: ['content-digest', 'x', 'content-md5', 'x', 'x-sum', 'y'] }));
  assert.doesNotMatch(bench.seen[0]!.head, /digest|md5/);
  assert.match(bench.seen[0]!.head, /x-sum: y/);
});

/** A policy behind it that reads all of the body. */
function reader(bytesMax: number) {
  const seen: [string | undefined, string][] = [];
  const phases = planPhases({
    async requestHead(exchange) {
      const body = await readRequestBody(exchange, bytesMax);
      if (body instanceof GatewayError) return body;
      seen.push([contentCodingOf(exchange), body.toString('latin1')]);
      return undefined;
    },
  });
  return { seen, phases };
}

test('policies behind it read the decoded body, and the service gets it too', async () => {
  const { seen, phases } = reader(10_000);
  const bench = createPolicyBench({ policies: [await plan(decompressPolicy, {}), phases] });
  await bench.send(post('br', coded('br')));
  assert.deepEqual([seen, bench.seen[0]?.body.join('')], [[[undefined, text]], text]);
  assert.match(bench.seen[0]!.head, new RegExp(`\\r\\ncontent-length: ${text.length}\\r\\n`));
});

test('a policy before it that reads the body sees it as it came, and those behind decoded', async () => {
  const [before, behind] = [reader(10_000), reader(10_000)];
  const policies = [before.phases, await plan(decompressPolicy, {}), behind.phases];
  const bench = createPolicyBench({ policies });
  const body = coded('gzip');
  await bench.send(post('gzip', body));
  assert.deepEqual([before.seen, behind.seen], [[['gzip', body]], [[undefined, text]]]);
  assert.equal(bench.seen[0]?.body.join(''), text);
  assert.doesNotMatch(bench.seen[0]!.head, /content-encoding/);
});

test('what is wrong with a body is told once, whoever reads it', async () => {
  const bomb = coded('gzip', 'a'.repeat(5_000_000));
  for (const policies of [
    [await plan(decompressPolicy, {}), reader(10_000_000).phases],
    [reader(10_000_000).phases, await plan(decompressPolicy, {})],
  ]) {
    for (const [body, code] of [
      [bomb, 'TOO_DENSE'],
      ['nonsense', 'MALFORMED'],
      [coded('gzip').slice(0, -1), 'TRUNCATED'],
    ]) {
      const bench = createPolicyBench({ policies });
      const answer = await bench.send(post('gzip', body!));
      assert.deepEqual([(answer.json() as { code: string }).code, answer.isBrokenOff], [`GH_DECOMPRESS_${code}`, false]);
      assert.equal(bench.seen.length, 0);
    }
  }
  const { phases } = reader(1_000);
  const bench = createPolicyBench({ policies: [await plan(decompressPolicy, {}), phases] });
  const answer = await bench.send(post('gzip', coded('gzip')));
  assert.deepEqual([answer.status, (answer.json() as { code: string }).code], [413, 'GH_CLIENT_BODY_TOO_LONG']);
});

test('no more bodies are decoded at a time than may be, and each makes room again', async () => {
  const keeper = new Keeper();
  const bench = await benchWith({}, { keeper });
  const running = keeper.keep('decompress', () => ({ count: -1 }));
  running.count = limits.decodingRequestsMax - 1;
  const last = bench.start(post('gzip', coded('gzip')));
  const further = await bench.send(post('gzip', coded('gzip')));
  assert.deepEqual([further.status, (further.json() as { code: string }).code], [503, 'GH_DECOMPRESS_TOO_MANY']);
  assert.equal((await last.answer).status, 200);
  await bench.send(post('gzip', 'nonsense'));
  const left = bench.start(post('gzip', coded('gzip')));
  left.leave();
  assert.equal(running.count, limits.decodingRequestsMax - 1);
});

test('explanations say what would become of a body', async () => {
  const settings = (await decompressPolicy.loadConfig()).parse({ encodings: ['gzip'] });
  assert.equal(decompressPolicy.describe?.(settings), 'gzip, up to 10MiB and 100 times as long');
  for (const [fields, expected] of [
    [['content-encoding', 'x-gzip'], 'a body is decompressed (gzip)'],
    [['content-encoding', 'br'], 'a body is refused (br)'],
    [[], 'nothing to decompress: the request has no `content-encoding`'],
  ] as const) {
    const { exchange } = createPolicyBench().start({ fields });
    const asked = { clientAddress: '192.0.2.1', exchange, method: 'GET', path: '/', query: '' };
    assert.equal(
      decompressPolicy.explain?.(settings, asked, { addressLists: {}, countries: undefined, contracts: {} }),
      expected,
    );
  }
});

test('a reload changes what is taken for new requests alone', async () => {
  const bench = await benchWith();
  const before = bench.start(post('br', coded('br')));
  bench.reload([await plan(decompressPolicy, { encodings: ['gzip'] })]);
  assert.equal((await bench.send(post('br', coded('br')))).status, 415);
  assert.equal((await before.answer).status, 200);
});
