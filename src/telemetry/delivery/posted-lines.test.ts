import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import type { OtlpOutcome } from '#telemetry/otlp/otlp-transport.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { OtlpLines } from './otlp-lines.ts';
import { PostedLines, plainEncoder } from './posted-lines.ts';

type Sent = { readonly body: string; answer(outcome: OtlpOutcome): void };

function setUp({ encoder = plainEncoder } = {}) {
  const sent: Sent[] = [];
  const losses: [number, string][] = [];
  const settled: string[] = [];
  let isClosed = false;
  const transport = {
    send: (body: Uint8Array) =>
      new Promise<OtlpOutcome>((answer) => {
        if (isClosed) answer({ kind: 'lost', reason: 'closed', status: undefined });
        else sent.push({ body: Buffer.from(body).toString(), answer });
      }),
    hurry: () => undefined,
    close: () => {
      isClosed = true;
      for (const { answer } of sent) answer({ kind: 'lost', reason: 'closed', status: undefined });
    },
  };
  const lines = new PostedLines(transport, encoder, {
    onLost: (count, reason) => void losses.push([count, reason]),
    onSent: () => undefined,
  });
  const add = (text: string) => lines.add({ bytes: Buffer.from(text), settle: () => void settled.push(text) });
  return { lines, sent, losses, settled, add };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const taken: OtlpOutcome = { kind: 'sent', answer: Buffer.alloc(0) };

test('what comes while one message is on its way becomes the next, in its order', async () => {
  const { sent, settled, add } = setUp();
  add('1\n');
  await turn();
  add('2\n');
  add('3\n');
  await turn();
  assert.deepEqual(
    sent.map(({ body }) => body),
    ['1\n'],
  );
  assert.deepEqual(settled, []);
  sent[0]!.answer(taken);
  await turn();
  assert.deepEqual(
    sent.map(({ body }) => body),
    ['1\n', '2\n3\n'],
  );
  assert.deepEqual(settled, ['1\n']);
});

test('a message is no longer than it may be, unless one batch alone is', async () => {
  const { sent, add } = setUp();
  const half = `${'x'.repeat(limits.accessLogPostBytesMax / 2 - 1)}\n`;
  add('first\n');
  await turn();
  for (let i = 0; i < 3; i++) add(half);
  sent[0]!.answer(taken);
  await turn();
  assert.equal(sent[1]!.body.length, limits.accessLogPostBytesMax);
  sent[1]!.answer(taken);
  await turn();
  assert.equal(sent[2]!.body.length, half.length);
});

test('there is room for so many bytes: those who came first stay', async () => {
  const { sent, losses, settled, add } = setUp();
  add('on its way\n');
  await turn();
  const batch = `${'x'.repeat(1024 * 1024 - 1)}\n`;
  const room = limits.accessLogWaitingBytesMax / batch.length;
  for (let i = 0; i < room; i++) add(batch);
  assert.deepEqual(losses, []);
  add('1\n2\n');
  assert.deepEqual(losses, [[2, 'more lines wait than there is room for']]);
  assert.deepEqual(settled, ['1\n2\n']);
  sent[0]!.answer(taken);
  await turn();
  add('3\n');
  assert.equal(losses.length, 1);
});

test('lines that are lost count, and the next ones are sent all the same', async () => {
  const { sent, losses, settled, add } = setUp();
  add('1\n2\n');
  await turn();
  add('3\n');
  sent[0]!.answer({ kind: 'lost', reason: 'status 400', status: 400 });
  await turn();
  assert.deepEqual(losses, [[2, 'status 400']]);
  assert.deepEqual(settled, ['1\n2\n']);
  assert.equal(sent[1]!.body, '3\n');
});

test('lines that cannot be written are lost, and the next ones are sent all the same', async () => {
  const encoder = new OtlpLines({}, { clock: new FakeClock(), resource: {} });
  const { lines, sent, losses, settled, add } = setUp({ encoder });
  add('no JSON\n');
  await turn();
  assert.deepEqual([losses.length, losses[0]?.[0], settled], [1, 1, ['no JSON\n']]);
  add('{"status":200}\n');
  const finished = lines.finish();
  await turn();
  sent[0]!.answer(taken);
  await finished;
  assert.equal(losses.length, 1);
});

test('finishing waits for all, aborting for none', async () => {
  const { lines, sent, losses, add } = setUp();
  add('1\n');
  await turn();
  add('2\n');
  let hasFinished = false;
  const finished = lines.finish().then(() => (hasFinished = true));
  await turn();
  assert.equal(hasFinished, false);
  assert.equal(sent.length, 1);
  lines.abort();
  await finished;
  assert.deepEqual(losses, [
    [1, 'there was no more time'],
    [1, 'closed'],
  ]);
});

test('lines that a collector says that it has left out count as lost', async () => {
  const encoder = new OtlpLines({}, { clock: new FakeClock(), resource: {} });
  const { sent, losses, add } = setUp({ encoder });
  add('{"status":200}\n');
  await turn();
  // ExportLogsServiceResponse { partial_success { rejected_log_records: 5 } }
  sent[0]!.answer({ kind: 'sent', answer: Buffer.from([0x0a, 0x02, 0x08, 0x05]) });
  await turn();
  assert.deepEqual(losses, [[5, 'the collector has left them out']]);
  add('{"status":200}\n');
  await turn();
  sent[1]!.answer({ kind: 'sent', answer: Buffer.from('<html>') });
  await turn();
  assert.equal(losses.length, 1);
});
