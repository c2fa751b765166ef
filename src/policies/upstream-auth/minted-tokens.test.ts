import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { decodeJwt } from 'jose';
import { readSigningKey } from '#base/signing-key.ts';
import type { Exchange } from '#http/exchange.ts';
import { parseTemplate } from '#schema/template.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { createPolicyBench } from '#test/support/policy-bench.ts';
import { MintedTokens } from './minted-tokens.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const key = readSigningKey(String(privateKey.export({ type: 'pkcs8', format: 'pem' })))!;
const tenant = parseTemplate('${header.x-tenant}');
assert.ok('value' in tenant);
const settings = { issuer: 'gate', audience: 'orders', ttl: 60_000, claims: { tenant: tenant.value }, header: 'authorization' };

function createTokens() {
  const clock = new FakeClock();
  return { clock, tokens: new MintedTokens(settings, key, clock) };
}

function toExchange(text: string): Exchange {
  return createPolicyBench().start({ fields: ['x-tenant', text] }).exchange;
}

test('one token does for half of its time, for all requests for which it says the same', () => {
  const { clock, tokens } = createTokens();
  clock.advance(281);
  const first = tokens.valueFor(toExchange('a'));
  assert.equal(tokens.valueFor(toExchange('a')), first);
  const other = tokens.valueFor(toExchange('b'));
  assert.notEqual(other, first);
  clock.advance(29_999);
  assert.equal(tokens.valueFor(toExchange('a')), first);
  clock.advance(1);
  const next = tokens.valueFor(toExchange('a'));
  const times = (value: string) => decodeJwt(value.slice('Bearer '.length));
  assert.equal(times(next).iat! - times(first).iat!, 30);
  assert.equal(times(next).exp! - times(next).iat!, 60);
});

test('no token is from the future when the time of day goes back', () => {
  const { clock, tokens } = createTokens();
  const first = tokens.valueFor(toExchange('a'));
  clock.jumpWallTo(clock.wallMs() - 3_600_000);
  const next = tokens.valueFor(toExchange('a'));
  assert.notEqual(next, first);
  assert.equal(decodeJwt(next.slice('Bearer '.length)).iat, Math.floor(clock.wallMs() / 1_000));
});

test('however much clients make tokens say, what is kept stays below a bound, and what is used often stays', () => {
  const { tokens } = createTokens();
  const used = tokens.valueFor(toExchange('used'));
  for (let i = 0; i < 400; i += 1) {
    tokens.valueFor(toExchange(`${i}`.padEnd(20_000, 'x')));
    if (i % 50 === 0) assert.equal(tokens.valueFor(toExchange('used')), used);
    assert.ok(tokens.keptCharacters <= 8 * 1_024 * 1_024);
  }
  assert.ok(tokens.keptCharacters > 7 * 1_024 * 1_024);
});
