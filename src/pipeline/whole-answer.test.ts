import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineErrors } from '#base/errors.ts';
import type { Reply } from '#http/response.ts';
import { createPolicyBench, planPhases, type UpstreamAnswer } from '#test/support/policy-bench.ts';
import { WholeAnswerStage, type WholeAnswerUse } from './whole-answer.ts';

const testErrors = defineErrors('whole-answer-test', {
  refused: { side: 'upstream', stage: 'receive', status: 502, retry: 'never', help: 'Refused by a test.' },
});

function toReply(text: string): Reply {
  return { status: 201, fields: ['x-from', 'stage'], contentLengthBytes: text.length, body: Buffer.from(text) };
}

function send(use: Partial<WholeAnswerUse>, answer: UpstreamAnswer = { body: ['ab', 'cd'] }) {
  const whole: WholeAnswerUse = {
    bytesMax: 4,
    replace: (_, body) => toReply(`<${body.toString('latin1')}>`),
    onTooLong: () => undefined,
    ...use,
  };
  const stage = planPhases({
    answerStage: (exchange) => (exchange.error === undefined ? new WholeAnswerStage(exchange, whole) : undefined),
  });
  return createPolicyBench({ policies: [stage], upstream: () => answer }).send();
}

test('an answer is replaced when it is whole, at once or later', async () => {
  const answer = await send({});
  assert.deepEqual([answer.status, answer.text, answer.values('x-from')], [201, '<abcd>', ['stage']]);
  const later = await send({ replace: async (_, body) => toReply(`<${body.length}>`) });
  assert.equal(later.text, '<4>');
});

test('a longer answer passes as it is', async () => {
  const answer = await send({}, { body: ['ab', 'cd', 'e', 'f'], fields: ['x-up', '1'] });
  assert.deepEqual([answer.status, answer.text, answer.values('x-up')], [200, 'abcdef', ['1']]);
});

test('a longer answer is refused where it has to be whole', async () => {
  const answer = await send({ onTooLong: () => testErrors.refused() }, { body: ['ab', 'cd', 'e', 'f'] });
  assert.deepEqual([answer.status, answer.isBrokenOff], [502, false]);
});

test('what cannot be replaced is refused, whether it is returned or thrown', async () => {
  for (const replace of [() => testErrors.refused(), async () => testErrors.refused()]) {
    assert.equal((await send({ replace })).exchange.error?.code, 'GH_WHOLE_ANSWER_TEST_REFUSED');
  }
  const fail = () => {
    throw new TypeError('inside');
  };
  for (const replace of [fail, async () => fail()]) {
    const answer = await send({ replace });
    assert.deepEqual([answer.status, answer.exchange.error?.code], [500, 'GH_GATEWAY_INTERNAL']);
  }
});
