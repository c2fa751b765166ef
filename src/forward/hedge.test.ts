import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { testForwardRules } from '#test/support/forward-rules.ts';
import { createServiceMeans, createTestService } from '#test/support/services.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import { Hedge, type HedgeOwner } from './hedge.ts';
import { Mirrors } from './mirrors.ts';

const AFTER_MS = 5;

interface Told {
  failed: number;
  readonly thrown: unknown[];
  onFailed: () => void;
}

/** One attempt runs at the first of four endpoints. Each that is started beside it finds no connection, and fails at once. */
function createHedge(t: TestContext, owner: Partial<HedgeOwner>) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const means = createServiceMeans();
  const pool = { connectionsMax: 0, queueMax: 0, queueTimeoutMs: 1_000, idleMs: 1_000 };
  const service = createTestService(['http://a', 'http://b', 'http://c', 'http://d'], { pool }, means);
  t.after(() => means.resolver.close());
  const hedgeRules = { after: { kind: 'fixed', ms: AFTER_MS }, attemptsMax: 3 } as const;
  service.retryBudget.onRequest();
  const asked = [service.endpoints[0]!];
  const told: Told = { failed: 0, thrown: [], onFailed: () => undefined };
  const attemptOwner: AttemptOwner = {
    onAttemptReady: () => undefined,
    onAttemptInformational: () => undefined,
    onAttemptHead: () => undefined,
    onAttemptChunk: () => undefined,
    onAttemptText: () => undefined,
    onAttemptFlush: () => undefined,
    onAttemptDrained: () => undefined,
    onAttemptEnd: () => undefined,
    onAttemptFailed() {
      told.failed += 1;
      told.onFailed();
    },
    isRequestWhole: true,
    isGrpc: false,
    encodeClientHeader: () => Buffer.alloc(0),
    nowMs: () => means.clock.monotonicMs(),
  };
  const hedge = new Hedge(
    hedgeRules,
    {
      service,
      rules: testForwardRules,
      fallback: undefined,
      affinities: undefined,
      importance: 'normal',
      means: { ...means, random: () => 0, mirrors: new Mirrors(means), services: new Map() },
    },
    {
      listAsked: () => asked,
      makeAttempt(endpoint) {
        asked.push(endpoint);
        return new Attempt(service, endpoint, attemptOwner);
      },
      onThrown: (thrown) => void told.thrown.push(thrown),
      ...owner,
    },
  );
  return { hedge, told };
}

test('one after the other is started beside a slow attempt, up to as many as may be', (t) => {
  const { hedge, told } = createHedge(t, {});
  hedge.start();
  for (const count of [1, 2, 3, 3]) {
    t.mock.timers.tick(AFTER_MS);
    assert.equal(told.failed, count);
  }
});

test('none is started any more when the exchange has ended in the middle of a start', (t) => {
  const { hedge, told } = createHedge(t, {});
  told.onFailed = () => hedge.end();
  hedge.start();
  for (let i = 0; i < 3; i++) t.mock.timers.tick(AFTER_MS);
  assert.equal(told.failed, 1);
});

test('what is thrown when its time has come is told to the owner', (t) => {
  const fault = new Error('a fault');
  const { hedge, told } = createHedge(t, {
    listAsked() {
      throw fault;
    },
  });
  hedge.start();
  t.mock.timers.tick(AFTER_MS);
  assert.deepEqual(told.thrown, [fault]);
});
