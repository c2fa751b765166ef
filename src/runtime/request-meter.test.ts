import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { OTHER_LABEL, readSeries, ThreadMeter } from '#base/meter.ts';
import { clientErrors } from '#http/client-errors.ts';
import type { ExchangePlan } from '#http/exchange.ts';
import { meterFamilies } from './meter-families.ts';
import type { RemovedNamesOrder } from './removed-names.ts';
import { type CountedExchange, RequestMeter, RouteCell } from './request-meter.ts';

interface Bench {
  readonly meter: RequestMeter;
  /** What the first number of a series is, by its family and labels. */
  list(family: string): Record<string, number>;
  cellsOf(family: string, labels: string): Float64Array;
}

function setUp(own = new ThreadMeter()): Bench {
  const found = (family: string) => readSeries(own.memory, meterFamilies).filter((series) => series.family.name === family);
  return {
    meter: new RequestMeter(own),
    list: (family) => Object.fromEntries(found(family).map(({ labels, at }) => [labels.join(' '), own.cells[at]!])),
    cellsOf(family, labels) {
      const series = found(family).find((each) => each.labels.join(' ') === labels);
      assert.ok(series !== undefined, `${family} ${labels}`);
      return own.cells.slice(series.at, series.at + series.family.cellCount);
    },
  };
}

const plan: ExchangePlan = { routeName: 'orders' };

function toExchange(parts: Partial<CountedExchange> = {}): CountedExchange {
  return {
    attempts: 1,
    error: undefined,
    finishedMs: 1_012,
    isTunnel: false,
    plan: { ...plan },
    request: { listener: 'web', method: 'GET' },
    requestBytes: 0,
    responseBytes: 10,
    serviceName: 'shop',
    startedMs: 1_000,
    status: 200,
    ...parts,
  };
}

function run(meter: RequestMeter, exchange: CountedExchange): void {
  if (exchange.plan !== undefined) meter.begin(exchange, exchange.plan);
  meter.finish(exchange);
}

test('an exchange is in flight from when its plan is known until it is over', () => {
  const { meter, list } = setUp();
  const exchange = toExchange();
  meter.begin(exchange, exchange.plan!);
  meter.begin(exchange, exchange.plan!);
  assert.deepEqual(list('in-flight'), { 'web orders': 2 });
  meter.finish(exchange);
  assert.deepEqual(list('in-flight'), { 'web orders': 1 });
});

test('one that is refused before it has a plan is counted, and never was in flight', () => {
  const { meter, list } = setUp();
  const error = clientErrors.malformedRequest({ reason: 'test' });
  for (let i = 0; i < 3; i++) run(meter, toExchange({ plan: undefined, serviceName: undefined, status: 400, error }));
  assert.deepEqual(list('request'), { 'web   GET 400': 3 });
  assert.deepEqual(list('in-flight'), { 'web ': 0 });
  assert.deepEqual(list('error'), { [error.code]: 3 });
});

test('listeners, services, methods and statuses of one plan are told apart, in whatever order they come', () => {
  const { meter, list } = setUp();
  const shared: ExchangePlan = { ...plan };
  const kinds = ['web shop GET 200', 'web shop POST 200', 'web stock GET 200', 'inner shop GET 200', 'web shop GET 503'];
  for (let round = 0; round < 4; round++)
    for (const kind of kinds) {
      const [listener = '', serviceName = '', method = '', status = ''] = kind.split(' ');
      run(meter, toExchange({ plan: shared, request: { listener, method }, serviceName, status: Number(status) }));
    }
  assert.deepEqual(list('request'), Object.fromEntries(kinds.map((kind) => [kind.replace(' ', ' orders '), 4])));
});

test('durations, sizes and further attempts are added up; a tunnel has no duration', () => {
  const { meter, cellsOf } = setUp();
  run(meter, toExchange({ requestBytes: 5, attempts: 3 }));
  run(meter, toExchange({ isTunnel: true, finishedMs: 9_999_999, status: 101 }));
  const cells = cellsOf('route', 'web orders shop');
  assert.equal(cells[RouteCell.seconds], 0.012);
  assert.deepEqual([cells[RouteCell.requestBytes], cells[RouteCell.responseBytes]], [5, 20]);
  assert.deepEqual([cells[RouteCell.furtherAttempts], cells[RouteCell.tunnels]], [2, 1]);
  assert.deepEqual([...cells.slice(RouteCell.classes, RouteCell.seconds)], [0, 1, 1, 0, 0, 0]);
  assert.equal(
    cells.slice(RouteCell.buckets).reduce((sum, count) => sum + count, 0),
    1,
  );
});

test('of a route only so many statuses are told one by one, and methods that nobody knows together', () => {
  const { meter, list } = setUp();
  const shared: ExchangePlan = { ...plan };
  for (let status = 100; status < 1_000; status++) run(meter, toExchange({ plan: shared, status }));
  const statuses = Object.entries(list('request')).map(([labels, count]) => [labels.split(' ').at(-1)!, count] as const);
  assert.equal(statuses.length, limits.metricStatusesMax + 6);
  assert.equal(
    statuses.reduce((sum, [, count]) => sum + count, 0),
    900,
  );
  assert.equal(Object.fromEntries(statuses)['5xx'], 100);
  for (let i = 0; i < 50; i++)
    run(meter, toExchange({ plan: shared, request: { listener: 'web', method: `M${i}` }, status: 100 }));
  assert.equal(list('request')['web orders shop other 100'], 50);
});

test('routes without room are counted together', () => {
  const { meter, cellsOf } = setUp();
  for (let i = 0; i < limits.metricRoutesMax + 7; i++) run(meter, toExchange({ plan: { routeName: `r${i}` } }));
  const other = cellsOf('route', `${OTHER_LABEL} ${OTHER_LABEL} ${OTHER_LABEL}`);
  assert.equal(other[RouteCell.classes + 2], 7);
});

function toRemoved(names: Partial<Record<'listeners' | 'routes' | 'services', readonly string[]>>): RemovedNamesOrder {
  const { listeners = [], routes = [], services = [] } = names;
  return { kind: 'removed-names', listeners: new Set(listeners), routes: new Set(routes), services: new Set(services) };
}

test('routes that come and go all the time always have room', () => {
  const { meter, list } = setUp();
  for (let i = 0; i < 3 * limits.metricRoutesMax; i++) {
    run(meter, toExchange({ plan: { routeName: `r${i}` } }));
    run(meter, toExchange({ plan: { routeName: `r${i}` }, status: 500 }));
    if (i >= 10) meter.forget(toRemoved({ routes: [`r${i - 10}`] }));
  }
  const left = Array.from({ length: 10 }, (_, i) => 3 * limits.metricRoutesMax - 10 + i);
  assert.deepEqual(Object.keys(list('in-flight')).sort(), left.map((i) => `web r${i}`).sort());
  assert.deepEqual(
    Object.keys(list('request')).sort(),
    left.flatMap((i) => [`web r${i} shop GET 200`, `web r${i} shop GET 500`]).sort(),
  );
  assert.deepEqual(Object.keys(list('route')).sort(), left.map((i) => `web r${i} shop`).sort());
});

test('a removed route keeps its places for as long as something is under way on them, and starts anew when it comes back', () => {
  const { meter, list } = setUp();
  const exchange = toExchange();
  meter.begin(exchange, exchange.plan!);
  run(meter, toExchange());
  meter.forget(toRemoved({ routes: ['orders'] }));
  meter.look();
  run(meter, toExchange({ plan: { routeName: 'others' } }));
  assert.deepEqual(list('in-flight'), { 'web orders': 1, 'web others': 0 });
  meter.finish(exchange);
  assert.deepEqual(list('request'), { 'web orders shop GET 200': 2, 'web others shop GET 200': 1 });
  meter.look();
  assert.deepEqual(list('request'), { 'web others shop GET 200': 1 });
  run(meter, toExchange());
  run(meter, exchange);
  assert.deepEqual(list('request'), { 'web others shop GET 200': 1, 'web orders shop GET 200': 2 });
  assert.deepEqual(list('in-flight'), { 'web others': 0, 'web orders': 0 });
});

test('a service or a listener that is removed leaves the others of its routes as they are', () => {
  const { meter, list } = setUp();
  const inner = { listener: 'inner', method: 'GET' };
  const running = toExchange({ serviceName: 'old' });
  meter.begin(running, running.plan!);
  for (const serviceName of ['first', 'old', 'last']) run(meter, toExchange({ serviceName }));
  run(meter, toExchange({ request: inner }));
  meter.forget(toRemoved({ listeners: ['inner'], services: ['old'] }));
  assert.deepEqual(list('request'), { 'web orders first GET 200': 1, 'web orders last GET 200': 1 });
  assert.deepEqual(list('in-flight'), { 'web orders': 1 });
  meter.finish(running);
  assert.deepEqual(list('request'), {
    'web orders first GET 200': 1,
    'web orders last GET 200': 1,
    'web orders old GET 200': 1,
  });
  meter.forget(toRemoved({ services: ['old'] }));
  assert.deepEqual(Object.keys(list('route')).sort(), ['web orders first', 'web orders last']);
});

test('what a thread before this one has counted is forgotten too', () => {
  const before = new ThreadMeter();
  const first = setUp(before);
  for (const routeName of ['gone', 'orders']) run(first.meter, toExchange({ plan: { routeName } }));
  const { meter, list } = setUp(new ThreadMeter(before.memory).resume(meterFamilies));
  meter.forget(toRemoved({ routes: ['gone'] }));
  run(meter, toExchange());
  assert.deepEqual(list('request'), { 'web orders shop GET 200': 2 });
  assert.deepEqual([Object.keys(list('route')), list('in-flight')], [['web orders shop'], { 'web orders': 0 }]);
});

test('what a route that stays counts after its only listener is gone is released with that of others', () => {
  const { meter, list } = setUp();
  const planned = { ...plan };
  const on = (listener: string, parts: Partial<CountedExchange> = {}) =>
    run(meter, toExchange({ plan: planned, request: { listener, method: 'GET' }, ...parts }));
  const unplanned = { plan: undefined, serviceName: undefined, status: 404 };
  for (const listener of ['one', 'two', 'three']) {
    on(listener);
    on(listener, unplanned);
    meter.forget(toRemoved({ listeners: [listener] }));
    assert.deepEqual([list('in-flight'), list('route'), list('request')], [{}, {}, {}]);
  }
});
