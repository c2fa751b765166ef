import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LineSettings } from '#config/access-log/line-settings.ts';
import { clientErrors } from '#http/client-errors.ts';
import { type ClientRequest, type ClientSide, Exchange, type ExchangePlan } from '#http/exchange.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { loggedRequest } from '#test/support/logged-exchange.ts';
import { AccessLog } from './access-log.ts';
import { compileLineFormat } from './lines/compile-line-format.ts';
import { LineChoice } from './lines/line-choice.ts';
import { LineTime } from './lines/line-time.ts';
import { Redactor } from './lines/redactor.ts';

interface Told {
  readonly request?: Partial<ClientRequest>;
  readonly change?: (exchange: Exchange) => void;
  readonly tookMs?: number;
}

function setUp(settings: LineSettings = {}, chance = () => 0) {
  const clock = new FakeClock();
  const batches: string[] = [];
  let hasRoom = true;
  const sink = {
    write(bytes: Buffer) {
      if (hasRoom) batches.push(bytes.toString('utf8'));
      return hasRoom;
    },
  };
  const time = new LineTime(clock);
  const means = { time, redactor: new Redactor(settings.redact), configuration: 'c1' };
  const choice = new LineChoice(settings, chance);
  const log = new AccessLog({ sink, format: compileLineFormat(settings, means), choice });
  const add = ({ request: changed = {}, change, tookMs = 0 }: Told = {}) => {
    const start = { requestId: 'id-1', startedMs: clock.monotonicMs() };
    const exchange = new Exchange(
      {} as ClientSide,
      { onExchangeFinished: (each) => log.add(each) },
      { ...loggedRequest, ...changed },
      start,
    );
    exchange.status = 200;
    change?.(exchange);
    clock.advance(tookMs);
    exchange.finish(clock.monotonicMs());
  };
  const lines = () => {
    log.flush();
    const text = batches.join('');
    return text === ''
      ? []
      : text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  return { clock, log, time, batches, add, lines, setRoom: (room: boolean) => (hasRoom = room) };
}

const plan = (routeName: string): ExchangePlan => ({ routeName });

test('a line has the time of day at which the request came, and durations of the steady clock', () => {
  const { add, lines } = setUp();
  add({ tookMs: 12.3456 });
  assert.deepEqual(lines(), [
    {
      time: '2031-05-07T11:13:17.719Z',
      id: 'id-1',
      client: '192.0.2.7',
      listener: 'web',
      protocol: 'HTTP/1.1',
      method: 'GET',
      host: 'shop.example',
      target: '/a?b=1',
      status: 200,
      requestBytes: 0,
      responseBytes: 0,
      durationMs: 12.346,
    },
  ]);
});

test('a clock that is set shows in the lines once it is looked at, and in no duration', () => {
  const { add, clock, lines, time } = setUp();
  clock.jumpWallTo(Date.UTC(2040, 0, 1));
  time.refresh();
  add({ tookMs: 5 });
  const [line] = lines();
  assert.equal(line?.['time'], '2040-01-01T00:00:00.000Z');
  assert.equal(line?.['durationMs'], 5);
});

test('times within one second and over its end are told apart', () => {
  const { add, clock, lines } = setUp();
  for (let i = 0; i < 3; i++) {
    add();
    clock.advance(141);
  }
  assert.deepEqual(
    lines().map(({ time }) => String(time).slice(17)),
    ['17.719Z', '17.860Z', '18.001Z'],
  );
});

test('a line names route, service and endpoint of its own exchange', () => {
  const { add, lines } = setUp();
  const shared = plan('r');
  const route = (serviceName: string | undefined, endpointName: string | undefined) => (exchange: Exchange) =>
    Object.assign(exchange, { plan: shared, serviceName, endpointName });
  add({ change: route('a', 'http://same') });
  add({ change: route('b', 'http://same') });
  add({ change: route('b', 'http://other') });
  add({ change: route(undefined, undefined) });
  add({ change: route('b', undefined) });
  assert.deepEqual(
    lines().map(({ route: name, service, endpoint }) => [name, service, endpoint]),
    [
      ['r', 'a', 'http://same'],
      ['r', 'b', 'http://same'],
      ['r', 'b', 'http://other'],
      ['r', undefined, undefined],
      ['r', 'b', undefined],
    ],
  );
});

test('a line tells repeated attempts, fallbacks, tunnels, the wait for the upstream and the error', () => {
  const { add, lines } = setUp();
  add({
    tookMs: 20,
    change: (exchange) => {
      exchange.attempts = 2;
      exchange.fallbackReason = 'GH_UPSTREAM_UNREACHABLE';
      exchange.cacheResult = 'stale-on-error';
      exchange.isTunnel = true;
      exchange.upstreamHeadMs = exchange.startedMs + 7.5;
      exchange.error = upstreamErrors.queueFull({ queueMax: 1, connectionsMax: 2 });
    },
  });
  const [line] = lines();
  assert.equal(line?.['attempts'], 2);
  assert.equal(line?.['fallback'], 'GH_UPSTREAM_UNREACHABLE');
  assert.equal(line?.['cache'], 'stale-on-error');
  assert.equal(line?.['tunnel'], true);
  assert.equal(line?.['upstreamMs'], 7.5);
  assert.equal(line?.['code'], 'GH_UPSTREAM_QUEUE_FULL');
  assert.deepEqual(line?.['detail'], { queueMax: 1, connectionsMax: 2 });
});

test('a line tells what a policy would have refused, with its reason', () => {
  const { add, lines } = setUp();
  add({
    change: (exchange) => {
      exchange.reported = clientErrors.gone({ list: 'deny', rule: '192.0.2.0/24' });
    },
  });
  add();
  const [first, second] = lines();
  assert.deepEqual(first?.['reported'], { code: clientErrors.gone.kind.code, detail: { list: 'deny', rule: '192.0.2.0/24' } });
  assert.deepEqual([first?.['code'], first?.['detail'], second?.['reported']], [undefined, undefined, undefined]);
});

test('quotes, backslashes and what is not ASCII stay what they are', () => {
  const { add, lines } = setUp();
  const targets = ['/"', '/\\', '/\\"', '/","status":500,"x":"', "/'<>", '/%22'];
  for (const target of targets) add({ request: { target } });
  add({
    request: { clientAddress: 'unix:/"ü', listener: 'é' },
    change: (exchange) => {
      exchange.plan = plan('Größe "1"');
    },
  });
  const read = lines();
  assert.deepEqual(
    read.slice(0, -1).map(({ target }) => target),
    targets,
  );
  assert.equal(read.at(-1)?.['client'], 'unix:/"ü');
  assert.equal(read.at(-1)?.['route'], 'Größe "1"');
  assert.ok(read.every(({ status }) => status === 200));
});

test('lines that fill a batch are written before the next flush, each line once', () => {
  const { add, batches, lines } = setUp();
  const target = `/${'x'.repeat(1000)}`;
  for (let i = 0; i < 600; i++) add({ request: { target: `${target}${i}` } });
  assert.ok(batches.length > 0);
  assert.ok(batches.every((batch) => batch.endsWith('\n')));
  assert.deepEqual(
    lines().map((line) => String(line['target']).slice(1001)),
    Array.from({ length: 600 }, (_, i) => String(i)),
  );
});

test('lines that the sink does not take are counted until somebody asks', () => {
  const { add, log, setRoom, lines } = setUp();
  setRoom(false);
  add();
  add();
  log.flush();
  setRoom(true);
  add();
  assert.equal(lines().length, 1);
  assert.equal(log.takeDroppedCount(), 2);
  assert.equal(log.takeDroppedCount(), 0);
});

test('a flush without lines lets the sink try again', () => {
  const { batches, log } = setUp();
  log.flush();
  assert.deepEqual(batches, ['']);
});
