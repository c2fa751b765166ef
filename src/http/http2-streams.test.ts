import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { Http2Streams } from './http2-streams.ts';

test('a stream is idle, open, and then it has ended', () => {
  const streams = new Http2Streams<string>();
  assert.equal(streams.placeOf(1), 'idle');
  streams.begin(1);
  streams.add(1, 'first');
  assert.deepEqual([streams.get(1), streams.count], ['first', 1]);
  streams.remove(1);
  assert.deepEqual([streams.get(1), streams.count, streams.placeOf(1), streams.placeOf(3)], [undefined, 0, 'ended', 'idle']);
});

test('ids that were passed over are told apart from those that were not', () => {
  const streams = new Http2Streams<string>();
  streams.begin(1);
  streams.begin(3);
  assert.equal(streams.placeOf(1), 'ended');
  streams.begin(7);
  assert.equal(streams.placeOf(5), 'passed-over');
});

test('of the streams that were left, the newest are known, and those before them may have been', () => {
  const streams = new Http2Streams<string>();
  const ids = Array.from({ length: limits.http2StreamsLeftMax + 1 }, (_, i) => 4 * i + 1);
  for (const id of ids) {
    streams.begin(id);
    streams.begin(id + 2);
    streams.leave(id);
  }
  assert.ok(ids.every((id) => streams.placeOf(id) === 'left'));
  // Older than everything that is known.
  assert.equal(streams.placeOf(ids[0]! + 2), 'ended');
  streams.leave(ids.at(-1)! + 2);
  assert.equal(streams.placeOf(ids[0]! + 2), 'left');
  assert.equal(streams.placeOf(ids[1]! + 2), 'ended');
});
