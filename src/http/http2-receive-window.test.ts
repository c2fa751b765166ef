import assert from 'node:assert/strict';
import test from 'node:test';
import { Http2AnswerWindows } from './http2-answer-windows.ts';
import { ReceiveWindow } from './http2-receive-window.ts';

const KIB = 1024;

test('a peer may send what the window has, and what is empty in any case', () => {
  const window = new ReceiveWindow(100);
  assert.equal(window.take(100), true);
  assert.equal(window.take(0), true);
  assert.equal(window.take(1), false);
});

test('the peer is told when half of the window has been used', () => {
  const window = new ReceiveWindow(100);
  window.take(80);
  assert.equal(window.use(49), 0);
  assert.equal(window.use(1), 50);
  assert.equal(window.take(70), true);
  assert.equal(window.take(1), false);
});

test('a window that becomes small is opened at once by what was too little for the large one', () => {
  const window = new ReceiveWindow(1_000);
  window.take(400);
  assert.equal(window.use(400), 0);
  assert.equal(window.resize(100), 400);
  window.shift(-900);
  assert.equal(window.take(100), true);
  assert.equal(window.take(1), false);
});

/** Stands for an answer, of which only the window matters. */
function answer(windows: Http2AnswerWindows) {
  const window = windows.create();
  return {
    window,
    resizeWindow: (bytesMax: number) => window.resize(bytesMax),
    shiftWindow: (bytes: number) => window.shift(bytes),
  };
}

test('an upstream is held to a smaller window only when it has taken note of it', () => {
  const windows = new Http2AnswerWindows();
  assert.equal(windows.choose(1_000), undefined, 'the first settings are still under way');
  windows.onSettingsAck([]);
  const before = answer(windows);
  assert.equal(windows.choose(100), 256 * KIB);
  windows.tell(256 * KIB, [before]);
  const meanwhile = answer(windows);
  for (const { window } of [before, meanwhile]) assert.equal(window.take(300 * KIB), true);
  assert.equal(windows.choose(1_000), undefined, 'settings are under way');
  windows.onSettingsAck([before, meanwhile]);
  for (const { window } of [before, meanwhile]) assert.equal(window.take(1), false);
  const after = answer(windows);
  assert.equal(after.window.take(256 * KIB), true);
  assert.equal(after.window.take(1), false);
});

test('an upstream may use a larger window as soon as it has been told', () => {
  const windows = new Http2AnswerWindows();
  windows.onSettingsAck([]);
  windows.tell(64 * KIB, []);
  windows.onSettingsAck([]);
  assert.equal(windows.choose(40), undefined, 'not back at once');
  assert.equal(windows.choose(10), 1024 * KIB);
  const one = answer(windows);
  windows.tell(1024 * KIB, [one]);
  assert.equal(one.window.take(1024 * KIB), true);
  assert.equal(one.window.take(1), false);
});
