import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineErrors } from '#base/errors.ts';
import type { AnswerStage, NextStage } from '#http/answer-stage.ts';
import type { ResponseHead } from '#http/response.ts';
import { createPolicyBench, planPhases } from '#test/support/policy-bench.ts';
import { rescue } from './rescue.ts';

const testErrors = defineErrors('answer-path-test', {
  refused: { side: 'upstream', stage: 'receive', status: 502, retry: 'never', help: 'Refused by a test.' },
});

/** Does nothing by itself; tests say what is different. */
class PassingStage implements AnswerStage {
  next!: NextStage;
  isAbandoned = false;
  drained = 0;

  begin(response: ResponseHead, next: NextStage): void {
    this.next = next;
    next.sendHead(response);
  }

  sendChunk(view: Buffer): boolean {
    return this.next.sendChunk(view);
  }

  flush(): boolean {
    return this.next.flush();
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    this.next.sendEnd(trailers);
  }

  onDrained(): void {
    this.drained += 1;
    this.next.askForMore();
  }

  abandon(): void {
    this.isAbandoned = true;
  }
}

class Bracketing extends PassingStage {
  override sendChunk(view: Buffer): boolean {
    return super.sendChunk(Buffer.from(`[${view.toString('latin1')}]`));
  }
}

class Upper extends PassingStage {
  override sendChunk(view: Buffer): boolean {
    return super.sendChunk(Buffer.from(view.toString('latin1').toUpperCase()));
  }
}

/** Keeps the head until the end, and says then how long the body was. */
class Counting extends PassingStage {
  #head!: ResponseHead;
  #bytes = 0;

  override begin(response: ResponseHead, next: NextStage): void {
    this.next = next;
    this.#head = response;
  }

  override sendChunk(view: Buffer): boolean {
    this.#bytes += view.length;
    return true;
  }

  override sendEnd(): void {
    this.#head.fields.push('x-bytes', String(this.#bytes));
    this.next.sendHead(this.#head);
    this.next.sendEnd(undefined);
  }
}

test('stages stand in a row, the last policy nearest to the service', async () => {
  const policies = [planPhases({ answerStage: () => new Bracketing() }), planPhases({ answerStage: () => new Upper() })];
  const answer = await createPolicyBench({ policies, upstream: () => ({ body: ['ab', 'c'] }) }).send();
  assert.equal(answer.text, '[AB][C]');
});

test('an answer that no stage wants passes as it is, with the heads shaped in reverse', async () => {
  const policies = ['a', 'b'].map((name) =>
    planPhases({ responseHead: (_, { fields }) => void fields.push('x-met', name), answerStage: () => undefined }),
  );
  const answer = await createPolicyBench({ policies }).send();
  assert.deepEqual([answer.text, answer.values('x-met')], ['served', ['b', 'a']]);
});

test('policies before a stage shape the head that it passes on, when it does', async () => {
  const seen: (string | undefined)[] = [];
  const policies = [
    planPhases({ responseHead: (_, { fields }) => void seen.push(fields.at(-1)) }),
    planPhases({ answerStage: () => new Counting() }),
  ];
  const answer = await createPolicyBench({ policies, upstream: () => ({ body: ['ab', 'c'] }) }).send();
  assert.deepEqual([seen, answer.text, answer.values('x-bytes')], [['3'], '', ['3']]);
});

test('answers of the gateway itself meet the stages too', async () => {
  const reply = () => ({ status: 200, fields: [], contentLengthBytes: undefined, body: Buffer.from('mine') });
  const policies = [planPhases({ answerStage: () => new Upper() }), planPhases({ localAnswer: reply })];
  assert.equal((await createPolicyBench({ policies }).send()).text, 'MINE');
  const refusing = [planPhases({ answerStage: () => new Counting() }), planPhases({ requestHead: () => testErrors.refused() })];
  const refused = await createPolicyBench({ policies: refusing }).send();
  assert.equal(refused.status, 502);
  assert.ok(Number(refused.values('x-bytes')[0]) > 100);
});

test('an answer that breaks off while its head is held back becomes an error, and the stage is left', async () => {
  const stages: PassingStage[] = [];
  const policies = [
    planPhases({
      answerStage({ error }) {
        if (error !== undefined) return undefined;
        const stage = new Counting();
        stages.push(stage);
        return stage;
      },
    }),
  ];
  const upstream = () => ({ body: ['ab'], error: testErrors.refused() });
  const answer = await createPolicyBench({ policies, upstream }).send();
  assert.deepEqual([answer.status, answer.isBrokenOff, stages.map(({ isAbandoned }) => isAbandoned)], [502, false, [true]]);
  assert.equal((answer.json() as { code: string }).code, 'GH_ANSWER_PATH_TEST_REFUSED');
});

test('a stage that refuses an answer that has begun breaks it off and stops whoever produces it', async () => {
  let pieces = 0;
  const policies = [
    planPhases({
      answerStage(exchange) {
        const stage = new PassingStage();
        stage.sendChunk = (view) => {
          pieces += 1;
          if (pieces < 2) return stage.next.sendChunk(view);
          rescue(exchange, testErrors.refused());
          return true;
        };
        return stage;
      },
    }),
  ];
  const answer = await createPolicyBench({ policies, upstream: () => ({ body: ['a', 'b', 'c'] }) }).send();
  assert.deepEqual([answer.status, answer.text, answer.isBrokenOff, pieces], [200, 'a', true, 2]);
  assert.equal(answer.exchange.error?.code, 'GH_ANSWER_PATH_TEST_REFUSED');
});

test('a stage may answer much later, and is left when the client goes first', async () => {
  const held: Counting[] = [];
  const keep = () => {
    const stage = new Counting();
    stage.sendEnd = () => undefined;
    held.push(stage);
    return stage;
  };
  const bench = createPolicyBench({ policies: [planPhases({ answerStage: keep })] });
  const late = bench.start();
  Counting.prototype.sendEnd.call(held[0]!);
  assert.deepEqual((await late.answer).values('x-bytes'), ['6']);
  assert.equal(held[0]!.isAbandoned, false);

  const left = bench.start();
  left.leave();
  await left.answer;
  assert.equal(held[1]!.isAbandoned, true);
  // Nobody hears of it.
  Counting.prototype.sendEnd.call(held[1]!);
});

const fail = (): never => {
  throw new TypeError('the password of the database');
};

/** Where a stage throws, and what the client has seen by then. */
const throwing: readonly [string, Partial<PassingStage>, number, string][] = [
  ['begin', { begin: fail }, 500, ''],
  ['sendChunk', { sendChunk: fail }, 200, ''],
  ['sendEnd', { sendEnd: fail }, 200, 'served'],
];

for (const [place, overrides, status, text] of throwing) {
  test(`a stage that throws in ${place} ends its exchange as a fault of ours that tells nothing`, async () => {
    const policies = [planPhases({ answerStage: () => Object.assign(new PassingStage(), overrides) })];
    const bench = createPolicyBench({ policies });
    const answer = await bench.send();
    assert.equal(answer.status, status);
    assert.equal(answer.exchange.error?.code, 'GH_GATEWAY_INTERNAL');
    assert.equal(bench.finished.length, 1);
    if (status === 500) assert.doesNotMatch(answer.text, /password/);
    else assert.deepEqual([answer.isBrokenOff, answer.text], [true, text]);
  });
}

test('a policy that throws behind a stage, when its head comes late, is a fault of ours', async () => {
  const policies = [planPhases({ responseHead: fail }), planPhases({ answerStage: () => new Counting() })];
  const answer = await createPolicyBench({ policies }).send();
  assert.deepEqual([answer.status, (answer.json() as { code: string }).code], [500, 'GH_GATEWAY_INTERNAL']);
});
