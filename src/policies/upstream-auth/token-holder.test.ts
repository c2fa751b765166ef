import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '#base/errors.ts';
import type { LogFields } from '#base/logger.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import type { IssuedToken } from './token-answer.ts';
import { TokenHolder } from './token-holder.ts';
import type { TokenRequest } from './token-request.ts';

/** An issuer that answers when the test says so. */
function createBench() {
  const clock = new FakeClock();
  const logged: (LogFields | undefined)[] = [];
  const asked: PromiseWithResolvers<IssuedToken | string>[] = [];
  const request: Pick<TokenRequest, 'send' | 'server'> = {
    server: 'https://login.example.com/token',
    send() {
      const next = Promise.withResolvers<IssuedToken | string>();
      asked.push(next);
      return next.promise;
    },
  };
  const logger = { log: (_level: string, _message: string, fields?: LogFields) => void logged.push(fields) };
  const holder = new TokenHolder(request as TokenRequest, { clock, logger, random: () => 0 });
  /** Answers the question that was asked last. */
  const answer = async (given: IssuedToken | string) => {
    asked.at(-1)!.resolve(given);
    await new Promise(setImmediate);
  };
  return { clock, logged, asked, holder, answer };
}

const token = (text: string, lifetimeMs = 100_000) => ({ text, lifetimeMs });

test('requests that come together wait for one token', async () => {
  const { holder, asked, answer } = createBench();
  const waiting = [holder.prepare(), holder.prepare(), holder.prepare()];
  assert.equal(asked.length, 1);
  await answer(token('one'));
  assert.deepEqual(await Promise.all(waiting), [undefined, undefined, undefined]);
  assert.equal(holder.value, 'Bearer one');
  assert.equal(holder.prepare(), undefined);
  assert.equal(asked.length, 1);
});

test('a new token is asked for ahead, and nobody waits for it', async () => {
  const { clock, holder, asked, answer } = createBench();
  void holder.prepare();
  await answer(token('one'));
  clock.advance(79_999);
  assert.equal(holder.prepare(), undefined);
  assert.equal(asked.length, 1);
  clock.advance(1);
  assert.equal(holder.prepare(), undefined);
  assert.equal(holder.prepare(), undefined);
  assert.equal(asked.length, 2);
  assert.equal(holder.value, 'Bearer one');
  await answer(token('two'));
  assert.equal(holder.value, 'Bearer two');
});

test('while nobody issues tokens, the present one is used until shortly before it expires', async () => {
  const { clock, holder, asked, answer, logged } = createBench();
  void holder.prepare();
  await answer(token('one'));
  clock.advance(80_000);
  assert.equal(holder.prepare(), undefined);
  await answer('ECONNREFUSED');
  assert.deepEqual(logged.at(-1), {
    server: 'https://login.example.com/token',
    reason: 'ECONNREFUSED',
    retryInMs: 1_000,
    hasToken: true,
  });
  clock.advance(14_999);
  assert.equal(holder.prepare(), undefined);
  assert.equal(holder.value, 'Bearer one');
  await answer('ECONNREFUSED');
  clock.advance(1);
  assert.ok(holder.prepare() instanceof GatewayError);
  assert.throws(
    () => holder.value,
    (error: GatewayError) => error.code === 'GH_UPSTREAM_AUTH_NO_TOKEN',
  );
  assert.equal(asked.length, 3);
});

test('failures are followed by longer and longer pauses, in which requests are refused at once', async () => {
  const { clock, holder, asked, answer, logged } = createBench();
  for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    const waiting = holder.prepare();
    await answer('status 500');
    const error = await waiting;
    assert.deepEqual([error?.status, error?.retryAfterMs], [503, pauseMs]);
    assert.equal(logged.at(-1)?.['retryInMs'], pauseMs);
    assert.equal(logged.at(-1)?.['hasToken'], false);
    const before = asked.length;
    clock.advance(pauseMs - 1);
    const refused = holder.prepare();
    assert.ok(refused instanceof GatewayError);
    assert.equal(refused.retryAfterMs, 1);
    assert.equal(asked.length, before);
    clock.advance(1);
  }
  const waiting = holder.prepare();
  await answer(token('one'));
  assert.equal(await waiting, undefined);
  // From the beginning again.
  clock.advance(99_000);
  void holder.prepare();
  await answer('status 500');
  assert.equal(logged.at(-1)?.['retryInMs'], 1_000);
});

test('a token that a service refuses is replaced, once in half a minute', async () => {
  const { clock, holder, asked, answer } = createBench();
  void holder.prepare();
  await answer(token('one'));
  clock.advance(1_000);
  holder.onRefused(clock.monotonicMs());
  const waiting = holder.prepare();
  assert.ok(waiting instanceof Promise);
  // Requests that are on their way already go on.
  assert.equal(holder.value, 'Bearer one');
  await answer(token('two'));
  assert.equal(await waiting, undefined);
  assert.equal(holder.value, 'Bearer two');
  clock.advance(29_999);
  holder.onRefused(clock.monotonicMs());
  assert.equal(holder.prepare(), undefined);
  clock.advance(1);
  holder.onRefused(clock.monotonicMs());
  assert.ok(holder.prepare() instanceof Promise);
  assert.equal(asked.length, 3);
});

test('a request from before a token came says nothing against it', async () => {
  const { clock, holder, asked, answer } = createBench();
  const startedMs = clock.monotonicMs();
  holder.onRefused(startedMs);
  clock.advance(1);
  void holder.prepare();
  await answer(token('one'));
  holder.onRefused(startedMs);
  assert.equal(holder.prepare(), undefined);
  assert.equal(asked.length, 1);
});

test('a refused token is used where there is no other', async () => {
  const { clock, holder, asked, answer } = createBench();
  void holder.prepare();
  await answer(token('one'));
  clock.advance(1);
  holder.onRefused(clock.monotonicMs());
  const waiting = holder.prepare();
  await answer('status 500');
  assert.equal(await waiting, undefined);
  assert.equal(holder.value, 'Bearer one');
  assert.equal(holder.prepare(), undefined);
  assert.equal(asked.length, 2);
});

test('a token of one second is used for most of it', async () => {
  const { clock, holder, answer } = createBench();
  void holder.prepare();
  await answer(token('one', 1_000));
  clock.advance(899);
  assert.equal(holder.value, 'Bearer one');
  clock.advance(1);
  assert.ok(holder.prepare() instanceof Promise);
});
