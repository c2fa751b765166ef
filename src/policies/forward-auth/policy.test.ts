import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineErrors } from '#base/errors.ts';
import { Keeper } from '#base/keeper.ts';
import { type Consumer, toPlainConsumer } from '#http/consumer.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import type { ServiceAnswer, ServiceRequest } from '#pipeline/service-call.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type BenchRequest, createPolicyBench, plan, planPhases } from '#test/support/policy-bench.ts';
import { forwardAuthPolicy } from './policy.ts';

type Answer = Partial<Omit<ServiceAnswer, 'body'>> & { readonly body?: string };

/** As when the client leaves that the service is asked for. */
const abandoned = defineErrors('bench', {
  abandoned: { side: 'client', stage: 'policy', status: 499, retry: 'never', help: 'Nobody waits.' },
});

/** A service that gives one answer after the other, the last one for ever; `undefined`: it cannot be reached. */
async function benchWith(config: object, answers: readonly (Answer | 'abandoned' | undefined)[], consumer?: Consumer) {
  const clock = new FakeClock();
  const asked: ServiceRequest[] = [];
  const left = [...answers];
  const identify = planPhases({
    requestHead(exchange) {
      exchange.consumer = consumer;
      return undefined;
    },
  });
  const planned = await plan(
    forwardAuthPolicy,
    { service: 'decider', ...config },
    {
      clock,
      consumers: new ConsumerDirectory({ alice: { groups: ['gold'], keys: [], subjects: ['a.liddell@decider'] } }),
      callService: async (_exchange, service, request) => {
        assert.equal(service, 'decider');
        asked.push(request);
        const answer = left.length > 1 ? left.shift() : left[0];
        if (answer === undefined) return upstreamErrors.unreachable();
        if (answer === 'abandoned') return abandoned.abandoned();
        return { status: 200, fields: [], ...answer, body: Buffer.from(answer.body ?? '') };
      },
    },
  );
  const bench = createPolicyBench({ policies: [identify, planned] });
  return { ...bench, asked, clock };
}

test('lets pass what the service answers with 2xx, and takes along what it says', async () => {
  const { send, seen, asked } = await benchWith({ path: '/verify?for=shop', forward: ['x-user', 'x-team'] }, [
    { status: 204, fields: ['x-user', 'alice', 'x-user', 'al', 'x-other', 'no'] },
  ]);
  const { status } = await send({ method: 'POST', url: '/a?b=c', fields: ['accept', '*/*'], body: ['hello'] });
  assert.equal(status, 200);
  assert.deepEqual(seen[0]?.fields, ['accept', '*/*', 'x-user', 'alice', 'x-user', 'al']);
  assert.deepEqual(seen[0]?.body, ['hello']);
  const [question] = asked;
  assert.deepEqual(
    [question?.method, question?.target, question?.fields, question?.body],
    ['GET', '/verify?for=shop', ['x-forwarded-method', 'POST', 'x-forwarded-uri', '/a?b=c'], undefined],
  );
});

test('a header that only the service may say never comes from the client', async () => {
  const forged = ['x-user', 'root', 'x_user', 'root', 'x-who', 'root', 'accept', '*/*'];
  for (const [config, answer] of [
    [{}, { fields: ['x-user', 'alice'] }],
    [{}, {}],
    [{ onFailure: 'allow' }, undefined],
    [{ mode: 'report' }, { status: 403 }],
    [{ cache: { ttl: '1m' } }, {}],
  ] as const) {
    const { send, seen } = await benchWith({ forward: ['x-user'], consumer: 'x-who', ...config }, [answer]);
    for (let i = 0; i < 2; i++) {
      assert.equal((await send({ fields: forged })).status, 200);
      const said = answer?.fields ?? [];
      assert.deepEqual(seen[i]?.fields, ['accept', '*/*', ...said], JSON.stringify({ config, answer }));
    }
  }
});

test('passes on how the service refuses, and logs that it did', async () => {
  for (const [answer, status, kept] of [
    [
      { status: 401, fields: ['www-authenticate', 'Basic', 'content-type', 'text/plain', 'server', 'x'] },
      401,
      ['www-authenticate', 'Basic', 'content-type', 'text/plain'],
    ],
    [{ status: 403, fields: ['x-internal', 'secret'] }, 403, []],
    [
      { status: 302, fields: ['location', 'https://login/', 'set-cookie', 'a=1', 'set-cookie', 'b=2'] },
      302,
      ['location', 'https://login/', 'set-cookie', 'a=1', 'set-cookie', 'b=2'],
    ],
    [{ status: 307, fields: ['location', '/login'] }, 307, ['location', '/login']],
  ] as const) {
    const { send, seen } = await benchWith({}, [{ ...answer, body: 'who are you?' }]);
    const refused = await send({ method: 'POST', body: ['abc'] });
    assert.deepEqual([refused.status, refused.text, refused.fields], [status, 'who are you?', kept]);
    assert.equal(seen.length, 0);
    assert.equal(refused.exchange.error?.code, 'GH_FORWARD_AUTH_DENIED');
    assert.deepEqual(refused.exchange.error?.detail, { service: 'decider', answered: status });
    assert.equal(refused.exchange.requestBytes, 0);
  }
});

test('a client of gRPC is refused in its own way', async () => {
  const { send } = await benchWith({}, [{ status: 302, fields: ['location', 'https://login/'] }]);
  const { status, values } = await send({ method: 'POST', fields: ['content-type', 'application/grpc'] });
  // The bench's client speaks HTTP/1.1, whose fields have a text only in the real gateway.
  assert.deepEqual([status, values('grpc-status'), values('location')], [200, ['7'], []]);
});

test('anything else lets nobody pass, unless it is meant to', async () => {
  for (const answer of [{ status: 500 }, { status: 404 }, { status: 304 }, { status: 400 }, { status: 429 }, undefined]) {
    const closed = await benchWith({}, [answer]);
    const refused = await closed.send();
    assert.equal(refused.status, 503);
    assert.equal((refused.json() as { code: string }).code, 'GH_FORWARD_AUTH_UNAVAILABLE');
    assert.equal(closed.seen.length, 0);
    const open = await benchWith({ onFailure: 'allow' }, [answer]);
    const passed = await open.send();
    assert.equal(passed.status, 200);
    assert.equal(passed.exchange.reported?.code, 'GH_FORWARD_AUTH_UNAVAILABLE');
  }
  const refusing = await benchWith({ onFailure: 'allow' }, [{ status: 403 }]);
  assert.equal((await refusing.send()).status, 403, 'an answer is no failure');
});

test('only reports where it is told to', async () => {
  for (const [answer, code] of [
    [{ status: 403 }, 'GH_FORWARD_AUTH_DENIED'],
    [{ status: 302 }, 'GH_FORWARD_AUTH_DENIED'],
    [{ status: 500 }, 'GH_FORWARD_AUTH_UNAVAILABLE'],
    [undefined, 'GH_FORWARD_AUTH_UNAVAILABLE'],
    [{}, undefined],
  ] as const) {
    const { send } = await benchWith({ mode: 'report' }, [answer]);
    const { status, exchange } = await send();
    assert.deepEqual([status, exchange.error, exchange.reported?.code], [200, undefined, code]);
  }
});

test('the answer may name who asks, by a name that is nobody else’s', async () => {
  const ask = async (fields: readonly string[], before?: Consumer) => {
    const { send } = await benchWith({ consumer: 'x-user' }, [{ fields }], before);
    return send();
  };
  assert.deepEqual((await ask(['x-user', 'bob'])).exchange.consumer, toPlainConsumer('bob@decider', []));
  // Nobody becomes a consumer of the configuration by having its name.
  assert.equal((await ask(['x-user', 'alice'])).exchange.consumer?.name, 'alice@decider');
  assert.deepEqual((await ask(['x-user', 'a.liddell'])).exchange.consumer, toPlainConsumer('alice', ['gold']));
  assert.equal((await ask([])).exchange.consumer, undefined);
  for (const fields of [
    ['x-user', ''],
    ['x-user', 'a b'],
    ['x-user', 'a"'],
    ['x-user', 'a'.repeat(257)],
    ['x-user', 'a', 'x-user', 'b'],
  ])
    assert.equal((await ask(fields)).status, 503, JSON.stringify(fields));
});

test('does not ask again about the same for as long as it may remember', async () => {
  const { send, seen, asked, clock } = await benchWith({ forward: ['x-user'], consumer: 'x-user', cache: { ttl: '10s' } }, [
    { fields: ['x-user', 'alice'] },
    { fields: ['x-user', 'bob'] },
    { status: 403 },
  ]);
  const request: BenchRequest = { url: '/a', fields: ['authorization', 'Bearer a'] };
  for (let i = 0; i < 3; i++) {
    const { exchange } = await send(request);
    assert.equal(exchange.consumer?.name, 'alice@decider');
    assert.deepEqual(seen[i]?.fields, ['authorization', 'Bearer a', 'x-user', 'alice']);
  }
  assert.equal(asked.length, 1);
  clock.advance(9_999);
  await send(request);
  assert.equal(asked.length, 1);
  clock.advance(1);
  assert.equal((await send(request)).exchange.consumer?.name, 'bob@decider');
  clock.advance(10_000);
  // A refusal is not remembered.
  for (let i = 0; i < 2; i++) assert.equal((await send(request)).status, 403);
  assert.equal(asked.length, 4);
});

test('the client is sent what it is meant to be sent of an answer that lets pass, once', async () => {
  const answer = { fields: ['set-cookie', 'a=1; HttpOnly', 'set-cookie', 'b=2', 'x-user', 'alice', 'x-other', 'no'] };
  for (const [config, sent] of [
    [{}, []],
    [{ answer: ['set-cookie'] }, ['a=1; HttpOnly', 'b=2']],
    [{ answer: ['set-cookie'], mode: 'report' }, ['a=1; HttpOnly', 'b=2']],
  ] as const) {
    const { send, seen } = await benchWith({ forward: ['x-user'], ...config }, [answer]);
    const { values, status } = await send();
    assert.equal(status, 200);
    assert.deepEqual(values('set-cookie'), sent);
    assert.deepEqual([values('x-user'), values('x-other')], [[], []]);
    // RFC 9111 §7.3: no cache may give it to others.
    assert.deepEqual(values('cache-control'), sent.length === 0 ? [] : ['no-store']);
    assert.deepEqual(seen[0]?.fields, ['x-user', 'alice']);
  }
  const refusing = await benchWith({ answer: ['set-cookie'] }, [{ status: 403, fields: answer.fields }]);
  assert.deepEqual((await refusing.send()).values('set-cookie'), ['a=1; HttpOnly', 'b=2'], 'as `reply` says');
  const keeping = await benchWith({ answer: ['set-cookie'], forward: ['x-user'], cache: { ttl: '1m' } }, [answer]);
  assert.equal((await keeping.send()).values('set-cookie').length, 2);
  const again = await keeping.send();
  assert.deepEqual([again.values('set-cookie'), keeping.asked.length], [[], 1]);
  assert.deepEqual(keeping.seen[1]?.fields, ['x-user', 'alice']);
});

test('equal questions at the same time are one, where answers are kept', async () => {
  const ask = async (config: object, answers: readonly (Answer | undefined)[]) => {
    const bench = await benchWith({ answer: ['set-cookie'], forward: ['x-user'], ...config }, answers);
    const sent = await Promise.all(Array.from({ length: 5 }, () => bench.send({ fields: ['authorization', 'Bearer a'] })));
    return { sent, asked: bench.asked.length, seen: bench.seen, statuses: sent.map(({ status }) => status) };
  };
  const kept = { cache: { ttl: '1m' } };
  const passing = await ask(kept, [{ fields: ['x-user', 'alice', 'set-cookie', 'a=1'] }]);
  assert.deepEqual([passing.statuses, passing.asked], [[200, 200, 200, 200, 200], 1]);
  for (const { fields } of passing.seen) assert.deepEqual(fields.slice(-2), ['x-user', 'alice']);
  // The cookie goes to the one that asked.
  assert.deepEqual(passing.sent.map(({ values }) => values('set-cookie').length).sort(), [0, 0, 0, 0, 1]);
  assert.equal((await ask({}, [{}])).asked, 5);
  const down = await ask(kept, [undefined]);
  assert.deepEqual([down.statuses, down.asked], [[503, 503, 503, 503, 503], 1]);
  // A refusal may begin a login, which is one client's alone.
  const refused = await ask(kept, [{ status: 302, fields: ['location', '/login', 'set-cookie', 'state=1'] }]);
  assert.deepEqual([refused.statuses, refused.asked], [[302, 302, 302, 302, 302], 5]);
});

test('who waits for the question of a client that leaves asks itself', async () => {
  const { send, asked } = await benchWith({ cache: { ttl: '1m' } }, ['abandoned', {}]);
  const statuses = (await Promise.all([send(), send(), send()])).map(({ status }) => status);
  // On the bench even who has left is answered.
  assert.deepEqual([statuses, asked.length], [[503, 200, 200], 3]);
});

test('whatever is sent tells requests apart, unless it is said what does', async () => {
  const base: BenchRequest = { url: '/a?x=1', fields: ['authorization', 'Bearer a', 'cookie', 'sid=1; b=2'] };
  const others: BenchRequest[] = [
    { ...base, method: 'DELETE' },
    { ...base, url: '/b?x=1' },
    { ...base, url: '/a?x=2' },
    { ...base, host: 'other.example.com' },
    { ...base, clientAddress: '198.51.100.8' },
    { ...base, scheme: 'https' },
    { ...base, fields: ['authorization', 'Bearer b', 'cookie', 'sid=1; b=2'] },
    { ...base, fields: ['cookie', 'sid=1; b=2'] },
    { ...base, fields: ['authorization', 'Bearer a', 'cookie', 'sid=2; b=2'] },
    { ...base, fields: ['authorization', 'Bearer a', 'authorization', 'Bearer b', 'cookie', 'sid=1; b=2'] },
  ];
  const whole = await benchWith({ cache: { ttl: '1m' } }, [{}]);
  for (const request of [base, ...others]) await whole.send(request);
  assert.equal(whole.asked.length, 1 + others.length);
  await whole.send({ ...base, fields: [...base.fields!, 'x-other', '1'] });
  assert.equal(whole.asked.length, 1 + others.length, 'what is not sent does not matter');
  const parts = await benchWith({ cache: { ttl: '1m', by: ['header.authorization', 'cookie.sid', 'path'] } }, [{}]);
  await parts.send(base);
  for (const same of [
    { ...base, method: 'DELETE' },
    { ...base, url: '/a?x=2' },
    { ...base, fields: ['authorization', 'Bearer a', 'cookie', 'sid=1; b=3'] },
  ]) {
    await parts.send(same);
    assert.equal(parts.asked.length, 1, JSON.stringify(same));
  }
  await parts.send({ ...base, url: '/b' });
  await parts.send({ ...base, fields: ['authorization', 'Bearer a', 'cookie', 'sid=2'] });
  assert.equal(parts.asked.length, 3);
});

test('what is remembered outlives a reload, and whom the configuration has for a name does not', async () => {
  const keeper = new Keeper();
  let asked = 0;
  const planWith = (consumers: ConsumerDirectory) =>
    plan(
      forwardAuthPolicy,
      { service: 'decider', consumer: 'x-user', cache: { ttl: '1m' } },
      {
        keeper,
        consumers,
        callService: async () => {
          asked += 1;
          return { status: 200, fields: ['x-user', 'a.liddell'], body: Buffer.alloc(0) };
        },
      },
    );
  const alice = { groups: ['gold'], keys: [], subjects: ['a.liddell@decider'] };
  const bench = createPolicyBench({ policies: [await planWith(new ConsumerDirectory({ alice }))] });
  assert.equal((await bench.send()).exchange.consumer?.name, 'alice');
  bench.reload([await planWith(new ConsumerDirectory({}))]);
  assert.equal((await bench.send()).exchange.consumer?.name, 'a.liddell@decider');
  assert.equal(asked, 1);
});
