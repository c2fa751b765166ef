/** The store against a real server, which is slow, away, full, or another one than it should be. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ADMITTED, type AllowanceRule, type StoreAllowance } from '#base/allowances.ts';
import { systemClock } from '#base/clock.ts';
import { StoreFailed } from '#base/key-value-store.ts';
import { silentLogger } from '#base/logger.ts';
import { eventually, eventuallyAnswers } from '#test/support/eventually.ts';
import { checkKeyValueStore } from '#test/support/key-value-store-contract.ts';
import { needs } from '#test/support/programs.ts';
import { REDIS_HOST, RedisServer } from '#test/support/redis-server.ts';
import { openRedisStore } from '#test/support/redis-store.ts';
import { provideAllowanceMemory } from '../allowance-table.ts';
import { SharedAllowances } from '../shared-allowances.ts';

const redis = needs('redis-server');
const perDay = (limit: number, burst = limit): AllowanceRule => ({ limit, windowMs: 86_400_000, burst });
const perSecond = (limit: number, burst = limit): AllowanceRule => ({ limit, windowMs: 1_000, burst });

async function takeMany(allowance: StoreAllowance, key: string, count: number): Promise<(number | undefined)[]> {
  return Promise.all(Array.from({ length: count }, async () => (await allowance.take(key))?.refusing));
}

const countAdmitted = (outcomes: readonly (number | undefined)[]) => outcomes.filter((refusing) => refusing === ADMITTED).length;

test('keeps values until their time is over, and what is not there is not there', redis, async (t) => {
  const server = await RedisServer.start(t);
  const { store } = await openRedisStore(t, server.port);
  await checkKeyValueStore(store);
  await store.set('text', 'grüße', 60_000);
  const leftMs = Number(await server.ask('PTTL', 'test:value:text'));
  assert.ok(leftMs > 50_000 && leftMs <= 60_000, `${leftMs}`);
});

test('a strict limit is exact over several stores that ask at once', redis, async (t) => {
  const server = await RedisServer.start(t);
  const stores = await Promise.all([1, 2, 3].map(() => openRedisStore(t, server.port)));
  const rules = [perDay(100), perDay(50)];
  const outcomes = await Promise.all(
    stores.map(({ store }) => takeMany(store.open('route login by ip', rules), '198.51.100.7', 40)),
  );
  assert.equal(countAdmitted(outcomes.flat()), 50);
  assert.deepEqual([...new Set(outcomes.flat())].sort(), [ADMITTED, 1]);
  const decision = await stores[0]!.store.open('route login by ip', rules).take('198.51.100.7');
  assert.equal(decision?.refusing, 1);
  // What one refuses takes nothing from the other.
  assert.equal(decision.remaining(0), 50);
  assert.equal(decision.remaining(1), 0);
  const spacingMs = 86_400_000 / 50;
  assert.ok(decision.nextInMs(1) > spacingMs - 60_000 && decision.nextInMs(1) <= spacingMs, `${decision.nextInMs(1)}`);
  assert.ok(decision.restoredInMs(1) > 86_400_000 - 60_000 && decision.restoredInMs(1) <= 86_400_000);
  assert.equal(decision.nextInMs(0), 0);
});

test('counts apart what has another key, name or rule, and keys are short and go by themselves', redis, async (t) => {
  const server = await RedisServer.start(t);
  const { store } = await openRedisStore(t, server.port);
  const secret = `hunter2 ${'x'.repeat(60_000)}`;
  const taken = [
    await store.open('a', [perDay(1)]).take(secret),
    await store.open('b', [perDay(1)]).take(secret),
    await store.open('a', [perDay(2)]).take(secret),
    await store.open('a', [perDay(1)]).take(`${secret}}`),
    await store.open('a', [perSecond(1_000), perSecond(2_000)]).take(secret),
  ];
  assert.deepEqual([...new Set(taken.map((decision) => decision?.refusing))], [ADMITTED]);
  assert.equal((await store.open('a', [perDay(1)]).take(secret))?.refusing, 0);
  const keys = (await server.ask('KEYS', '*')).split('\n');
  for (const key of keys) assert.match(key, /^test:rate:\{[\w-]{43}\}:\d+:\d+:\d+$/);
  assert.ok(keys.length >= 4);
  for (const key of keys.filter((name) => name.includes(':86400000:'))) {
    const leftMs = Number(await server.ask('PTTL', key));
    assert.ok(leftMs > 0 && leftMs <= 86_400_000, `${key} ${leftMs}`);
  }
});

test('one comes back when its time has passed on the clock of the server', redis, async (t) => {
  const server = await RedisServer.start(t);
  const { store } = await openRedisStore(t, server.port);
  const allowance = store.open('fast', [perSecond(20, 1)]);
  let admitted = 0;
  let refused = 0;
  const startMs = performance.now();
  while (admitted < 5 || refused < 5) {
    const decision = await allowance.take('it');
    assert.ok(decision);
    if (decision.refusing === ADMITTED) admitted += 1;
    else refused += 1;
  }
  const mayMs = performance.now() - startMs;
  assert.ok(admitted <= 1 + mayMs / 50 + 1, `${admitted} in ${mayMs} ms`);
});

test('a script that was flushed is sent again, and nobody notices', redis, async (t) => {
  const server = await RedisServer.start(t);
  const { store, told } = await openRedisStore(t, server.port);
  const allowance = store.open('flushed', [perDay(1_000)]);
  const outcomes: (number | undefined)[] = [];
  for (let i = 0; i < 5; i++) {
    const flushed = server.ask('SCRIPT', 'FLUSH');
    outcomes.push(...(await takeMany(allowance, 'it', 100)));
    await flushed;
  }
  assert.equal(countAdmitted(outcomes), 500);
  assert.equal((await allowance.take('it'))?.remaining(0), 499);
  assert.deepEqual(told, []);
});

test('what is no count stands in the way of nobody: a text counts as nothing, another kind of key fails', redis, async (t) => {
  const server = await RedisServer.start(t);
  const { store, told } = await openRedisStore(t, server.port);
  const allowance = store.open('odd', [perDay(3)]);
  await allowance.take('it');
  const key = await server.ask('KEYS', '*');
  for (const text of ['', 'text', 'nan', '-inf', '-5', '{}']) {
    await server.ask('SET', key, text);
    assert.equal((await allowance.take('it'))?.remaining(0), 2, text);
  }
  // As where the clock of the server was put back: limited, and not for longer than a burst takes.
  for (const text of ['inf', '1e30', '9007199254740992']) {
    await server.ask('SET', key, text);
    const decision = await allowance.take('it');
    assert.equal(decision?.refusing, 0, text);
    assert.ok(decision.restoredInMs(0) <= 86_400_000);
  }
  await server.ask('DEL', key);
  await server.ask('LPUSH', key, 'item');
  assert.equal(await allowance.take('it'), undefined);
  assert.match(told.join(), /^store refuses commands: WRONGTYPE/);
  await assert.rejects(
    store
      .get('x')
      .then(() => server.ask('LPUSH', 'test:value:list', 'x'))
      .then(() => store.get('list')),
    StoreFailed,
  );
});

test('a server without memory refuses, and that is no limit', redis, async (t) => {
  const server = await RedisServer.start(t, { args: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'] });
  const { store, told } = await openRedisStore(t, server.port);
  assert.equal(await store.open('full', [perDay(3)]).take('it'), undefined);
  await assert.rejects(store.set('a', 'b', 1_000), StoreFailed);
  assert.match(told.join(), /^store refuses commands: OOM/);
  assert.ok(store.isReady);
});

test('a password that is wrong or missing is told, without the password, until it is right', redis, async (t) => {
  const server = await RedisServer.start(t, { args: ['--requirepass', 'right-one'] });
  const wrong = await openRedisStore(t, server.port, { password: 'wrong-one' });
  assert.equal(wrong.store.isReady, false);
  assert.equal(wrong.store.open('a', [perDay(1)]).take('it'), undefined);
  await assert.rejects(wrong.store.get('a'), new StoreFailed('the store is away'));
  assert.match(wrong.told[0]!, /^store is away: WRONGPASS/);
  assert.ok(!wrong.told.join().includes('wrong-one'));
  const missing = await openRedisStore(t, server.port);
  assert.match(missing.told[0]!, /^store is away: NOAUTH/);
  const right = await openRedisStore(t, server.port, { password: 'right-one', username: 'default', database: 3 });
  await right.store.set('a', 'b', 60_000);
  assert.deepEqual(right.told, []);
  assert.equal(await server.ask('-a', 'right-one', '--no-auth-warning', '-n', '3', 'GET', 'test:value:a'), 'b');
  // The same reason again and again is told once.
  await server.ask('-a', 'right-one', '--no-auth-warning', 'CONFIG', 'SET', 'requirepass', 'wrong-one');
  await eventually(() => wrong.store.isReady, 'it is let in');
  assert.deepEqual(wrong.told.slice(1), ['store answers again: ']);
});

test('while a server is away nobody waits, and when it is back it is used again', redis, async (t) => {
  const server = await RedisServer.start(t);
  const { store, told } = await openRedisStore(t, server.port);
  const allowance = store.open('killed', [perDay(10)]);
  assert.equal((await allowance.take('it'))?.refusing, ADMITTED);
  await server.kill();
  await eventually(() => !store.isReady, 'the loss is seen');
  assert.equal(allowance.take('it'), undefined);
  await server.run();
  await eventually(() => store.isReady, 'it is there again');
  assert.equal((await allowance.take('it'))?.remaining(0), 9);
  assert.match(told[0]!, /^store is away: /);
  assert.equal(told.at(-1), 'store answers again: ');
});

test(
  'a server that hangs is waited for so many times, each no longer than the time-out, and then not at all',
  redis,
  async (t) => {
    const server = await RedisServer.start(t);
    const { store, told, timeOut } = await openRedisStore(t, server.port, { timeoutMs: 5_000, failuresMax: 3 });
    const allowance = store.open('hangs', [perDay(10)]);
    // The first one loads the script.
    await allowance.take('it');
    server.signal('SIGSTOP');
    t.after(() => server.signal('SIGCONT'));
    const takeInVain = () => {
      const taking = allowance.take('it');
      assert.ok(taking, 'it is waited for');
      timeOut();
      return taking;
    };
    assert.equal(await takeInVain(), undefined);
    assert.equal(await takeInVain(), undefined);
    assert.ok(store.isReady);
    assert.equal(await takeInVain(), undefined);
    assert.ok(!store.isReady);
    assert.equal(allowance.take('it'), undefined);
    assert.deepEqual(told, ['store is away: no answer within 5000 ms, 3 times in a row']);
    server.signal('SIGCONT');
    await eventually(() => store.isReady, 'it is used again');
    // Those that nobody waited for may have been counted: each at most once.
    const left = (await allowance.take('it'))?.remaining(0);
    assert.ok(left !== undefined && left >= 5 && left <= 8, `${left}`);
  },
);

test('an answer that comes too late is nobody’s, and the next one is not taken for it', redis, async (t) => {
  const server = await RedisServer.start(t);
  const { store, timeOut } = await openRedisStore(t, server.port, { failuresMax: 100 });
  await store.set('a', 'of a', 60_000);
  await store.set('b', 'of b', 60_000);
  server.signal('SIGSTOP');
  const late = assert.rejects(store.get('a'), new StoreFailed('the store did not answer in time'));
  timeOut();
  await late;
  server.signal('SIGCONT');
  assert.equal((await store.get('b'))?.toString(), 'of b');
});

/** Whatever is asked, it says this. */
async function startBabbler(t: TestContext, answer: (socket: Socket, asked: string) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (view) => answer(socket, view.toString('latin1')));
  });
  server.listen(0, REDIS_HOST);
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

for (const [name, answer] of Object.entries({
  'another protocol': 'HTTP/1.1 400 Bad Request\r\n\r\n',
  'two answers for one question': '+OK\r\n+OK\r\n+OK\r\n',
  'a length without end': '$99999999999\r\n',
  'a length that is none': '$-7\r\n',
  'a list without end': '*99999999\r\n',
  'lists in lists': '*1\r\n'.repeat(10),
  'a value that is longer than it says': '$1\r\nabc\r\n',
  'a line without end': `+${'x'.repeat(10_000)}`,
})) {
  test(`a server that answers ${name} is left`, async (t) => {
    const port = await startBabbler(t, (socket, asked) => void socket.write(asked.includes('PING') ? '+PONG\r\n' : answer));
    const { store, told } = await openRedisStore(t, port);
    assert.ok(store.isReady);
    await assert.rejects(Promise.all([store.get('a'), store.get('b')]), StoreFailed);
    await eventually(() => told.length > 0, 'it is told');
    assert.match(told[0]!, /^store is away: /);
  });
}

test('an answer of the wrong kind is a failure, not a decision', async (t) => {
  for (const answer of [
    ':1\r\n',
    '*2\r\n:-1\r\n$1\r\na\r\n',
    '*1\r\n:-1\r\n',
    '*3\r\n:-1\r\n:1\r\n:1\r\n',
    '*2\r\n:-2\r\n:1\r\n',
    '$-1\r\n',
    '*-1\r\n',
    '*0\r\n',
  ]) {
    const port = await startBabbler(t, (socket, asked) => void socket.write(asked.includes('PING') ? '+PONG\r\n' : answer));
    const { store } = await openRedisStore(t, port);
    assert.equal(await store.open('a', [perDay(1)]).take('it'), undefined, answer);
  }
});

test('closing answers what was asked, and asks nothing more', redis, async (t) => {
  const server = await RedisServer.start(t);
  const { store } = await openRedisStore(t, server.port);
  await store.set('a', 'b', 60_000);
  const asked = store.get('a');
  store.close();
  assert.equal((await asked)?.toString(), 'b');
  await assert.rejects(store.get('a'), new StoreFailed('the store is away'));
});

/** Processes that have nothing in common but the store. */
async function openLocalFirst(t: TestContext, port: number, count: number, rules: readonly AllowanceRule[]) {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { store } = await openRedisStore(t, port);
      const allowances = new SharedAllowances(provideAllowanceMemory(1_000), silentLogger);
      const allowance = store.openLocalFirst('place', rules, allowances.openRaisable('place', rules));
      return { store, allowance };
    }),
  );
}

test('local first, each process admits at most a burst of its own, and then hears of the others', redis, async (t) => {
  const server = await RedisServer.start(t);
  const processes = await openLocalFirst(t, server.port, 3, [perDay(40)]);
  const take = (count: number) =>
    processes.map(({ allowance }) =>
      countAdmitted(Array.from({ length: count }, () => allowance.take('it', systemClock.monotonicMs()))),
    );
  assert.deepEqual(take(10), [10, 10, 10]);
  const sum = () =>
    processes.map(({ allowance }) => {
      // A look that may take one is no look: the reading is that of the last call.
      return allowance.remaining(0);
    });
  assert.deepEqual(sum(), [30, 30, 30]);
  // Whoever takes another one settles and hears of all.
  await eventually(() => take(1).every((admitted) => admitted === 0), 'nobody is let pass any more');
  const taken = await server.ask('KEYS', '*');
  // What was let pass last is settled a moment later.
  await eventuallyAnswers(async () => {
    const leftMs = Number(await server.ask('PTTL', taken));
    const counted = Math.round(leftMs / (86_400_000 / 40));
    // Each of three may have let pass what it did not know of: at most a burst, and far less where they settle in between.
    assert.ok(counted >= 40 && counted <= 3 * 40, `${counted}`);
  });
});

test('local first, what is owed is paid: over a longer time no more is let pass than the limit says', redis, async (t) => {
  const server = await RedisServer.start(t);
  const processes = await openLocalFirst(t, server.port, 2, [perSecond(100, 20)]);
  const startMs = performance.now();
  let admitted = 0;
  const lookFor = 600;
  // Where nobody asks for longer than it takes until a burst is whole again, no more than that may come of it.
  const burstWithinMs = 200;
  let askedMs = 0;
  for (let lastMs = startMs; askedMs < lookFor; ) {
    const nowMs = performance.now();
    askedMs += Math.min(nowMs - lastMs, burstWithinMs);
    lastMs = nowMs;
    for (const { allowance } of processes) if (allowance.take('it', systemClock.monotonicMs()) === ADMITTED) admitted += 1;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const seconds = (performance.now() - startMs) / 1_000;
  // As the page on rate limits says: two gateways, a burst of 20, 100 in a second, settled each 20 ms.
  const answeredWithinS = 0.1;
  const heardWithinS = 3 * (0.02 + answeredWithinS);
  const bound = 20 + 100 * seconds + 2 * (20 + 100 * heardWithinS);
  assert.ok(admitted <= bound, `${admitted} of at most ${bound}`);
  assert.ok(admitted >= (100 * askedMs * 0.8) / 1_000, `${admitted} in ${askedMs} ms`);
});

test('local first, a store that is away changes nothing for who asks', async (t) => {
  const [process] = await openLocalFirst(t, 1, 1, [perDay(3)]);
  const outcomes = Array.from({ length: 4 }, () => process!.allowance.take('it', systemClock.monotonicMs()));
  assert.deepEqual(outcomes, [ADMITTED, ADMITTED, ADMITTED, 0]);
});
