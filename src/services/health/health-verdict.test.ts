import assert from 'node:assert/strict';
import test from 'node:test';
import { HealthVerdict } from './health-verdict.ts';

const thresholds = { healthyAfter: 2, unhealthyAfter: 3 };

/** `+` is a check that went well, `-` one that failed; the states after each of them by their first letters. */
function follow(checks: string, verdict = new HealthVerdict()): string {
  return [...checks]
    .map((check) => (verdict.add(check === '+', thresholds) ? verdict.state[0]!.toUpperCase() : verdict.state[0]!))
    .join('');
}

test('nothing is known before the first check, which decides by itself', () => {
  assert.equal(new HealthVerdict().state, 'unknown');
  assert.equal(follow('+'), 'H');
  assert.equal(follow('-'), 'U');
});

test('so many checks in a row change the state, and not one fewer', () => {
  assert.equal(follow('+--'), 'Hhh');
  assert.equal(follow('+---'), 'HhhU');
  assert.equal(follow('-+'), 'Uu');
  assert.equal(follow('-++'), 'UuH');
});

test('a check that agrees with the state begins the count anew', () => {
  assert.equal(follow('+--+--+---'), 'HhhhhhhhhU');
  assert.equal(follow('-+-+-++'), 'UuuuuuH');
});

test('once checks are of another kind, the next one decides and the state stays until then', () => {
  const verdict = new HealthVerdict();
  follow('-', verdict);
  verdict.reopen();
  assert.equal(verdict.state, 'unhealthy');
  assert.equal(follow('+', verdict), 'H');
  verdict.reopen();
  assert.equal(follow('+---', verdict), 'hhhU');
});
