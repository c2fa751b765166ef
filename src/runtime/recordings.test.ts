import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noClient } from '#forward/no-client.ts';
import { Exchange } from '#http/exchange.ts';
import type { RecordedExchange } from '#telemetry/recording/recorded-exchange.ts';
import type { RecordingRules } from '#telemetry/recording/recording-rules.ts';
import { injectedRequest } from '#test/support/asked-request.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { RecordingCounts } from './recording-counts.ts';
import { Recordings } from './recordings.ts';

function toRules(id: number, parameters: readonly string[] = []): RecordingRules {
  return {
    id,
    sample: 1,
    routes: undefined,
    match: {},
    requestBytesMax: 0,
    answerBytesMax: 0,
    shownClient: 'full',
    redaction: { key: Buffer.from('key'), fields: [], parameters, places: [], hidesClient: false },
  };
}

function setUp() {
  const clock = new FakeClock();
  const told: { readonly id: number; readonly target: string }[] = [];
  const recordings = new Recordings({
    clock,
    tell: ({ id, line }) => void told.push({ id, target: (JSON.parse(line) as RecordedExchange).request.target }),
  });
  const { memory } = new RecordingCounts();
  const order = (...rules: RecordingRules[]) => recordings.follow({ kind: 'recordings', recordings: rules, counts: memory });
  const begin = (url: string) => {
    const identity = { requestId: 'r', startedMs: clock.monotonicMs() };
    const exchange = new Exchange(noClient, noClient, injectedRequest(url, []), identity);
    recordings.begin(exchange);
    return exchange;
  };
  const finish = (exchange: Exchange) => {
    recordings.finish(exchange);
    recordings.flush();
  };
  return { told, order, begin, finish };
}

test('what is under way when another recording begins is recorded, by what is to be redacted by then', () => {
  const { told, order, begin, finish } = setUp();
  order(toRules(1));
  const exchange = begin('/a?door=1');
  order(toRules(1, ['door']), toRules(2));
  finish(exchange);
  assert.deepEqual(
    told.map(({ id, target }) => [id, target.replace(/[0-9a-f]{16}$/, '')]),
    [[1, '/a?door=redacted:']],
  );
});

test('what is under way when its recording ends is not recorded', () => {
  const { told, order, begin, finish } = setUp();
  order(toRules(1));
  const exchange = begin('/a');
  order(toRules(2));
  finish(exchange);
  assert.deepEqual(told, []);
});
