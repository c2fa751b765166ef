/** A store as a data thread has it, for tests without a gateway. */
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { RedisStore, type RedisStoreSettings } from '#stores/redis/redis-store.ts';
import { MovedClock } from './moved-clock.ts';
import { REDIS_HOST } from './redis-server.ts';

/** What gives up after a time in use: a connection that does not come, and an answer. The machine of a test may be busy. */
const GIVES_UP_MS_MIN = 1_000;
const PATIENCE_MS = 60_000;

export interface TestStore {
  readonly store: RedisStore;
  /** What it has logged: messages with their reasons. */
  readonly told: readonly string[];
  /** How long it has waited before it went on by itself, each time so far. */
  readonly delaysMs: readonly number[];
  /** All who wait for an answer now have waited for as long as they may. */
  timeOut(): void;
}

/** Waits for the first connection, or until it has failed. Is closed after the test. */
export async function openRedisStore(
  t: TestContext,
  port: number,
  settings: Partial<RedisStoreSettings> = {},
): Promise<TestStore> {
  const told: string[] = [];
  const delaysMs: number[] = [];
  const clock = new MovedClock();
  const givingUp = new Set<() => void>();
  const all: RedisStoreSettings = {
    address: `${REDIS_HOST}:${port}`,
    database: 0,
    username: undefined,
    password: undefined,
    timeoutMs: PATIENCE_MS,
    failuresMax: 5,
    pauseMs: 100,
    prefix: 'test:',
    settleEveryMs: 20,
    ...settings,
  };
  const store = new RedisStore(all, {
    clock,
    logger: { log: (_, message, fields) => void told.push([message, fields?.['reason'] ?? ''].join(': ')) },
    later: (delayMs, run) => {
      delaysMs.push(delayMs);
      const givesUp = delayMs >= GIVES_UP_MS_MIN;
      if (givesUp) givingUp.add(run);
      const timer = setTimeout(run, givesUp ? PATIENCE_MS : delayMs);
      return () => {
        givingUp.delete(run);
        clearTimeout(timer);
      };
    },
    connect: () => connect(port, REDIS_HOST),
    readyEvent: 'connect',
  });
  t.after(() => store.close());
  await store.firstAttempt;
  const timeOut = () => {
    clock.advance(all.timeoutMs);
    for (const run of [...givingUp]) run();
  };
  return { store, told, delaysMs, timeOut };
}
