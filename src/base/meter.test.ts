import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMeterMemory, OTHER_LABEL, readOverflowCount, readSeries, type SeriesFamily, ThreadMeter } from './meter.ts';

const visits: SeriesFamily = { name: 'visits', labels: ['place', 'who'], cellCount: 3, gaugesFrom: 2, seriesMax: 3 };
const families = [visits];

function labelsOf(meter: ThreadMeter): string[] {
  return readSeries(meter.memory, families).map(({ labels }) => labels.join(' '));
}

test('a series has its place once, and others find what was added there', () => {
  const meter = new ThreadMeter();
  const at = meter.take(visits, ['shop "1"', 'ann\n']);
  assert.equal(meter.take(visits, ['shop "1"', 'ann\n']), at);
  assert.notEqual(meter.take(visits, ['shop "1"', 'bob']), at);
  meter.cells[at]! += 2 ** 40;
  const [found] = readSeries(meter.memory, families);
  assert.deepEqual([found?.labels, found?.at], [['shop "1"', 'ann\n'], at]);
  assert.equal(meter.cells[at], 2 ** 40);
});

test('what has no room is counted with all others, and that is counted', () => {
  const meter = new ThreadMeter();
  const places = Array.from({ length: 10 }, (_, i) => meter.take(visits, ['shop', String(i)]));
  assert.equal(new Set(places).size, visits.seriesMax + 1);
  assert.ok(places.slice(visits.seriesMax).every((at) => at === places.at(-1)));
  assert.deepEqual(labelsOf(meter), ['shop 0', 'shop 1', 'shop 2', `${OTHER_LABEL} ${OTHER_LABEL}`]);
  assert.equal(readOverflowCount(meter.memory), 10 - visits.seriesMax);
});

test('a released place is free for another series, with nothing in it, once nobody uses it any more', () => {
  const meter = new ThreadMeter();
  const at = meter.take(visits, ['shop', 'short']);
  meter.take(visits, ['shop', 'short']);
  meter.cells[at] = 7;
  meter.release(visits, ['shop', 'short']);
  assert.deepEqual(labelsOf(meter), ['shop short']);
  meter.release(visits, ['shop', 'short']);
  assert.deepEqual(labelsOf(meter), []);
  const longer = 'a longer text than the one before, so that it stands somewhere else'.repeat(3);
  assert.equal(meter.take(visits, ['shop', longer]), at);
  assert.equal(meter.cells[at], 0);
  assert.deepEqual(labelsOf(meter), [`shop ${longer}`]);
});

test('series that come and go all the time need no more memory than those that are there', () => {
  const meter = new ThreadMeter();
  for (let i = 0; i < 100_000; i++) {
    assert.notEqual(meter.take(visits, ['shop', `guest ${i}`]), 0);
    meter.release(visits, ['shop', `guest ${i}`]);
  }
  assert.equal(readOverflowCount(meter.memory), 0);
});

test('whoever follows a thread goes on counting where it has stopped, without what was of the moment', () => {
  const memory = makeMeterMemory();
  const first = new ThreadMeter(memory);
  const at = first.take(visits, ['shop', 'ann']);
  first.take(visits, ['shop', 'bob']);
  first.cells.set([5, 6, 1], at);
  first.cells.fill(0, at + visits.gaugesFrom, at + visits.cellCount);
  const second = new ThreadMeter(memory).resume(families);
  assert.equal(second.take(visits, ['shop', 'ann']), at);
  assert.deepEqual([...second.cells.slice(at, at + 3)], [5, 6, 0]);
  const other = second.take(visits, ['shop', 'cid']);
  assert.ok(other > at + visits.cellCount);
  assert.equal(second.take(visits, ['shop', 'dan']), second.take(visits, ['shop', 'eve']));
});
