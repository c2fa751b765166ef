import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { logLevels } from '#base/logger.ts';
import { syslogTargetSchema } from '#config/access-log/syslog-target-schema.ts';
import { EventLog } from '#telemetry/event-log.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import type { EventLines, EventObserved } from './access-log-messages.ts';
import { toLoggerSettings } from './logger-settings.ts';

const HEAD = '2031-05-07T11:13:17.719Z';

function setUp(format?: 'json' | 'text') {
  const written: string[] = [];
  const told: EventLines[] = [];
  let unsent = 0;
  const log = new EventLog({ clock: new FakeClock(), write: (line) => void written.push(line), isTerminal: true });
  const to = syslogTargetSchema.parse({ syslog: 'tcp://logs.example.com' });
  const tell = (observed: EventObserved) => {
    if (observed.kind === 'event-lines') told.push(observed);
    else unsent += 1;
  };
  log.follow(toLoggerSettings({ log: { level: 'debug', format, to } }, tell));
  const lines = () => told.map(({ bytes }) => Buffer.from(bytes).toString());
  return { log, written, told, lines, countUnsent: () => unsent };
}

test('events are handed over with their time and severity, as JSON also at a terminal', () => {
  const { log, lines, written } = setUp();
  for (const level of logLevels) log.log(level, 'x');
  assert.deepEqual(
    lines(),
    [7, 6, 4, 3].map((severity, i) => `${HEAD} ${severity} {"time":"${HEAD}","level":"${logLevels[i]}","message":"x"}\n`),
  );
  assert.deepEqual(written, []);
});

test('whatever stands in an event, it is one line of ASCII that says the same', () => {
  const { log, lines } = setUp();
  const hard = `a\nb\r\0\u007f\u0085é\u2028😀${'ü'.repeat(64 * 1024)}`;
  log.log('info', 'odd', { hard });
  const [line] = lines();
  assert.match(line!, /^[\x20-\x7e]+\n$/);
  assert.ok(JSON.parse(line!.slice(HEAD.length + 3)).hard === hard, 'it is the same');
});

test('an event for people is one line of ASCII, with the places of its error', () => {
  const { log, lines } = setUp('text');
  const error = new RangeError('bäd');
  error.stack = 'RangeError: bäd\n    at here (file.ts:1)';
  log.log('error', 'odd', { error });
  assert.match(lines()[0]!, / 3 2031-05-07 11:13:17\.719 ERROR odd +error="b\\u00e4d"\\u000a {4}at here \(file\.ts:1\)\n$/);
});

test('events that there is no room for go to the standard error, and are counted', () => {
  const { log, told, written, countUnsent } = setUp();
  const filling = 'x'.repeat(limits.accessLogPendingBytesMax / 4);
  for (let i = 0; i < 4; i++) log.log('warn', `${i}`, { filling });
  assert.deepEqual([told.length, written.length], [3, 1]);
  assert.equal(countUnsent(), 1);
  assert.match(written[0]!, /"message":"3"/);
  const { bytes, waiting } = told[0]!;
  Atomics.sub(waiting, 0, bytes.length);
  log.log('warn', 'room again', { filling });
  assert.deepEqual([told.length, written.length], [4, 1]);
});
