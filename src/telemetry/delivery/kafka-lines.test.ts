import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { HandRunTimers } from '#test/support/hand-run-timers.ts';
import { KafkaLines, type KafkaOutcome } from './kafka-lines.ts';

const BATCH_BYTES_MAX = 10;
const sent: KafkaOutcome = { kind: 'sent' };
const unsent: KafkaOutcome = { kind: 'unsent', reason: 'ECONNREFUSED' };

function setUp() {
  const later = new HandRunTimers();
  const batches: string[] = [];
  const losses: [number, string][] = [];
  const settled: string[] = [];
  let answer: ((outcome: KafkaOutcome) => void) | undefined;
  let isClosed = false;
  const lines = new KafkaLines({
    sender: {
      send: (bytes) => {
        assert.ok(answer === undefined, 'one after the other');
        batches.push(Buffer.from(bytes).toString());
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
      finish: async () => {
        isClosed = true;
      },
      close: async () => {
        isClosed = true;
        answer?.({ kind: 'unsent', reason: 'closed' });
      },
    },
    owner: { onLost: (count, reason) => void losses.push([count, reason]), onSent: () => undefined },
    batchBytesMax: BATCH_BYTES_MAX,
    later: later.add,
  });
  const add = (text: string) => lines.add({ bytes: Buffer.from(text), settle: () => void settled.push(text) });
  const tell = (outcome: KafkaOutcome) => {
    assert.ok(answer !== undefined, 'nothing is being sent');
    const told = answer;
    answer = undefined;
    told(outcome);
    return new Promise((resolve) => setImmediate(resolve));
  };
  return { lines, later, batches, losses, settled, add, tell, isClosed: () => isClosed };
}

test('what comes while one batch is on its way becomes the next, up to its length', async () => {
  const { batches, settled, add, tell } = setUp();
  add('1\n');
  add('222\n');
  add('333\n');
  add('444\n');
  assert.deepEqual(batches, ['1\n']);
  await tell(sent);
  assert.deepEqual([batches, settled], [['1\n', '222\n333\n'], ['1\n']]);
  await tell(sent);
  await tell(sent);
  assert.deepEqual(batches.at(-1), '444\n');
  assert.deepEqual(settled, ['1\n', '222\n', '333\n', '444\n']);
});

test('what one thread hands over is divided at the ends of lines, and settled when all of it is sent', async () => {
  const { batches, settled, add, tell } = setUp();
  const whole = '1234\n6789\n123456789012\n1\n2\n';
  add(whole);
  await tell(sent);
  await tell(sent);
  assert.deepEqual(settled, []);
  await tell(sent);
  assert.deepEqual(batches, ['1234\n6789\n', '123456789012\n', '1\n2\n']);
  assert.deepEqual(settled, [whole]);
});

test('lines that are not taken are sent again, after a pause that grows', async () => {
  const { later, batches, losses, settled, add, tell } = setUp();
  add('1\n');
  await tell(unsent);
  add('2\n');
  later.run(250);
  await tell(unsent);
  assert.deepEqual(losses, [
    [0, 'ECONNREFUSED'],
    [0, 'ECONNREFUSED'],
  ]);
  later.run(500);
  await tell(sent);
  await tell(sent);
  assert.deepEqual(batches, ['1\n', '1\n', '1\n', '2\n']);
  assert.deepEqual(settled, ['1\n', '2\n']);
  add('3\n');
  await tell(unsent);
  assert.ok(later.has(250), 'the pause begins anew');
});

test('lines that are refused for good are lost, and those behind them are sent', async () => {
  const { batches, losses, settled, add, tell } = setUp();
  add('1\n2\n');
  add('3\n');
  await tell({ kind: 'refused', reason: 'MESSAGE_TOO_LARGE' });
  await tell(sent);
  assert.deepEqual(losses, [[2, 'MESSAGE_TOO_LARGE']]);
  assert.deepEqual(batches, ['1\n2\n', '3\n']);
  assert.deepEqual(settled, ['1\n2\n', '3\n']);
});

test('lines that there is no room for are lost', async () => {
  const { losses, add } = setUp();
  const line = `${'x'.repeat(limits.accessLogWaitingBytesMax / 2 - 1)}\n`;
  for (let i = 0; i < 3; i++) add(line);
  assert.deepEqual(losses, []);
  add('y\n');
  assert.deepEqual(losses, [[1, 'more lines wait than there is room for']]);
});

test('at the end all is sent, and a first failure is of no matter', async () => {
  const { lines, batches, losses, add, tell, isClosed } = setUp();
  add('1\n');
  add('2\n');
  const finished = lines.finish();
  await tell(unsent);
  await tell(sent);
  await tell(sent);
  await finished;
  assert.deepEqual([batches, losses, isClosed()], [['1\n', '1\n', '2\n'], [], true]);
});

test('at the end nobody waits for better times', async () => {
  const { lines, later, losses, settled, add, tell } = setUp();
  add('1\n');
  await tell(unsent);
  add('2\n');
  const finished = lines.finish();
  assert.deepEqual(later.waiting, []);
  await tell(unsent);
  await tell(unsent);
  await finished;
  assert.deepEqual(losses, [
    [0, 'ECONNREFUSED'],
    [1, 'ECONNREFUSED'],
    [1, 'ECONNREFUSED'],
  ]);
  assert.deepEqual(settled, ['1\n', '2\n']);
});

test('what is left when there is no more time is lost', async () => {
  const { lines, losses, settled, add, isClosed } = setUp();
  add('1\n');
  add('2\n');
  const finished = lines.finish();
  lines.abort();
  await finished;
  assert.deepEqual(losses, [
    [1, 'there was no more time'],
    [1, 'there was no more time'],
  ]);
  assert.deepEqual([settled, isClosed()], [['1\n', '2\n'], true]);
});
