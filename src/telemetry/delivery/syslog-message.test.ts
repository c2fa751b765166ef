import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSyslog } from '#test/support/syslog-parser.ts';
import { SyslogMessages, type SyslogMessagesOptions } from './syslog-message.ts';

const TIME = '2026-11-27T06:39:27.123Z';

function setUp(options: Partial<SyslogMessagesOptions> = {}) {
  let cuts = 0;
  const messages = new SyslogMessages({
    ...{ facility: 'local3', app: 'shop', host: 'gate-1', processId: 77, messageId: 'access', isNumbered: false },
    lengthMax: undefined,
    onCut: () => {
      cuts += 1;
    },
    ...options,
  });
  const toMessage = (text: string, severity = 6) => messages.toMessage(Buffer.from(`${TIME} ${severity} ${text}`));
  return { toMessage, countCuts: () => cuts };
}

test('a message has priority, time, host, application, process and kind before its text', () => {
  const { toMessage } = setUp();
  assert.deepEqual(parseSyslog(toMessage('{"a":"]\\" x"}', 3)), {
    ...{ facility: 19, severity: 3, time: TIME, host: 'gate-1', app: 'shop', processId: '77', messageId: 'access', data: {} },
    text: '{"a":"]\\" x"}',
  });
  assert.equal(toMessage('x'), `<158>1 ${TIME} gate-1 shop 77 access - x`);
});

test('facilities have the numbers of the standard', () => {
  for (const [facility, number] of [
    ['kern', 0],
    ['daemon', 3],
    ['authpriv', 10],
    ['local0', 16],
    ['local7', 23],
  ] as const)
    assert.equal(parseSyslog(setUp({ facility }).toMessage('x')).facility, number);
});

test('a host without a name that may be written has none, and a long one is cut', () => {
  assert.equal(parseSyslog(setUp({ host: 'über haus' }).toMessage('x')).host, 'berhaus');
  assert.equal(parseSyslog(setUp({ host: 'é' }).toMessage('x')).host, '-');
  assert.equal(parseSyslog(setUp({ host: 'h'.repeat(300) }).toMessage('x')).host.length, 255);
});

test('messages are numbered from 1 where that is wanted', () => {
  const { toMessage } = setUp({ isNumbered: true });
  const numbers = ['a', 'b', 'c'].map((text) => parseSyslog(toMessage(text)).data);
  assert.deepEqual(
    numbers,
    ['1', '2', '3'].map((sequenceId) => ({ meta: { sequenceId } })),
  );
});

test('a message that is longer than it may be is cut to that length, says so, and is counted', () => {
  const { toMessage, countCuts } = setUp({ lengthMax: 480 });
  const room = 480 - toMessage('').length;
  for (const length of [room - 1, room]) assert.equal(parseSyslog(toMessage('x'.repeat(length))).text, 'x'.repeat(length));
  assert.equal(countCuts(), 0);
  for (const length of [room + 1, 64 * 1024]) {
    const message = toMessage('x'.repeat(length));
    assert.equal(message.length, 480);
    assert.equal(parseSyslog(message).text, `${'x'.repeat(room - 5)}[cut]`);
  }
  assert.equal(countCuts(), 2);
});

test('without a bound nothing is cut', () => {
  const { toMessage, countCuts } = setUp();
  assert.equal(parseSyslog(toMessage('x'.repeat(300_000))).text.length, 300_000);
  assert.equal(countCuts(), 0);
});

test('the reader of tests refuses what is no message of the standard', () => {
  const good = `<158>1 ${TIME} h a 1 m - x`;
  parseSyslog(good);
  parseSyslog(`<0>1 - - - - - [a@1 b="\\]"][c d="e" f=""]`);
  for (const bad of [
    good.replace('158', '192'),
    good.replace('158', '058'),
    good.replace('>1', '>2'),
    good.replace('T06', ' 06'),
    good.replace('06:', '26:'),
    good.replace('Z', ''),
    good.replace(' h ', '  '),
    good.replace(' a ', ` ${'a'.repeat(49)} `),
    good.replace(' m ', ' é '),
    good.replace('- x', '-x'),
    good.replace('- x', '[a b=c] x'),
    good.replace('- x', '[a b="]"] x'),
    good.replace('- x', '[a][a] x'),
    good.replace('- x', 'x'),
    `${good}\n`,
  ])
    assert.throws(() => parseSyslog(bad), bad);
});
