/** A store as a data thread has it, for tests without a gateway. */
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { RedisStore, type RedisStoreSettings } from '#stores/redis/redis-store.ts';
import { REDIS_HOST } from './redis-server.ts';

export interface TestStore {
  readonly store: RedisStore;
  /** What it has logged: messages with their reasons. */
  readonly told: readonly string[];
}

/** Waits for the first connection, or until it has failed. Is closed after the test. */
export async function openRedisStore(
  t: TestContext,
  port: number,
  settings: Partial<RedisStoreSettings> = {},
): Promise<TestStore> {
  const told: string[] = [];
  const all: RedisStoreSettings = {
    address: `${REDIS_HOST}:${port}`,
    database: 0,
    username: undefined,
    password: undefined,
    // Longer than in use: the machine of a test may be busy.
    timeoutMs: 2_000,
    failuresMax: 5,
    pauseMs: 100,
    prefix: 'test:',
    settleEveryMs: 20,
    ...settings,
  };
  const store = new RedisStore(all, {
    clock: systemClock,
    logger: { log: (_, message, fields) => void told.push([message, fields?.['reason'] ?? ''].join(': ')) },
    later: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    connect: () => connect(port, REDIS_HOST),
    readyEvent: 'connect',
  });
  t.after(() => store.close());
  await store.firstAttempt;
  return { store, told };
}
