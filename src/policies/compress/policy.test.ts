import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { defineErrors } from '#base/errors.ts';
import { Keeper } from '#base/keeper.ts';
import { limits } from '#base/limits.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import {
  type BenchAnswer,
  type BenchRequest,
  createPolicyBench,
  plan,
  planPhases,
  type UpstreamAnswer,
} from '#test/support/policy-bench.ts';
import { ManualTimers } from '#test/support/policy-services.ts';
import type { RunningCodecs } from './compressed-answer.ts';
import { compressPolicy } from './policy.ts';

const testErrors = defineErrors('compress-test', {
  broken: { side: 'upstream', stage: 'receive', status: 502, retry: 'never', help: 'Broken off by a test.' },
});

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};
const text = Array.from({ length: 200 }, (_, i) => `line ${i} of a text that repeats itself\n`).join('');
const long = text.repeat(20);
const plain: UpstreamAnswer = { fields: ['content-type', 'text/plain'], body: [text] };
const accepting = (value: string, more: BenchRequest = {}): BenchRequest => ({
  ...more,
  fields: ['accept-encoding', value, ...(more.fields ?? [])],
});

async function benchWith(answer: UpstreamAnswer = plain, config: unknown = {}, services: Partial<PolicyServices> = {}) {
  const policies = [await plan(compressPolicy, config, services)];
  return createPolicyBench({ policies, upstream: () => answer });
}

async function ask(request: BenchRequest, answer?: UpstreamAnswer, config?: unknown): Promise<BenchAnswer> {
  return (await benchWith(answer, config)).send(request);
}

const codingOf = (answer: BenchAnswer) => answer.values('content-encoding')[0];

function decode(answer: BenchAnswer): string {
  const coding = codingOf(answer);
  const bytes = Buffer.from(answer.text, 'latin1');
  return (coding === undefined ? bytes : decoders[coding]!(bytes)).toString('latin1');
}

/** What clients say, and what they get. */
const accepted: readonly [field: string, coding: string | undefined][] = [
  ['gzip', 'gzip'],
  ['br', 'br'],
  ['zstd', 'zstd'],
  ['gzip, deflate, br, zstd', 'zstd'],
  ['gzip, deflate, br', 'br'],
  ['gzip, deflate', 'gzip'],
  ['GZIP', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', undefined],
  ['compress', undefined],
  ['', undefined],
  ['identity', undefined],
  ['identity, gzip', 'gzip'],
  ['identity;q=1, gzip;q=0.5', undefined],
  ['identity;q=0.5, gzip;q=0.5', 'gzip'],
  ['identity;q=0.2, gzip;q=0.5', 'gzip'],
  ['identity;q=0', undefined],
  ['identity;q=0, deflate', undefined],
  ['gzip;q=0', undefined],
  ['gzip;q=0, *', 'zstd'],
  ['*', 'zstd'],
  ['*;q=0', undefined],
  ['*;q=0, gzip', 'gzip'],
  ['zstd;q=0, *;q=0.1', 'br'],
  ['zstd;q=0.5, br;q=0.6, gzip;q=0.7', 'gzip'],
  ['zstd;q=0.5, br;q=0.8, gzip;q=0.8', 'br'],
  ['gzip;q=1.0, identity; q=0.5, *;q=0', 'gzip'],
  ['br;q=0.001', 'br'],
  ['br;q=0.000', undefined],
  ['gzip;q=nonsense, br', 'br'],
  [`${'x,'.repeat(60)}gzip`, 'gzip'],
];

for (const [field, coding] of accepted) {
  test(`a client that accepts ${JSON.stringify(field.slice(0, 60))} gets ${coding ?? 'the answer as it is'}`, async () => {
    const answer = await ask(accepting(field));
    assert.deepEqual([answer.status, codingOf(answer), decode(answer)], [200, coding, text]);
    assert.deepEqual(answer.values('vary'), ['accept-encoding']);
  });
}

test('a client that says nothing gets the answer as it is, and several lines are one', async () => {
  assert.equal(codingOf(await ask({})), undefined);
  const lines = ['accept-encoding', 'identity;q=0.5', 'accept-encoding', 'gzip'];
  assert.equal(codingOf(await ask({ fields: lines })), 'gzip');
});

test('the order of the settings decides between what a client likes equally', async () => {
  const config = { encodings: ['gzip', 'br'] };
  assert.equal(codingOf(await ask(accepting('zstd, br, gzip'), plain, config)), 'gzip');
  assert.equal(codingOf(await ask(accepting('zstd'), plain, config)), undefined);
});

/** Heads of answers that are left alone, and those next to them that are not. `vary`: another client would get it compressed. */
const heads: readonly [what: string, answer: UpstreamAnswer, isCompressed: boolean, hasVary?: boolean][] = [
  ['a type with parameters', { fields: ['content-type', 'Application/JSON; charset=utf-8'] }, true],
  ['a suffix', { fields: ['content-type', 'application/problem+json'] }, true],
  ['a picture in XML', { fields: ['content-type', 'image/svg+xml'] }, true],
  ['messages of gRPC', { fields: ['content-type', 'application/grpc+json'] }, false],
  ['a picture', { fields: ['content-type', 'image/png'] }, false],
  ['no type', { fields: [] }, false],
  ['a type without a kind', { fields: ['content-type', 'text'] }, false],
  ['a coding of its own', { fields: ['content-type', 'text/plain', 'content-encoding', 'gzip'] }, false],
  ['one that says that it has none', { fields: ['content-type', 'text/plain', 'content-encoding', 'identity'] }, true],
  ['no-transform', { fields: ['content-type', 'text/plain', 'cache-control', 'public, No-Transform'] }, false],
  ['other words on caching', { fields: ['content-type', 'text/plain', 'cache-control', 'no-store'] }, true],
  ['a part', { status: 206, fields: ['content-type', 'text/plain', 'content-range', 'bytes 0-9/10'] }, false],
  ['a range', { fields: ['content-type', 'text/plain', 'content-range', 'bytes 0-9/10'] }, false],
  ['an error', { status: 404, fields: ['content-type', 'text/plain'] }, true],
];

for (const [what, answer, isCompressed] of heads) {
  test(`${isCompressed ? 'compresses' : 'leaves alone'} an answer with ${what}`, async () => {
    const got = await ask(accepting('br'), { ...answer, body: [text] });
    if (isCompressed) assert.deepEqual([codingOf(got), decode(got)], ['br', text]);
    else assert.deepEqual([got.text, got.values('vary')], [text, []]);
  });
}

test('an answer that is compressed says what it is now', async () => {
  const fields = ['content-type', 'text/plain', 'etag', '"a"', 'accept-ranges', 'bytes', 'vary', 'origin'];
  const digests = ['content-md5', 'x', 'content-digest', 'x', 'repr-digest', 'x', 'digest', 'x'];
  const answer = await ask(accepting('gzip'), { fields: [...fields, ...digests], body: [text] });
  assert.deepEqual(answer.fields, [
    ...['content-type', 'text/plain', 'etag', 'W/"a"', 'vary', 'origin, accept-encoding', 'content-encoding', 'gzip'],
  ]);
  const asItIs = await ask(accepting('identity'), { fields: [...fields, ...digests], body: [text] });
  assert.deepEqual([asItIs.values('etag'), asItIs.values('accept-ranges')], [['"a"'], ['bytes']]);
});

test('a short answer is compressed as a whole, and its length is known', async () => {
  const { headOf, answer } = await askForHead(plain);
  assert.equal(headOf.contentLengthBytes, answer.text.length);
  const pieces = await askForHead({ ...plain, body: [text.slice(0, 10), text.slice(10)] });
  assert.equal(pieces.headOf.contentLengthBytes, pieces.answer.text.length);
  assert.equal(decode(pieces.answer), text);
});

async function askForHead(upstream: UpstreamAnswer) {
  const seen: (number | undefined)[] = [];
  const looking = planPhases({ responseHead: (_, { contentLengthBytes }) => void seen.push(contentLengthBytes) });
  const policies = [looking, await plan(compressPolicy, {})];
  const answer = await createPolicyBench({ policies, upstream: () => upstream }).send(accepting('gzip'));
  return { headOf: { contentLengthBytes: seen[0] }, answer };
}

test('a shorter answer than is worth it passes as it is', async () => {
  for (const [length, isCompressed] of [
    [49, false],
    [50, true],
  ] as const) {
    const answer = await ask(accepting('br'), { ...plain, body: ['a'.repeat(length)] }, { minBytes: '50B' });
    assert.equal(codingOf(answer) !== undefined, isCompressed);
    assert.equal(decode(answer), 'a'.repeat(length));
  }
});

test('an answer that would become longer passes as it is', async () => {
  const noise = Array.from({ length: 300 }, (_, i) => String.fromCharCode((i * 167 + (i % 7) * 31 + ((i * i) % 251)) % 256)).join(
    '',
  );
  const answer = await ask(accepting('gzip'), { ...plain, body: [noise] }, { minBytes: '1B' });
  assert.deepEqual([codingOf(answer), answer.text], [undefined, noise]);
});

for (const coding of ['gzip', 'br', 'zstd']) {
  test(`a long answer flows through ${coding}`, async () => {
    const answer = await ask(accepting(coding), { ...plain, body: [long.slice(0, 30_000), long.slice(30_000)] });
    assert.deepEqual([codingOf(answer), answer.text.length < long.length / 5], [coding, true]);
    assert.equal(decode(answer), long);
  });
}

test('an answer to HEAD says what one to GET would say', async () => {
  const fields = ['content-type', 'text/plain', 'etag', '"a"'];
  const { headers: head } = await headAnswer({ fields, body: [] });
  assert.deepEqual(head, ['content-type', 'text/plain', 'etag', 'W/"a"', 'vary', 'accept-encoding', 'content-encoding', 'br']);
});

async function headAnswer(upstream: UpstreamAnswer) {
  const answer = await ask(accepting('br', { method: 'HEAD' }), upstream);
  assert.equal(answer.text, '');
  return { headers: answer.fields };
}

test('a 304 has the tag that its client knows', async () => {
  const notModified = { status: 304, fields: ['etag', '"a"'], body: [] };
  for (const [known, tag] of [
    ['W/"a"', 'W/"a"'],
    ['W/"b", W/"a"', 'W/"a"'],
    ['"a"', '"a"'],
    ['*', '"a"'],
  ]) {
    const answer = await ask(accepting('br', { fields: ['if-none-match', known!] }), notModified);
    assert.deepEqual([answer.values('etag'), answer.values('vary')], [[tag], ['accept-encoding']]);
  }
  const picture = { ...notModified, fields: ['content-type', 'image/png'] };
  assert.deepEqual((await ask(accepting('br'), picture)).values('vary'), []);
});

test('services see what the client accepts, or that nothing is', async () => {
  const bench = await benchWith();
  await bench.send(accepting('br, gzip'));
  assert.match(bench.seen[0]!.head, /\r\naccept-encoding: br, gzip\r\n/);
  const plainBench = await benchWith(plain, { acceptEncoding: 'identity' });
  assert.equal(codingOf(await plainBench.send(accepting('br, gzip'))), 'br');
  await plainBench.send({});
  for (const { head } of plainBench.seen) assert.match(head, /\r\naccept-encoding: identity\r\n/);
});

test('a service that compares tags strongly is shown the form that it knows', async () => {
  const bench = await benchWith();
  await bench.send({ fields: ['if-match', 'W/"a", "b,W/", W/"c"', 'if-none-match', 'W/"a"', 'if-range', 'W/"a"'] });
  const { head } = bench.seen[0]!;
  assert.match(head, /\r\nif-match: "a", "b,W\/", "c"\r\n/);
  assert.match(head, /\r\nif-none-match: W\/"a"\r\n/);
  assert.match(head, /\r\nif-range: W\/"a"\r\n/);
});

test('what a page of another site asks for with cookies stays as it is', async () => {
  const asked = ['sec-fetch-site', 'cross-site', 'cookie', 'a=1'];
  for (const [fields, coding] of [
    [asked, undefined],
    [[...asked, 'sec-fetch-user', '?1'], 'br'],
    [asked.slice(0, 2), 'br'],
    [['sec-fetch-site', 'same-site', 'cookie', 'a=1'], 'br'],
    [['cookie', 'a=1'], 'br'],
  ] as const)
    assert.equal(codingOf(await ask(accepting('br', { fields }))), coding, fields.join());
  assert.equal(codingOf(await ask(accepting('br', { fields: asked }), plain, { crossSite: 'compress' })), 'br');
});

test('answers of the gateway itself are compressed too', async () => {
  const reply = { status: 200, fields: ['content-type', 'text/plain'], contentLengthBytes: long.length, body: Buffer.from(long) };
  const policies = [await plan(compressPolicy, {}), planPhases({ localAnswer: () => reply })];
  const answer = await createPolicyBench({ policies }).send(accepting('br'));
  assert.equal(decode(answer), long);
});

test('an answer that breaks off while it is held becomes an error, one that flows breaks off', async () => {
  const held = await ask(accepting('gzip'), { ...plain, body: ['begun'], error: testErrors.broken() });
  assert.deepEqual([held.status, held.isBrokenOff], [502, false]);
  const flowing = await ask(accepting('gzip'), { ...plain, body: [long], error: testErrors.broken() });
  assert.deepEqual([flowing.status, flowing.isBrokenOff, codingOf(flowing)], [200, true, 'gzip']);
});

const runningOf = (keeper: Keeper) => keeper.keep('compress', (): RunningCodecs => ({ count: -1 }));

test('no more answers flow through codecs at a time than may', async () => {
  const keeper = new Keeper();
  const bench = await benchWith({ ...plain, body: [long] }, {}, { keeper });
  const running = runningOf(keeper);
  running.count = limits.compressingAnswersMax - 1;
  const last = bench.start(accepting('br'));
  const further = bench.start(accepting('br'));
  const oneTooMany = await further.answer;
  assert.deepEqual([codingOf(oneTooMany), oneTooMany.text], [undefined, long]);
  assert.deepEqual(oneTooMany.values('vary'), ['accept-encoding']);
  assert.equal(decode(await last.answer), long);
  assert.equal(running.count, limits.compressingAnswersMax - 1);
});

test('a client that leaves frees the codec', async () => {
  const keeper = new Keeper();
  const bench = await benchWith({ ...plain, body: [long] }, {}, { keeper });
  const left = bench.start(accepting('br'));
  assert.equal(runningOf(keeper).count, 1);
  left.leave();
  assert.deepEqual([(await left.answer).isBrokenOff, runningOf(keeper).count], [true, 0]);
});

/** An answer that a test sends piece by piece. */
async function startFlow(fields: string[], contentLengthBytes: number | undefined) {
  const timers = new ManualTimers();
  const policies = [await plan(compressPolicy, {}, { later: timers.later })];
  const terminal = { start: () => undefined };
  const bench = createPolicyBench({ policies, terminal });
  const { exchange, answer } = bench.start(accepting('gzip'));
  const sent: Buffer[] = [];
  const { client } = exchange;
  const send = client.sendChunk.bind(client);
  client.sendChunk = (view) => {
    sent.push(Buffer.from(view));
    return send(view);
  };
  exchange.sendHead({ status: 200, fields, contentLengthBytes });
  return { exchange, answer, timers, sent };
}

test('what has come of an answer without a length goes on when nothing follows for the moment', async () => {
  const { exchange, answer, sent } = await startFlow(['content-type', 'text/event-stream'], undefined);
  assert.equal(exchange.status, 0);
  exchange.answer.sendChunk(Buffer.from('data: 1\n\n'));
  exchange.answer.flush();
  assert.equal(exchange.status, 200);
  exchange.answer.sendEnd(undefined);
  assert.equal(decode(await answer), 'data: 1\n\n');
  assert.ok(sent.length > 0);
});

test('a short answer with a length is waited for, but not long', async () => {
  const quick = await startFlow(['content-type', 'text/plain'], 2000);
  quick.exchange.answer.sendChunk(Buffer.alloc(1000, 'a'));
  quick.exchange.answer.flush();
  assert.deepEqual([quick.exchange.status, quick.timers.delaysMs], [0, [100]]);
  quick.exchange.answer.sendChunk(Buffer.alloc(1000, 'a'));
  quick.exchange.answer.sendEnd(undefined);
  assert.deepEqual([decode(await quick.answer), quick.timers.delaysMs], ['a'.repeat(2000), []]);

  const slow = await startFlow(['content-type', 'text/plain'], 2000);
  slow.exchange.answer.sendChunk(Buffer.alloc(1000, 'a'));
  slow.exchange.answer.flush();
  slow.timers.runAll();
  assert.equal(slow.exchange.status, 200);
  slow.exchange.answer.sendChunk(Buffer.alloc(1000, 'a'));
  slow.exchange.answer.sendEnd(undefined);
  assert.equal(decode(await slow.answer), 'a'.repeat(2000));

  const left = await startFlow(['content-type', 'text/plain'], 2000);
  left.exchange.answer.flush();
  left.exchange.finish(1);
  assert.deepEqual(left.timers.delaysMs, []);
});

test('a client that is behind stops what produces the answer', async () => {
  const { exchange, answer, sent } = await startFlow(['content-type', 'text/plain'], undefined);
  const { client } = exchange;
  const send = client.sendChunk.bind(client);
  let isFull = true;
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  client.sendChunk = (view) => {
    send(view);
    if (isFull) stop();
    return !isFull;
  };
  let wanted = 0;
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  exchange.source = {
    onRequestChunk: () => undefined,
    onRequestFlush: () => undefined,
    onRequestEnd: () => undefined,
    onClientGone: () => undefined,
    onClientDrained: () => {
      wanted += 1;
      onAsked();
    },
  };
  const noise = Buffer.alloc(1 << 20);
  for (let i = 0; i < noise.length; i++) noise[i] = (i * 2654435761) >>> 13;
  assert.equal(exchange.answer.sendChunk(noise), false);
  await stopped;
  const sentWhileFull = sent.length;
  isFull = false;
  assert.equal(wanted, 0);
  exchange.onClientDrained();
  await asked;
  assert.ok(sent.length >= sentWhileFull);
  exchange.answer.sendEnd(undefined);
  assert.equal(decode(await answer), noise.toString('latin1'));
});

test('explanations say what a client would get', async () => {
  const settings = (await compressPolicy.loadConfig()).parse({});
  assert.equal(compressPolicy.describe?.(settings), 'zstd, br, gzip from 1KiB');
  for (const [fields, expected] of [
    [['accept-encoding', 'br'], 'answers of 1KiB and more are compressed with br'],
    [[], 'answers pass as they are: the client accepts none of the encodings'],
    [
      ['accept-encoding', 'br', 'cookie', 'a=1', 'sec-fetch-site', 'cross-site'],
      'answers pass as they are: a page of another site asks with cookies',
    ],
  ] as const) {
    const { exchange } = createPolicyBench().start({ fields });
    const asked = { clientAddress: '192.0.2.1', exchange, method: 'GET', path: '/', query: '' };
    assert.equal(compressPolicy.explain?.(settings, asked, { addressLists: {}, countries: undefined, contracts: {} }), expected);
  }
});

test('a reload changes new answers alone', async () => {
  const bench = await benchWith({ ...plain, body: [long] });
  const before = bench.start(accepting('br, gzip'));
  bench.reload([await plan(compressPolicy, { encodings: ['gzip'] })]);
  const after = bench.start(accepting('br, gzip'));
  assert.deepEqual([codingOf(await before.answer), codingOf(await after.answer)], ['br', 'gzip']);
});
