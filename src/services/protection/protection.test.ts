import assert from 'node:assert/strict';
import test from 'node:test';
import { createServiceMeans, createTestService, SERVICE_SLOT } from '#test/support/services.ts';
import type { Candidate } from './gate.ts';
import { ServiceProtection } from './protection.ts';

/** A service whose breaker is about to let its only probe through. */
function createHalfOpen(endpoints: { count: number }) {
  const means = createServiceMeans();
  const breaker = { per: 'service', failureShare: 0.5, overMs: 10_000, requestsMin: 1, openForMs: 400, probes: 1 } as const;
  const protection = new ServiceProtection(
    { breaker, concurrency: undefined, slot: SERVICE_SLOT },
    { ...means, service: 'orders', endpoints: { count: () => endpoints.count, hasOneBelow: () => endpoints.count > 0 } },
  );
  const told: string[] = [];
  const candidate: Candidate = {
    exchange: { hold: () => undefined },
    enter: () => void told.push('enter'),
    refuse: ({ code }) => void told.push(code),
  };
  return { protection, candidate, told, means };
}

test('no probe is spent where there is no endpoint that could be asked', () => {
  const endpoints = { count: 0 };
  const { protection, candidate, told, means } = createHalfOpen(endpoints);
  openBreaker(protection, means.clock.monotonicMs());
  protection.admit(candidate, 'normal');
  means.clock.advance(500);
  for (let i = 0; i < 2; i++) protection.admit(candidate, 'normal');
  endpoints.count = 1;
  for (let i = 0; i < 2; i++) protection.admit(candidate, 'normal');
  const circuitOpen = 'GH_SERVICE_CIRCUIT_OPEN';
  assert.deepEqual(told, [circuitOpen, 'enter', 'enter', 'enter', circuitOpen]);
});

function openBreaker(protection: ServiceProtection, nowMs: number): void {
  const times = { startedMs: nowMs, headMs: nowMs, endedMs: nowMs };
  const [endpoint] = createTestService(['http://a']).endpoints;
  protection.onAttemptEnded({ endpoint: endpoint!, ...times, status: 500, error: undefined, isCancelled: false });
}
