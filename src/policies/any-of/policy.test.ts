import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { defineErrors } from '#base/errors.ts';
import { toPlainConsumer } from '#http/consumer.ts';
import type { Exchange } from '#http/exchange.ts';
import { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import { definePolicy, type PhaseResult } from '#pipeline/policy.ts';
import { createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { getField, removeField } from '#wire/fields/field-list.ts';
import { createAnyOfPolicy } from './policy.ts';

/** A method whose credential is the field of its name: `yes-NAME` counts, and is shown to no service. */
function defineMethod(name: string, more: { readonly waits?: boolean; readonly answer?: (field: string) => PhaseResult } = {}) {
  const common = { side: 'client', stage: 'policy', status: 401, retry: 'never' } as const;
  const errors = defineErrors(name, {
    missing: { ...common, help: 'Nothing is shown.' },
    refused: { ...common, help: 'It does not count.' },
    busy: { ...common, status: 503, help: 'Nobody can say.' },
  });
  const fields = ['www-authenticate', `${name} realm="gatehouse"`];
  const judge = (exchange: Exchange): PhaseResult => {
    const shown = getField(exchange.request.fields, name);
    const answer = more.answer?.(shown ?? '');
    if (answer !== undefined) return answer;
    if (shown === undefined) return errors.missing(undefined, { fields });
    if (shown === 'busy') return errors.busy();
    if (!shown.startsWith('yes-')) return errors.refused({ reason: 'unknown' }, { fields });
    exchange.consumer = toPlainConsumer(shown.slice('yes-'.length), []);
    return undefined;
  };
  return definePolicy({
    name,
    summary: 'For tests.',
    loadConfig: async () => z.strictObject({ anonymous: z.string().optional() }),
    errors,
    describe: () => `field ${name}`,
    create: () => ({
      requestHead: (exchange) => (more.waits ? Promise.resolve().then(() => judge(exchange)) : judge(exchange)),
      upstreamRequest: (_exchange, upstream) => removeField(upstream.fields, name),
      requestChunk: (_exchange, chunk) =>
        chunk.includes(`no ${name}`) ? errors.refused({ reason: 'body' }, { fields }) : undefined,
      responseHead: (_exchange, response) => void response.fields.push('x-met', name),
    }),
  });
}

const redirect = { status: 302, fields: ['location', '/login'], contentLengthBytes: 0, body: undefined };
const key = defineMethod('key');
const token = defineMethod('token', { waits: true });
const login = defineMethod('login', { answer: (shown) => (shown === '' ? redirect : undefined) });
const policy = createAnyOfPolicy([key, token, login]);

async function benchWith(config: unknown) {
  const consumers = new ConsumerDirectory({ guest: { groups: [], keys: [] } });
  return createPolicyBench({ policies: [await plan(policy, config, { consumers })] });
}

const keyOrToken = { methods: [{ key: {} }, { token: {} }] };

test('the first method that accepts says who asks, whether it waits or not', async () => {
  const bench = await benchWith(keyOrToken);
  for (const [fields, name] of [
    [['key', 'yes-alice'], 'alice'],
    [['token', 'yes-bob'], 'bob'],
    [['key', 'yes-alice', 'token', 'yes-bob'], 'alice'],
    // A credential that does not count keeps nobody from showing another one.
    [['key', 'wrong', 'token', 'yes-bob'], 'bob'],
    [['key', 'yes-alice', 'token', 'wrong'], 'alice'],
    [['key', 'busy', 'token', 'yes-bob'], 'bob'],
  ] as const) {
    const answer = await bench.send({ fields });
    assert.equal(answer.status, 200);
    assert.equal(answer.exchange.consumer?.name, name, JSON.stringify(fields));
  }
});

test('a refusal says all that would do, and logs what each method found', async () => {
  const bench = await benchWith(keyOrToken);
  const missing = await bench.send();
  assert.equal(missing.status, 401);
  assert.equal((missing.json() as { code: string }).code, 'GH_ANY_OF_MISSING');
  assert.deepEqual(missing.values('www-authenticate'), ['key realm="gatehouse"', 'token realm="gatehouse"']);
  for (const fields of [
    ['key', 'wrong'],
    ['token', 'wrong'],
    ['key', 'wrong', 'token', 'wrong'],
  ]) {
    const refused = await bench.send({ fields });
    assert.equal((refused.json() as { code: string }).code, 'GH_ANY_OF_REFUSED');
    assert.equal(refused.exchange.error?.detail?.['key'], fields.includes('key') ? 'unknown' : 'missing');
    assert.equal(refused.values('www-authenticate').length, 2);
  }
  assert.equal(bench.seen.length, 0);
});

test('a method that cannot say is not taken for one that refuses', async () => {
  const bench = await benchWith(keyOrToken);
  const answer = await bench.send({ fields: ['key', 'busy', 'token', 'wrong'] });
  assert.equal(answer.status, 503);
});

test('who shows nothing at all is anonymous where there is such a consumer; a wrong credential stays wrong', async () => {
  const bench = await benchWith({ ...keyOrToken, anonymous: 'guest' });
  assert.equal((await bench.send()).exchange.consumer?.name, 'guest');
  assert.equal((await bench.send({ fields: ['token', 'wrong'] })).status, 401);
});

test('a browser is sent to where one logs in only when nothing was shown', async () => {
  const bench = await benchWith({ methods: [{ login: {} }, { token: {} }] });
  assert.equal((await bench.send()).status, 302);
  assert.equal((await bench.send({ fields: ['token', 'yes-bob'] })).exchange.consumer?.name, 'bob');
  assert.equal((await bench.send({ fields: ['token', 'wrong'] })).status, 401);
});

test('whichever method accepts, all of them hide their credentials and shape what passes', async () => {
  const bench = await benchWith(keyOrToken);
  const fields = ['key', 'yes-alice', 'token', 'yes-bob', 'accept', '*/*'];
  const answer = await bench.send({ method: 'POST', fields, body: ['a', 'b'] });
  assert.deepEqual(bench.seen[0]!.fields, ['accept', '*/*']);
  assert.deepEqual(bench.seen[0]!.body, ['a', 'b']);
  for (const body of ['no key', 'no token']) {
    const refused = await bench.send({ method: 'POST', fields, body: [body] });
    assert.equal(refused.status, 401);
  }
  assert.deepEqual(answer.values('x-met'), ['token', 'key']);
});

test('nobody is asked any more once the client has gone', async () => {
  const bench = await benchWith({ methods: [{ token: {} }, { token: {} }, { key: {} }] });
  const running = bench.start({ fields: ['key', 'yes-alice'] });
  running.leave();
  const { exchange } = await running.answer;
  await Promise.resolve();
  assert.equal(exchange.consumer, undefined);
  assert.equal(bench.seen.length, 0);
});

test('tells what it tries', () => {
  assert.equal(
    policy.describe?.({ methods: [{ key: {} }, { token: {} }], anonymous: 'guest' }),
    'key (field key), or token (field token); otherwise guest',
  );
});
