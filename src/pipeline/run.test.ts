import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineErrors } from '#base/errors.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import type { Reply } from '#http/response.ts';
import { createPolicyBench, planPhases } from '#test/support/policy-bench.ts';
import type { PhaseResult, PolicyPhases } from './policy.ts';
import { rescue } from './rescue.ts';

const testErrors = defineErrors('run-test', {
  refused: { side: 'client', stage: 'policy', status: 403, retry: 'never', help: 'Refused by a test.' },
  tooSlow: { side: 'client', stage: 'read-body', status: 408, retry: 'never', help: 'Too slow for a test.' },
});

function replyWith(text: string): Reply {
  return { status: 200, fields: ['x-from', text], contentLengthBytes: text.length, body: Buffer.from(text) };
}

/** Notes each of its phases when it runs. */
function noting(name: string, notes: string[]): PolicyPhases {
  const note = (phase: string) => () => void notes.push(`${name} ${phase}`);
  return {
    requestHead: note('requestHead') as () => undefined,
    localAnswer: note('localAnswer') as () => undefined,
    requestChunk: note('requestChunk') as () => undefined,
    upstreamRequest: note('upstreamRequest'),
    upstreamResponseHead: note('upstreamResponseHead'),
    responseHead: note('responseHead'),
    answerStage: note('answerStage') as () => undefined,
    finish: note('finish'),
  };
}

test('a request meets policies in their order, its answer in reverse', async () => {
  const notes: string[] = [];
  const policies = ['a', 'b'].map((name) => planPhases(noting(name, notes), name));
  await createPolicyBench({ policies }).send({ body: ['x'] });
  assert.deepEqual(notes, [
    'a requestHead',
    'b requestHead',
    'a localAnswer',
    'b localAnswer',
    'a requestChunk',
    'b requestChunk',
    'a upstreamRequest',
    'b upstreamRequest',
    'a upstreamResponseHead',
    'b upstreamResponseHead',
    'b responseHead',
    'b answerStage',
    'a responseHead',
    'a answerStage',
    'a finish',
    'b finish',
  ]);
});

test('a plan without policies has nothing to run', async () => {
  const bench = createPolicyBench({ policies: [planPhases({})] });
  const { exchange, text } = await bench.send();
  assert.equal(text, 'served');
  const { shapeResponseHead, passAnswer, watchRequestChunk, onFinish } = exchange.plan ?? {};
  assert.deepEqual([shapeResponseHead, passAnswer, watchRequestChunk, onFinish], Array(4).fill(undefined));
});

test('phases keep the policy as their `this`', async () => {
  const policy = {
    name: 'kept',
    requestHead(): PhaseResult {
      return replyWith(this.name);
    },
  };
  assert.equal((await createPolicyBench({ policies: [planPhases(policy)] }).send()).text, 'kept');
});

/** The same outcome, at once and after waiting. */
const outcomes: readonly { readonly when: string; give(result: PhaseResult): PhaseResult | Promise<PhaseResult> }[] = [
  { when: 'at once', give: (result) => result },
  { when: 'after waiting', give: (result) => new Promise((resolve) => setImmediate(() => resolve(result))) },
];

for (const { when, give } of outcomes) {
  test(`a policy that lets pass ${when} lets the request through`, async () => {
    const policies = [planPhases({ requestHead: () => give(undefined), localAnswer: () => give(undefined) })];
    const bench = createPolicyBench({ policies });
    assert.equal((await bench.send()).text, 'served');
    assert.equal(bench.seen.length, 1);
  });

  test(`a policy that answers ${when} keeps the request from the rest`, async () => {
    const notes: string[] = [];
    const policies = [
      planPhases({ requestHead: () => give(replyWith('mine')) }),
      planPhases({ requestHead: () => void notes.push('reached') as undefined }),
    ];
    const bench = createPolicyBench({ policies });
    const answer = await bench.send();
    assert.deepEqual([answer.status, answer.text, answer.values('x-from')], [200, 'mine', ['mine']]);
    assert.deepEqual([bench.seen.length, notes], [0, []]);
  });

  test(`a policy that refuses ${when} ends the request with its error`, async () => {
    const bench = createPolicyBench({ policies: [planPhases({ requestHead: () => give(testErrors.refused()) })] });
    const answer = await bench.send();
    assert.equal(answer.status, 403);
    assert.equal((answer.json() as { code: string }).code, 'GH_RUN_TEST_REFUSED');
    assert.equal(answer.exchange.error?.code, 'GH_RUN_TEST_REFUSED');
    assert.equal(bench.seen.length, 0);
  });

  test(`a local answer is asked for when every policy let pass, ${when}`, async () => {
    const notes: string[] = [];
    const policies = [
      planPhases({ localAnswer: () => give(replyWith('local')) }),
      planPhases({
        requestHead: () => {
          notes.push('requestHead');
          return give(undefined);
        },
      }),
    ];
    const bench = createPolicyBench({ policies });
    assert.equal((await bench.send()).text, 'local');
    assert.deepEqual([notes, bench.seen.length], [['requestHead'], 0]);
  });
}

test('a refusal wins over a local answer of an earlier policy', async () => {
  const policies = [
    planPhases({ localAnswer: () => replyWith('cached') }),
    planPhases({ requestHead: () => testErrors.refused() }),
  ];
  assert.equal((await createPolicyBench({ policies }).send()).status, 403);
});

test('the policies after one that waited run in their order', async () => {
  const notes: string[] = [];
  const waiting = (name: string) =>
    planPhases({
      async requestHead() {
        notes.push(`${name} begins`);
        await Promise.resolve();
        notes.push(`${name} ends`);
        return undefined;
      },
    });
  await createPolicyBench({ policies: [waiting('a'), waiting('b')] }).send();
  assert.deepEqual(notes, ['a begins', 'a ends', 'b begins', 'b ends']);
});

test('a fact in a slot is there for later policies of the same exchange only', async () => {
  const tenant = defineSlot<string>('tenant');
  const policies = [
    planPhases({
      requestHead(exchange) {
        if (exchange.request.path === '/acme') exchange.set(tenant, 'acme');
        return undefined;
      },
    }),
    planPhases({ requestHead: (exchange) => replyWith(exchange.get(tenant) ?? 'nobody') }),
  ];
  const bench = createPolicyBench({ policies });
  assert.deepEqual([(await bench.send({ url: '/acme' })).text, (await bench.send()).text], ['acme', 'nobody']);
});

test('one reply given to many requests is not changed by other policies', async () => {
  const shared = replyWith('shared');
  const policies = [
    planPhases({ responseHead: (_, response) => void response.fields.push('x-more', '1') }),
    planPhases({ requestHead: () => shared }),
  ];
  const bench = createPolicyBench({ policies });
  await bench.send();
  assert.deepEqual((await bench.send()).fields, ['x-from', 'shared', 'x-more', '1']);
});

test('nothing is sent on when the client went while a policy waited', async () => {
  const { promise, resolve } = Promise.withResolvers<PhaseResult>();
  const notes: string[] = [];
  const policies = [
    planPhases({ requestHead: () => promise, finish: () => void notes.push('finish') }),
    planPhases({ requestHead: () => void notes.push('next') as undefined }),
  ];
  const bench = createPolicyBench({ policies });
  const running = bench.start();
  running.leave();
  resolve(undefined);
  const answer = await running.answer;
  await promise;
  assert.equal(answer.isBrokenOff, true);
  assert.deepEqual([notes, bench.seen.length, bench.finished.length], [['finish'], 0, 1]);
});

test('finish runs once for an exchange that was refused, answered, served or left', async () => {
  const counts = new Map<Exchange, number>();
  const counting = planPhases({ finish: (exchange) => void counts.set(exchange, (counts.get(exchange) ?? 0) + 1) });
  const served = createPolicyBench({ policies: [counting] });
  const { exchange } = await served.send();
  exchange.finish(served.clock.monotonicMs());
  await createPolicyBench({ policies: [counting, planPhases({ requestHead: () => testErrors.refused() })] }).send();
  await createPolicyBench({ policies: [counting, planPhases({ requestHead: () => replyWith('x') })] }).send();
  const silent = createPolicyBench({ policies: [counting], upstream: () => undefined }).start();
  silent.leave();
  silent.leave();
  assert.deepEqual([...counts.values()], [1, 1, 1, 1]);
});

test('requests that run keep their policies when a reload changes them', async () => {
  const { promise, resolve } = Promise.withResolvers<PhaseResult>();
  const marking = (mark: string) =>
    planPhases({ responseHead: (_, response) => void response.fields.push('x-mark', mark), requestHead: () => promise });
  const bench = createPolicyBench({ policies: [marking('old')] });
  const running = bench.start();
  bench.reload([marking('new')]);
  resolve(undefined);
  assert.deepEqual((await running.answer).values('x-mark'), ['old']);
  assert.deepEqual((await bench.send()).values('x-mark'), ['new']);
});

test('what a policy has waited for changes nothing about an error that is on its way, however long that takes', async () => {
  for (const outcome of [undefined, replyWith('late'), testErrors.refused()]) {
    const waited = Promise.withResolvers<PhaseResult>();
    const codes: (string | undefined)[] = [];
    const holding = planPhases({
      answerStage: (exchange) => ({
        begin: () => void codes.push(exchange.error?.code),
        sendChunk: () => true,
        flush: () => true,
        sendEnd: () => undefined,
        onDrained: () => undefined,
        abandon: () => undefined,
      }),
    });
    const bench = createPolicyBench({ policies: [holding, planPhases({ requestHead: () => waited.promise })] });
    const started = bench.start();
    rescue(started.exchange, testErrors.tooSlow());
    waited.resolve(outcome);
    await waited.promise;
    await Promise.resolve();
    assert.deepEqual([codes, bench.seen.length], [['GH_RUN_TEST_TOO_SLOW'], 0]);
    started.leave();
  }
});
