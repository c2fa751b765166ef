/** What a provider is asked where it does not answer. What it answers is in test/runtime/login.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpCall, HttpCallAnswer } from '#net/http-call.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { oidcConfig } from './config.ts';
import { Provider, providerClient, REDEEMS_MAX } from './provider.ts';

const issuer = 'https://login.example.com';
const settings = { issuer, clientId: 'shop', clientSecret: 'a', secret: 'a secret of more than thirty-two characters' };

test('a login that is completed again and again asks the provider a bounded number of times at once', async () => {
  const waiting: ((answer: HttpCallAnswer) => void)[] = [];
  const callHttp = ({ url }: HttpCall): Promise<HttpCallAnswer> => {
    if (String(url).endsWith('/token')) return new Promise((resolve) => void waiting.push(resolve));
    const text = JSON.stringify({ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` });
    return Promise.resolve({ status: 200, headers: { 'content-type': 'application/json' }, text });
  };
  await providerClient.load();
  const provider = new Provider(oidcConfig.parse(settings), { clock: new FakeClock(), callHttp, ca: undefined });
  const attempt = { state: 's', nonce: 'n', verifier: 'v'.repeat(43), redirectUri: 'https://a/b', returnTo: '/', startedMs: 0 };
  const redeem = () => provider.redeem('code=a&state=s', attempt);
  const redeems = Array.from({ length: REDEEMS_MAX }, redeem);
  assert.deepEqual(await redeem(), { kind: 'unavailable', reason: `more than ${REDEEMS_MAX} logins at once` });
  while (waiting.length < REDEEMS_MAX) await new Promise((resolve) => setImmediate(resolve));
  const refusal = { status: 400, headers: { 'content-type': 'application/json' }, text: '{"error":"invalid_grant"}' };
  for (const resolve of waiting.splice(0)) resolve(refusal);
  for (const outcome of await Promise.all(redeems)) assert.equal('kind' in outcome && outcome.kind, 'refused');
  // Afterwards there is room again.
  const next = redeem();
  while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
  waiting[0]!(refusal);
  const last = await next;
  assert.equal('kind' in last && last.kind, 'refused');
});
