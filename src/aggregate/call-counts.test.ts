import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallCounts } from './call-counts.ts';

test('what several threads count comes together', () => {
  const counts = new CallCounts();
  const other = new CallCounts(counts.memory);
  counts.counterAt(1).count('ok', 5, 100);
  other.counterAt(1).count('ok', 5.001, 50);
  other.counterAt(1).count('fallback', 20_000, 0);
  counts.counterAt(1).count('skipped', 0, 0);
  const lines = counts
    .toMetrics([
      { route: 'a', call: 'x' },
      { route: 'a', call: 'y' },
    ])
    .split('\n');
  for (const line of [
    'gatehouse_aggregate_calls_total{route="a",call="x",outcome="ok"} 0',
    'gatehouse_aggregate_calls_total{route="a",call="y",outcome="ok"} 2',
    'gatehouse_aggregate_calls_total{route="a",call="y",outcome="skipped"} 1',
    'gatehouse_aggregate_calls_total{route="a",call="y",outcome="fallback"} 1',
    'gatehouse_aggregate_call_response_bytes_total{route="a",call="y"} 150',
    'gatehouse_aggregate_call_duration_seconds_bucket{route="a",call="y",le="0.005"} 1',
    'gatehouse_aggregate_call_duration_seconds_bucket{route="a",call="y",le="10"} 2',
    'gatehouse_aggregate_call_duration_seconds_bucket{route="a",call="y",le="+Inf"} 3',
    'gatehouse_aggregate_call_duration_seconds_sum{route="a",call="y"} 20.010001',
    'gatehouse_aggregate_call_duration_seconds_count{route="a",call="y"} 3',
  ])
    assert.ok(lines.includes(line), line);
});

test('sums go on beyond what one word holds', () => {
  const counts = new CallCounts();
  const counter = counts.counterAt(0);
  for (let i = 0; i < 3; i++) counter.count('ok', 1, 2 ** 31 + 1);
  assert.match(counts.toMetrics([{ route: 'a', call: 'x' }]), /bytes_total\{route="a",call="x"\} 6442450947\n/);
});

test('nothing is said where there is no aggregate', () => {
  assert.equal(new CallCounts().toMetrics([]), '');
});
