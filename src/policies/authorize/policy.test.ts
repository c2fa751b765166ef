import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Consumer, toPlainConsumer } from '#http/consumer.ts';
import { createPolicyBench, plan, planPhases } from '#test/support/policy-bench.ts';
import { authorizePolicy } from './policy.ts';

const alice = toPlainConsumer('alice', ['gold', 'beta']);
const bob = toPlainConsumer('bob', ['silver']);
const guest = toPlainConsumer('guest', []);

/** Whoever asks has been found out by another policy. */
async function ask(config: unknown, consumer: Consumer | undefined) {
  const identify = planPhases({
    requestHead(exchange) {
      exchange.consumer = consumer;
      return undefined;
    },
  });
  const bench = createPolicyBench({ policies: [identify, await plan(authorizePolicy, config)] });
  const answer = await bench.send();
  return { ...answer, sent: bench.seen.length };
}

test('lets pass who is named, by name, by group, or by both where both are asked for', async () => {
  for (const [config, consumer, status] of [
    [{ consumers: ['alice'] }, alice, 200],
    [{ consumers: ['bob', 'alice'] }, alice, 200],
    [{ consumers: ['alice'] }, bob, 403],
    [{ groups: ['gold'] }, alice, 200],
    [{ groups: ['silver', 'beta'] }, alice, 200],
    [{ groups: ['gold'] }, bob, 403],
    [{ groups: ['gold'] }, guest, 403],
    [{ groups: ['alice'] }, alice, 403],
    [{ consumers: ['alice', 'bob'], groups: ['silver'] }, bob, 200],
    [{ consumers: ['alice', 'bob'], groups: ['silver'] }, alice, 403],
    [{ consumers: ['guest'] }, guest, 200],
    [{ groups: ['gold'] }, undefined, 403],
  ] as const) {
    const answer = await ask(config, consumer);
    assert.equal(answer.status, status, JSON.stringify({ config, consumer }));
    assert.equal(answer.sent, status === 200 ? 1 : 0);
  }
});

test('logs why, and does not say it', async () => {
  for (const [config, consumer, detail] of [
    [{ consumers: ['alice'] }, bob, { reason: 'consumer', consumer: 'bob' }],
    [{ groups: ['gold'] }, bob, { reason: 'group', consumer: 'bob' }],
    [{ groups: ['gold'] }, undefined, { reason: 'no consumer', consumer: undefined }],
  ] as const) {
    const { exchange, text } = await ask(config, consumer);
    assert.deepEqual(exchange.error?.detail, detail);
    assert.equal((JSON.parse(text) as { detail: string }).detail, 'Whoever asks may not do this.');
  }
});

test('only reports where it is told to', async () => {
  const { status, exchange } = await ask({ groups: ['gold'], mode: 'report' }, bob);
  assert.equal(status, 200);
  assert.equal(exchange.error, undefined);
  assert.equal(exchange.reported?.code, 'GH_AUTHORIZE_DENIED');
  assert.equal((await ask({ groups: ['gold'], mode: 'report' }, alice)).exchange.reported, undefined);
});
