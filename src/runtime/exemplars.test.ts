import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { type Exemplar, Exemplars, formatExemplar } from './exemplars.ts';

const END_MS = 1_700_000_000_123;
const labels = ['web', 'orders', 'shop'] as const;

function toExemplar(traceId: string, parts: Partial<Exemplar>): Exemplar {
  return { labels, traceId, spanId: 'b7ad6b7169203331', endMs: END_MS, durationMs: 5, ...parts };
}

test('of each bucket the latest one is named, an end of a bucket being within it', () => {
  const exemplars = new Exemplars();
  for (const [i, durationMs] of [0.5, 1, 1.01, 2.5, 30_000, 30_000.5, 99_999].entries())
    exemplars.add(toExemplar(`trace${i}`, { durationMs }));
  const named = exemplars.list(labels)!.map((exemplar) => /trace_id="(.*?)"/.exec(formatExemplar(exemplar, END_MS))?.[1]);
  assert.deepEqual(Object.entries(named), [
    ['0', 'trace1'],
    ['1', 'trace3'],
    ['13', 'trace4'],
    ['14', 'trace6'],
  ]);
  assert.equal(exemplars.list(['web', 'orders', '']), undefined);
});

test('one is named as OpenMetrics writes it, until it is too long ago', () => {
  const exemplars = new Exemplars();
  exemplars.add(toExemplar('0af7651916cd43dd8448eb211c80319c', { durationMs: 5 }));
  const [, , exemplar] = exemplars.list(labels)!;
  const text = ' # {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331"} 0.005 1700000000.123';
  assert.equal(formatExemplar(exemplar, END_MS + limits.exemplarMs), text);
  assert.equal(formatExemplar(exemplar, END_MS + limits.exemplarMs + 1), '');
  assert.equal(formatExemplar(undefined, END_MS), '');
});

test('series that come and go all the time take no more room than those that there may be', () => {
  const exemplars = new Exemplars();
  for (let i = 0; i <= limits.metricRoutesMax; i++) exemplars.add(toExemplar('trace', { labels: ['web', `r${i}`, ''] }));
  assert.equal(exemplars.list(['web', 'r0', '']), undefined);
  assert.ok(exemplars.list(['web', `r${limits.metricRoutesMax}`, '']) !== undefined);
});

test('a thread tells of the latest one of each bucket, and of none twice', () => {
  const exemplars = new Exemplars();
  for (const [i, durationMs] of [1, 1, 9, 1].entries()) exemplars.add(toExemplar(`trace${i}`, { durationMs }));
  exemplars.add(toExemplar('other', { labels: ['web', 'other', ''] }));
  const taken = exemplars.take().map(({ traceId }) => traceId);
  assert.deepEqual(taken, ['trace3', 'trace2', 'other']);
  assert.deepEqual(exemplars.take(), []);
});
