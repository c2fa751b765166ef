/** Refusals of a login, and from where its sessions count. No provider is asked for any of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '#base/secret.ts';
import { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type BenchAnswer, createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { oidcPolicy } from './policy.ts';
import { Sealer } from './sealer.ts';
import { encodeSession } from './session.ts';

const NAME = '__Host-gatehouse';
const SECRET = 'a secret of more than thirty-two characters';
const issuer = 'https://login.example.com';
const clock = new FakeClock();

function sealSession(subject: string): string {
  const idToken = `e30.${Buffer.from(JSON.stringify({ sub: subject })).toString('base64url')}.YQ`;
  const session = { createdMs: clock.wallMs(), usedMs: clock.wallMs(), idToken };
  const scope = JSON.stringify(['gatehouse oidc', 'session', issuer, 'shop']);
  return `${NAME}=1.${new Sealer([new Secret(SECRET)], scope).seal(encodeSession(session), NAME)}`;
}

async function benchWith(config: object = {}) {
  const consumers = new ConsumerDirectory({
    ada: { groups: [], keys: [], subjects: ['ada@login.example.com'], addresses: ['203.0.113.0/24'] },
    guest: { groups: [], keys: [] },
  });
  const settings = { issuer, clientId: 'shop', clientSecret: 'a', secret: SECRET, ...config };
  return createPolicyBench({ policies: [await plan(oidcPolicy, settings, { clock, consumers })] });
}

function assertProblem(answer: BenchAnswer, code: string): void {
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.values('content-type'), ['application/problem+json']);
  assert.deepEqual(answer.values('www-authenticate'), ['Session realm="gatehouse"']);
  assert.equal((answer.json() as { code: string }).code, code);
}

test('who has no session is refused in the usual form', async () => {
  assertProblem(await (await benchWith({ unauthenticated: 'refuse' })).send(), 'GH_OIDC_MISSING');
});

test('the session of a consumer counts from its addresses alone, and leads to no other login elsewhere', async () => {
  for (const config of [{}, { unauthenticated: 'pass', anonymous: 'guest' }]) {
    const bench = await benchWith(config);
    const send = (subject: string, clientAddress: string) =>
      bench.send({ clientAddress, fields: ['cookie', sealSession(subject), 'accept', 'text/html'] });
    assert.equal((await send('ada', '203.0.113.9')).exchange.consumer?.name, 'ada');
    for (let i = 0; i < 2; i++) {
      const answer = await send('ada', '203.0.114.9');
      assertProblem(answer, 'GH_OIDC_SESSION_REFUSED');
      assert.deepEqual(answer.exchange.error?.detail, { reason: 'address', consumer: 'ada' });
      assert.equal(answer.exchange.consumer, undefined);
    }
    assert.equal((await send('eve', '203.0.114.9')).exchange.consumer?.name, 'eve@login.example.com');
  }
});
