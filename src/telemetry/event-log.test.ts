import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { defineErrors } from '#base/errors.ts';
import { logLevels } from '#base/logger.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { EventLog, type EventLogOptions } from './event-log.ts';

function logged(message: string, fields?: Readonly<Record<string, unknown>>): Record<string, unknown> {
  let text = '';
  const write = (line: string) => {
    text += line;
  };
  new EventLog({ clock: new FakeClock(), write, isTerminal: false }).log('warn', message, fields);
  assert.ok(text.endsWith('\n') && !text.slice(0, -1).includes('\n'), 'one line');
  return JSON.parse(text) as Record<string, unknown>;
}

test('an event is one line of JSON with time, level, message and fields', () => {
  assert.deepEqual(logged('it "happened"\nhere', { listener: 'web', count: 2, nothing: undefined }), {
    time: '2031-05-07T11:13:17.719Z',
    level: 'warn',
    message: 'it "happened"\nhere',
    listener: 'web',
    count: 2,
  });
});

test('an error shows its message and where it was thrown', () => {
  const { error } = logged('failed', { error: new RangeError('too large') }) as { error: { message: string; stack: string } };
  assert.equal(error.message, 'too large');
  assert.match(error.stack, /event-log\.test\.ts/);
});

test('an error of the gateway shows its code and facts', () => {
  const errors = defineErrors('test-logger', {
    broken: { side: 'gateway', stage: 'reply', status: 500, retry: 'never', help: 'It broke.' },
  });
  const event = logged('failed', { error: errors.broken({ part: 'x' }) });
  assert.equal(event['code'], 'GH_TEST_LOGGER_BROKEN');
  const error = event['error'] as Record<string, unknown>;
  assert.equal(error['code'], 'GH_TEST_LOGGER_BROKEN');
  assert.equal(error['part'], 'x');
});

test('a field that JSON cannot hold does not take the event away', () => {
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  assert.equal(logged('odd', { circular }).message, 'odd');
  assert.equal(logged('odd', { big: 10n }).message, 'odd');
});

function setUp(options: Partial<EventLogOptions> = {}) {
  const written: string[] = [];
  const write = (line: string) => void written.push(line);
  const log = new EventLog({ clock: new FakeClock(), write, isTerminal: false, ...options });
  return { log, written };
}

const json = { level: 'info', format: 'json', file: undefined } as const;

test('what is below the level is not written', () => {
  const { log, written } = setUp();
  for (const level of logLevels) log.log(level, level);
  assert.deepEqual(
    written.map((line) => JSON.parse(line).level),
    ['info', 'warn', 'error'],
  );
  written.length = 0;
  for (const least of logLevels) {
    log.follow({ ...json, level: least });
    for (const level of logLevels) log.log(level, level);
  }
  assert.equal(written.length, 4 + 3 + 2 + 1);
});

test('on a terminal, events are text for people; elsewhere and in files they are JSON, unless the configuration says otherwise', () => {
  const terminal = setUp({ isTerminal: true, hasColours: false });
  terminal.log.log('warn', 'endpoint is unhealthy', { service: 'orders', reason: 'no answer', count: 3, nothing: undefined });
  const line =
    '2031-05-07 11:13:17.719 WARN  endpoint is unhealthy                    service=orders reason="no answer" count=3\n';
  assert.deepEqual(terminal.written, [line]);
  terminal.log.follow(json);
  terminal.log.log('warn', 'x');
  assert.equal(JSON.parse(terminal.written[1]!).message, 'x');
  const { log, written } = setUp({ fields: { thread: 2 } });
  log.follow({ ...json, format: 'text' });
  log.log('error', 'x', { list: [1, 'a b'] });
  assert.match(written[0]!, / ERROR x {39} thread=2 list=\[1,"a b"\]\n$/);
});

test('only a terminal gets colours', () => {
  for (const [options, expected] of [
    [{ isTerminal: true }, true],
    [{ isTerminal: true, hasColours: false }, false],
    [{ isTerminal: false }, false],
  ] as const) {
    const { log, written } = setUp(options);
    log.follow({ ...json, format: 'text' });
    log.log('error', 'x', { a: 1 });
    assert.equal(written[0]!.includes('\x1b['), expected);
  }
});

test('text that somebody else has chosen does nothing to a terminal, and begins no line', () => {
  const { log, written } = setUp({ isTerminal: true, hasColours: false });
  const error = new RangeError('bad\n\x1b[2Jname');
  error.stack = 'RangeError: bad\n\x1b[2Jname\n    at here (file.ts:1)';
  log.log('error', 'odd', { a: 'x\ny', b: '\x1b[31m', c: 'q"=\\', d: '\u009b\u2028é', error });
  const [text] = written;
  assert.match(text!, /^[\x20-\x7e\né]+$/);
  assert.match(text!, / a="x\\ny" b="\\u001b\[31m" c="q\\"=\\\\" d="\\u009b\\u2028é" error="bad\\n\\u001b\[2Jname"\n/);
  const others = text!.trimEnd().split('\n').slice(1);
  assert.deepEqual(others, ['    \\u001b[2Jname', '    at here (file.ts:1)']);
});

async function makeFile(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-events-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'events.log');
}

test('events go to a file, which is opened anew when it was moved', async (t) => {
  const file = await makeFile(t);
  const { log, written } = setUp({ isTerminal: true });
  log.follow({ level: 'info', format: undefined, file });
  log.log('info', 'one');
  await rename(file, `${file}.1`);
  log.log('info', 'two');
  log.reopen();
  log.log('info', 'three');
  log.follow(json);
  log.log('info', 'four');
  const read = async (path: string) =>
    (await readFile(path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).message);
  assert.deepEqual(await read(`${file}.1`), ['one', 'two']);
  assert.deepEqual(await read(file), ['three']);
  assert.deepEqual(written.length, 1);
});

test('what a file does not take goes to the standard error, with the reason once', async (t) => {
  const file = join(await makeFile(t), 'no/folder');
  for (const path of [file, '/dev/full']) {
    const { log, written } = setUp();
    log.follow({ ...json, file: path });
    log.log('info', 'one');
    log.log('info', 'two');
    const messages = written.map((line) => JSON.parse(line).message);
    assert.deepEqual(
      messages.filter((message) => message !== 'log cannot be written'),
      ['one', 'two'],
    );
    assert.equal(messages.length, 3);
  }
});
