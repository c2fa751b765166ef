import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodeData,
  encodeFrame,
  encodeGoaway,
  encodePing,
  encodeReset,
  encodeSettings,
  encodeSettingsAck,
  encodeWindowUpdate,
  Flag,
  FrameType,
} from '#test/support/http2-frames.ts';
import { readFrames, readingLimits } from '#test/support/http2-reading.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { FRAME_BYTES_MAX_INITIAL, PREFACE } from './frame-types.ts';

const start = Buffer.concat([Buffer.from(PREFACE), encodeSettings()]);

/** What follows the first settings. */
function read(...frames: readonly Buffer[]): string[] {
  const said = readFrames([Buffer.concat([start, ...frames])]);
  assert.equal(said[0], 'settings');
  return said.slice(1);
}

const bytes = (length: number) => Buffer.alloc(length, 'x');
const headers = (flags: number, payload: string | Buffer, stream = 1) =>
  encodeFrame(FrameType.headers, flags, stream, Buffer.from(payload as string, 'latin1'));
const continuation = (flags: number, payload: string, stream = 1) =>
  encodeFrame(FrameType.continuation, flags, stream, Buffer.from(payload, 'latin1'));

const frames: readonly (readonly [what: string, frame: Buffer | readonly Buffer[], said: readonly string[]])[] = [
  ['data', encodeData(1, 'abc'), ['data on 1: 3', '3 bytes: abc']],
  ['the last data', encodeData(1, 'abc', Flag.endStream), ['data on 1: 3', '3 bytes, the last: abc']],
  ['no data', encodeData(1, '', Flag.endStream), ['data on 1: 0', '0 bytes, the last: ']],
  ['padded data', encodeData(1, '\x02abc\0\0', Flag.padded), ['data on 1: 6', '3 bytes: abc']],
  ['data without padding that may have some', encodeData(1, '\0abc', Flag.padded), ['data on 1: 4', '3 bytes: abc']],
  ['padding alone', encodeData(1, '\x02\0\0', Flag.padded), ['data on 1: 3', '0 bytes: ']],
  ['an empty padding alone', encodeData(1, '\0', Flag.padded), ['data on 1: 1', '0 bytes: ']],
  ['a head', headers(Flag.endHeaders, 'abc'), ['head on 1: abc']],
  ['a last head', headers(Flag.endHeaders | Flag.endStream, 'abc'), ['head on 1, the last: abc']],
  ['an empty head', headers(Flag.endHeaders, ''), ['head on 1: ']],
  ['a padded head', headers(Flag.endHeaders | Flag.padded, '\x02abc\0\0'), ['head on 1: abc']],
  ['a head with a priority', headers(Flag.endHeaders | Flag.priority, '\0\0\0\x03\x10abc'), ['head on 1: abc']],
  ['a padded head with a priority', headers(0x2c, '\x01\0\0\0\x03\x10abc\0'), ['head on 1: abc']],
  ['a head in pieces', [headers(Flag.endStream, 'a'), continuation(0, 'b'), continuation(4, 'c')], ['head on 1, the last: abc']],
  ['a head in empty pieces', [headers(0, ''), continuation(0, ''), continuation(4, '')], ['head on 1: ']],
  ['a priority', encodeFrame(FrameType.priority, 0, 1, Buffer.from('\0\0\0\x03\x10', 'latin1')), ['priority']],
  ['a priority of a wrong length', encodeFrame(FrameType.priority, 0, 1, bytes(4)), ['fault of 1: 6']],
  ['a reset', encodeReset(5, 8), ['reset of 5: 8']],
  ['settings', encodeSettings({ 3: 100, 9: 0xffff_ffff }), ['setting 3: 100', 'setting 9: 4294967295', 'settings']],
  ['settings acknowledged', encodeSettingsAck(), ['settings acknowledged']],
  ['a ping', encodePing(0, Buffer.from('12345678')), ['ping 12345678']],
  ['a ping answered', encodePing(Flag.ack), ['ping answered']],
  ['goaway', encodeGoaway(7, 2, 'because'), ['goaway behind 7: 2']],
  ['a window of the connection', encodeWindowUpdate(0, 0x7fff_ffff), ['window of 0: 2147483647']],
  ['a window, its reserved bit set', encodeWindowUpdate(3, 0x8000_0001), ['window of 3: 1']],
  ['a window enlarged by nothing', encodeWindowUpdate(3, 0), ['fault of 3: 1']],
  ['a stream, its reserved bit set', encodeReset(0x8000_0005, 8), ['reset of 5: 8']],
  ['a type that nobody knows', encodeFrame(0xee, 0xff, 0, bytes(100)), ['unknown']],
  ['flags that nobody knows', encodeFrame(FrameType.ping, 0xfe, 0, bytes(8)), ['ping xxxxxxxx']],
];

for (const [what, frame, said] of frames) {
  test(`reads ${what}`, () => {
    const next = encodePing(0, Buffer.from('next one'));
    assert.deepEqual(read(...[frame].flat(), next), [...said, 'ping next one']);
  });
}

const faults: readonly (readonly [what: string, frame: Buffer | readonly Buffer[], fault: string])[] = [
  ['a frame that is too large', encodeFrame(FrameType.data, 0, 1, bytes(FRAME_BYTES_MAX_INITIAL + 1)), 'frameTooLarge'],
  ['an unknown frame that is too large', encodeFrame(0xee, 0, 1, bytes(FRAME_BYTES_MAX_INITIAL + 1)), 'frameTooLarge'],
  ['data of no stream', encodeData(0, 'abc'), 'streamOfFrame'],
  ['data with more padding than bytes', encodeData(1, '\x06abc\0\0', Flag.padded), 'padding'],
  ['data with as much padding as bytes', encodeData(1, '\x05\0\0\0\0', Flag.padded), 'padding'],
  ['data without the length of its padding', encodeData(1, '', Flag.padded), 'frameLength'],
  ['a head of no stream', headers(Flag.endHeaders, 'abc', 0), 'streamOfFrame'],
  ['a head with more padding than bytes', headers(Flag.endHeaders | Flag.padded, '\x04abc'), 'padding'],
  ['a head whose padding covers its priority', headers(0x2c, '\x01\0\0\0\x03\x10'), 'padding'],
  ['a head without the length of its padding', headers(Flag.endHeaders | Flag.padded, ''), 'frameLength'],
  ['a head without its priority', headers(Flag.endHeaders | Flag.priority, '\0\0\0\x03'), 'frameLength'],
  ['a head that depends on itself', headers(Flag.endHeaders | Flag.priority, '\0\0\0\x01\x10abc'), 'dependency'],
  ['a priority of no stream', encodeFrame(FrameType.priority, 0, 0, bytes(5)), 'streamOfFrame'],
  ['a priority of itself', encodeFrame(FrameType.priority, 0, 1, Buffer.from('\x80\0\0\x01\x10', 'latin1')), 'dependency'],
  ['a reset of no stream', encodeReset(0, 8), 'streamOfFrame'],
  ['a reset of a wrong length', encodeFrame(FrameType.rstStream, 0, 1, bytes(5)), 'frameLength'],
  ['settings of a stream', encodeFrame(FrameType.settings, 0, 1), 'streamOfFrame'],
  ['settings of a wrong length', encodeFrame(FrameType.settings, 0, 0, bytes(7)), 'frameLength'],
  ['settings acknowledged with more', encodeFrame(FrameType.settings, Flag.ack, 0, bytes(6)), 'frameLength'],
  ['too many settings', encodeFrame(FrameType.settings, 0, 0, bytes(33 * 6)), 'tooManySettings'],
  ['a promise', encodeFrame(FrameType.pushPromise, Flag.endHeaders, 1, bytes(8)), 'push'],
  ['a ping of a stream', encodeFrame(FrameType.ping, 0, 1, bytes(8)), 'streamOfFrame'],
  ['a ping of a wrong length', encodeFrame(FrameType.ping, 0, 0, bytes(7)), 'frameLength'],
  ['goaway of a stream', encodeFrame(FrameType.goaway, 0, 1, bytes(8)), 'streamOfFrame'],
  ['goaway of a wrong length', encodeFrame(FrameType.goaway, 0, 0, bytes(7)), 'frameLength'],
  ['a window of a wrong length', encodeFrame(FrameType.windowUpdate, 0, 0, bytes(3)), 'frameLength'],
  ['a window of the connection enlarged by nothing', encodeWindowUpdate(0, 0), 'windowIncrement'],
  ['CONTINUATION without a head', continuation(Flag.endHeaders, 'abc'), 'continuation'],
  ['CONTINUATION behind a whole head', [headers(Flag.endHeaders, 'a'), continuation(4, 'b')], 'continuation'],
  ['CONTINUATION of another stream', [headers(0, 'a'), continuation(4, 'b', 3)], 'continuation'],
  ['data within a head', [headers(0, 'a'), encodeData(1, 'abc')], 'continuation'],
  ['an unknown frame within a head', [headers(0, 'a'), encodeFrame(0xee, 0, 1)], 'continuation'],
  ['another head within a head', [headers(0, 'a'), headers(4, 'b')], 'continuation'],
  ['a head that is too long', [headers(0, bytes(16_000)), ...Array(2).fill(continuation(0, 'x'.repeat(16_000)))], 'headTooLong'],
  ['a head in too many pieces', [headers(0, ''), ...Array(30).fill(continuation(0, ''))], 'tooManyContinuations'],
];

for (const [what, frame, fault] of faults) {
  test(`takes nothing behind ${what}`, () => {
    const said = read(...[frame].flat(), encodePing());
    assert.equal(said.at(-1), `fault: ${fault}`);
    assert.equal(said.filter((line) => line.startsWith('fault')).length, 1);
  });
}

test('a head as long as may be, in as many pieces as may be, is read', () => {
  const pieces = readingLimits.continuationsMax;
  const piece = 'x'.repeat(readingLimits.blockBytesMax / pieces);
  const said = read(headers(0, piece), ...Array(pieces - 2).fill(continuation(0, piece)), continuation(4, piece));
  assert.deepEqual(said, [`head on 1: ${piece.repeat(pieces)}`]);
});

test('a frame as large as it may be is read', () => {
  const text = 'x'.repeat(FRAME_BYTES_MAX_INITIAL);
  assert.deepEqual(read(encodeData(3, text)), [`data on 3: ${text.length}`, `${text.length} bytes: ${text}`]);
});

test('as many settings in one frame as may be are read', () => {
  const said = read(encodeFrame(FrameType.settings, 0, 0, Buffer.alloc(readingLimits.settingsMax * 6)));
  assert.equal(said.length, readingLimits.settingsMax + 1);
});

const beginnings: readonly (readonly [what: string, bytes: Buffer, fault: string])[] = [
  ['another preface', Buffer.from('PRI * HTTP/2.0\r\n\r\nXM\r\n\r\n'), 'preface'],
  ['a request of HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'preface'],
  ['a first frame that is no settings', Buffer.concat([Buffer.from(PREFACE), encodePing()]), 'firstFrame'],
  ['settings that are acknowledged first', Buffer.concat([Buffer.from(PREFACE), encodeSettingsAck()]), 'firstFrame'],
];

for (const [what, beginning, fault] of beginnings) {
  test(`takes nothing behind ${what}`, () => {
    assert.deepEqual(readFrames([Buffer.concat([beginning, encodePing()])]), [`fault: ${fault}`]);
  });
}

test('a server begins with its settings, and a preface is none', () => {
  const readServer = (...pieces: readonly Buffer[]) =>
    readFrames(pieces, readingLimits, (limits, events) => new FrameDecoder(limits, events, 'server'));
  assert.deepEqual(readServer(encodeSettings(), encodeData(1, 'abc')), ['settings', 'data on 1: 3', '3 bytes: abc']);
  assert.deepEqual(readServer(encodePing()), ['fault: firstFrame']);
  assert.deepEqual(readServer(start), ['fault: firstFrame']);
});
