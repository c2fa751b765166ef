import assert from 'node:assert/strict';
import test from 'node:test';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { success, unreachable, WatchedService } from '#test/support/outcomes.ts';
import { anyone, createServiceMeans } from '#test/support/services.ts';
import { EndpointBoard, EndpointFlag } from '../endpoint-board.ts';

const two = ['http://a', 'http://b'];
const four = ['http://a', 'http://b', 'http://c', 'http://d'];

test('an endpoint is left out after so many failures in a row, not one fewer, and comes back by itself', () => {
  const watched = new WatchedService(two);
  watched.tell(0, unreachable, 4);
  assert.deepEqual(watched.ejectedSeconds, [0, 0]);
  watched.tell(0, unreachable);
  assert.deepEqual(watched.ejectedSeconds, [10, 0]);
  for (let i = 0; i < 4; i++) assert.equal(watched.service.pick(anyone)?.authority, 'b');
  watched.advance(9_000);
  assert.equal(watched.service.pick(anyone)?.authority, 'b');
  watched.advance(1_200);
  assert.deepEqual(
    new Set([watched.service.pick(anyone)?.authority, watched.service.pick(anyone)?.authority]),
    new Set(['a', 'b']),
  );
});

test('a success between failures begins the count anew', () => {
  const watched = new WatchedService(two);
  watched.tell(0, unreachable, 4);
  watched.tell(0, success);
  watched.tell(0, unreachable, 4);
  assert.deepEqual(watched.ejectedSeconds, [0, 0]);
});

test('failures of two threads are counted together', () => {
  const means = createServiceMeans();
  const [one, other] = [new WatchedService(two, {}, means), new WatchedService(two, {}, means)];
  one.tell(0, unreachable, 3);
  other.tell(0, unreachable, 1);
  assert.deepEqual(one.ejectedSeconds, [0, 0]);
  other.tell(0, unreachable, 1);
  assert.deepEqual(one.ejectedSeconds, [10, 0]);
  assert.equal(one.service.pick(anyone)?.authority, 'b');
  assert.deepEqual([one.events.length, other.events.length], [0, 1]);
});

const failures = {
  'a status of a gateway': { status: 503 },
  'no connection': { error: upstreamErrors.connectTimeout() },
  'an answer that breaks off': { status: 200, error: upstreamErrors.truncatedBody() },
  'no answer in time': { error: upstreamErrors.firstByteTimeout() },
};
const others = {
  'an error of the service’s own': { status: 500 },
  'no room in the pool': { error: upstreamErrors.queueFull() },
  'an answer against the rules, which one odd request may bring about': { error: upstreamErrors.malformedAnswer() },
  'a client that left': { isCancelled: true },
};

for (const [name, told] of Object.entries(failures)) {
  test(`a failure is: ${name}`, () => {
    const watched = new WatchedService(two);
    watched.tell(1, told, 5);
    assert.deepEqual(watched.ejectedSeconds, [0, 10]);
  });
}

for (const [name, told] of Object.entries(others)) {
  test(`no failure is: ${name}`, () => {
    const watched = new WatchedService(two);
    watched.tell(1, told, 50);
    assert.deepEqual(watched.ejectedSeconds, [0, 0]);
  });
}

test('which statuses are failures is a setting', () => {
  const watched = new WatchedService(two, { statuses: [500] });
  watched.tell(0, { status: 503 }, 5);
  watched.tell(1, { status: 500 }, 5);
  assert.deepEqual(watched.ejectedSeconds, [0, 10]);
});

test('an attempt that nobody awaited to its end takes nothing back', () => {
  const watched = new WatchedService(two);
  watched.tell(0, unreachable, 4);
  watched.tell(0, { isCancelled: true });
  watched.tell(0, unreachable, 1);
  assert.deepEqual(watched.ejectedSeconds, [10, 0]);
});

test('whoever comes back is left out again by its first failure, each time for twice as long, up to the longest', () => {
  const watched = new WatchedService(two, { ejectionMsMax: 70_000 });
  watched.tell(0, unreachable, 5);
  const seconds = watched.ejectedSeconds[0]!;
  const lasted = [seconds];
  for (let i = 0; i < 4; i++) {
    watched.advance(lasted.at(-1)! * 1_000 + 1_000);
    watched.tell(0, unreachable);
    lasted.push(watched.ejectedSeconds[0]!);
  }
  assert.deepEqual(lasted, [10, 20, 40, 70, 70]);
});

test('each minute without an ejection takes one off, and a success ends the probation', () => {
  const watched = new WatchedService(two);
  watched.tell(0, unreachable, 5);
  watched.advance(11_000);
  watched.tell(0, unreachable);
  assert.deepEqual(watched.ejectedSeconds, [20, 0]);
  watched.advance(20_000 + 61_000);
  watched.tell(0, success);
  watched.tell(0, unreachable, 4);
  assert.deepEqual(watched.ejectedSeconds, [0, 0]);
  watched.tell(0, unreachable);
  assert.deepEqual(watched.ejectedSeconds, [20, 0]);
  watched.advance(20_000 + 121_000);
  watched.tell(0, unreachable);
  assert.deepEqual(watched.ejectedSeconds, [10, 0]);
});

test('what began before an ejection was over says nothing of whoever came back', () => {
  const watched = new WatchedService(two);
  watched.tell(0, unreachable, 5);
  watched.advance(10_500);
  watched.tell(0, { ...unreachable, tookMs: 600 }, 50);
  assert.deepEqual(watched.ejectedSeconds, [0, 0]);
  watched.tell(0, { ...unreachable, tookMs: 400 });
  assert.deepEqual(watched.ejectedSeconds, [20, 0]);
});

test('not more endpoints are left out than may be', () => {
  const watched = new WatchedService(four);
  for (const index of [0, 1, 2, 3]) watched.tell(index, unreachable, 5);
  assert.deepEqual(watched.ejectedSeconds, [10, 10, 0, 0]);
  watched.advance(10_100);
  watched.tell(3, unreachable);
  assert.deepEqual(watched.ejectedSeconds, [0, 0, 0, 10]);
});

test('one may be left out however small the share, and the last one never is', () => {
  const small = new WatchedService(two, { ejectedMax: 0.1 });
  small.tell(0, unreachable, 5);
  assert.deepEqual(small.ejectedSeconds, [10, 0]);
  const all = new WatchedService(four, { ejectedMax: 1 });
  for (const index of [0, 1, 2, 3]) all.tell(index, unreachable, 5);
  assert.deepEqual(all.ejectedSeconds, [10, 10, 10, 0]);
  const single = new WatchedService(['http://a']);
  single.tell(0, unreachable, 50);
  assert.deepEqual(single.ejectedSeconds, [0]);
});

test('an endpoint stays when the others cannot be picked anyway', () => {
  const watched = new WatchedService(['http://a', 'http://b', '0 http://c']);
  const { board } = watched.means;
  board.setFlag(watched.service.endpoints[1]!.slot, EndpointFlag.draining, true);
  watched.tell(0, unreachable, 5);
  assert.deepEqual(watched.ejectedSeconds, [0, 0, 0]);
  board.setFlag(watched.service.endpoints[1]!.slot, EndpointFlag.draining, false);
  watched.advance(1_000);
  watched.tell(0, unreachable);
  assert.deepEqual(watched.ejectedSeconds, [10, 0, 0]);
  board.setFlag(watched.service.endpoints[1]!.slot, EndpointFlag.unhealthy, true);
  assert.equal(watched.service.pick(anyone)?.authority, 'a');
});

test('a thread that died in the middle of a decision holds up the others until that is known', () => {
  const watched = new WatchedService(two);
  const { board } = watched.means;
  assert.ok(new EndpointBoard(board.memory, 1).beginDecision());
  watched.tell(0, unreachable, 5);
  assert.deepEqual(watched.ejectedSeconds, [0, 0]);
  board.forgetDeadThread(1);
  watched.tell(0, unreachable);
  assert.deepEqual(watched.ejectedSeconds, [10, 0]);
  assert.ok(board.beginDecision());
});

test('a thread that stands still in the middle of a decision is not overruled', (t) => {
  const watched = new WatchedService(two);
  const { board } = watched.means;
  const other = new WatchedService(two, {}, { ...watched.means, board: new EndpointBoard(board.memory, 1) });
  t.mock.method(
    board,
    'hasFlag',
    () => {
      watched.advance(5_000);
      other.tell(1, unreachable, 5);
      return false;
    },
    { times: 1 },
  );
  watched.tell(0, unreachable, 5);
  assert.deepEqual([watched.events.length, other.events.length], [1, 0]);
});

test('an endpoint is left out when too great a share of enough requests fails', () => {
  const watched = new WatchedService(two, { failureRate: 0.5 });
  for (let i = 0; i < 9; i++) {
    watched.tell(0, success);
    watched.tell(0, unreachable);
  }
  watched.tell(0, success);
  assert.deepEqual(watched.ejectedSeconds, [0, 0]);
  watched.tell(0, unreachable);
  assert.deepEqual(watched.ejectedSeconds, [10, 0]);
  assert.deepEqual(watched.events[0]!.fields, {
    service: 'orders',
    endpoint: 'http://a:80',
    reason: 'share of failures',
    failures: 10,
    attempts: 20,
    last: 'GH_UPSTREAM_UNREACHABLE',
    durationMs: 10_000,
    ejections: 1,
  });
});

test('a share of failures below the limit, and one that two windows only have together, is none', () => {
  const below = new WatchedService(two, { failureRate: 0.5 });
  for (let i = 0; i < 50; i++) {
    below.tell(0, success, 3);
    below.tell(0, unreachable, 2);
  }
  assert.deepEqual(below.ejectedSeconds, [0, 0]);
  const together = new WatchedService(two, { failureRate: 0.5, consecutiveFailures: 1_000 });
  for (let i = 0; i < 3; i++) {
    together.tell(0, unreachable, 19);
    together.advance(10_000);
  }
  assert.deepEqual(together.ejectedSeconds, [0, 0]);
});

test('an endpoint that answers much later than the others is left out at the end of the window', () => {
  const watched = new WatchedService(four, { latency: { factor: 3, floorMs: 100 } });
  const answerAll = (slowMs: number) => {
    for (const index of [0, 1, 2]) watched.tell(index, { ...success, tookMs: 40 + index }, 20);
    watched.tell(3, { ...success, tookMs: slowMs }, 20);
  };
  answerAll(120);
  watched.advance(10_000);
  answerAll(1_000);
  assert.deepEqual(watched.ejectedSeconds, [0, 0, 0, 0]);
  watched.advance(10_000);
  answerAll(1_000);
  assert.deepEqual(watched.ejectedSeconds, [0, 0, 0, 10]);
  const { reason, meanMs, othersMs } = watched.events[0]!.fields!;
  assert.deepEqual({ reason, meanMs, othersMs }, { reason: 'slow', meanMs: 1_000, othersMs: 41 });
});

test('nothing is slow below the floor, with too few requests, or beside others of which nothing is known', () => {
  const fast = new WatchedService(two, { latency: { factor: 3, floorMs: 100 } });
  const few = new WatchedService(two, { latency: { factor: 3, floorMs: 100 } });
  const alone = new WatchedService(two, { latency: { factor: 3, floorMs: 100 } });
  for (let i = 0; i < 3; i++) {
    fast.tell(0, { ...success, tookMs: 90 }, 20);
    fast.tell(1, { ...success, tookMs: 1 }, 20);
    few.tell(0, { ...success, tookMs: 9_000 }, 19);
    few.tell(1, { ...success, tookMs: 1 }, 20);
    alone.tell(0, { ...success, tookMs: 9_000 }, 20);
    for (const watched of [fast, few, alone]) watched.advance(10_000);
  }
  for (const watched of [fast, few, alone]) assert.deepEqual(watched.ejectedSeconds, [0, 0]);
});

test('an ejection and its end are logged once each, by the thread that decided', () => {
  const means = createServiceMeans();
  const [one, other] = [new WatchedService(two, {}, means), new WatchedService(two, {}, means)];
  one.tell(0, { status: 502 }, 5);
  other.tell(0, { status: 502 }, 50);
  means.clock.advance(10_300);
  for (const watched of [one, other]) watched.means.wheel.advance();
  assert.deepEqual(other.events, []);
  const fields = { service: 'orders', endpoint: 'http://a:80' };
  assert.deepEqual(one.events, [
    {
      level: 'warn',
      message: 'endpoint ejected',
      fields: { ...fields, reason: 'failures in a row', failures: 5, last: 'status 502', durationMs: 10_000, ejections: 1 },
    },
    { level: 'info', message: 'endpoint is back', fields },
  ]);
});
