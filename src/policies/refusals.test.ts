/**
 * The form of refusals, which is the same for all policies: a client gets a problem document that does not say why, a 401 says how
 * to do better, and why it was refused is in the log. A policy that is new is missed here until its refusals are in the table.
 */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { Secret } from '#base/secret.ts';
import type { ClientCertificate } from '#net/client-certificate.ts';
import { ConsumerDirectory, type ConsumerSettings } from '#pipeline/consumer-directory.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type BenchRequest, createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { createPolicyServices } from '#test/support/policy-services.ts';
import { policyDefinitions } from './registry.ts';

const KEY = 'robot-key-0123456789abcdef';
const PASSWORD = 'robot has a password';
const SECRET = 'a secret of more than thirty-two bytes';
const ISSUER = 'https://login.example.com';
const clock = new FakeClock();

/** What one consumer shows, and the settings of the policy that looks at it. */
interface Credential {
  readonly config: object;
  readonly right: (nonce: string) => BenchRequest;
  readonly wrong: BenchRequest;
  /** Who it is, where it is not `robot`. */
  readonly name?: string;
  /** With which a wrong one is refused; `refused` when not given. */
  readonly refusal?: string;
}

const certificate: ClientCertificate = {
  subject: 'CN=robot,O=Example',
  issuer: 'CN=Clients',
  subjectAltNames: [],
  spiffeId: undefined,
  fingerprint256: 'cd'.repeat(32),
  der: Buffer.alloc(0),
  chainDer: [],
  verifyError: undefined,
};
const basic = (password: string) => ({
  fields: ['authorization', `Basic ${Buffer.from(`robot:${password}`).toString('base64')}`],
});
const bearer = (token: string) => ({ fields: ['authorization', `Bearer ${token}`] });

function signRequest(secret: string, nonce: string, body?: string): BenchRequest {
  const digest = `sha-256=:${createHash('sha256').update('signed').digest('base64')}:`;
  const covered = [
    ['@path', '/'],
    ['content-digest', digest],
  ] as const;
  const names = covered.map(([name]) => `"${name}"`).join(' ');
  const input = `(${names});created=${Math.floor(clock.wallMs() / 1_000)};keyid="robot-1";nonce="${nonce}"`;
  const base = `${covered.map(([name, value]) => `"${name}": ${value}\n`).join('')}"@signature-params": ${input}`;
  const signature = createHmac('sha256', secret).update(base).digest('base64');
  const text = body ?? 'signed';
  return {
    method: 'POST',
    body: [text],
    contentLength: text.length,
    fields: ['content-digest', digest, 'signature-input', `a=${input}`, 'signature', `a=:${signature}:`],
  };
}

function signToken(secret: string): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: ISSUER, aud: 'shop', sub: 'robot', exp: Math.floor(clock.wallMs() / 1_000) + 60 };
  const signed = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

const credentials: Readonly<Record<string, Credential>> = {
  'client-certificate': {
    config: {},
    right: () => ({ clientCertificate: certificate }),
    wrong: { clientCertificate: { ...certificate, subject: 'CN=other' } },
  },
  'api-key': { config: {}, right: () => ({ fields: ['x-api-key', KEY] }), wrong: { fields: ['x-api-key', 'wrong'] } },
  'basic-auth': { config: {}, right: () => basic(PASSWORD), wrong: basic('wrong') },
  hmac: { config: { covers: ['@path'] }, right: (nonce) => signRequest(SECRET, nonce), wrong: signRequest('other', 'w') },
  jwt: {
    config: { issuer: ISSUER, audience: 'shop', secret: SECRET },
    right: () => bearer(signToken(SECRET)),
    wrong: bearer(signToken('another secret of thirty-two bytes')),
  },
  introspection: {
    config: { endpoint: `${ISSUER}/introspect`, clientId: 'gateway', clientSecret: 'a' },
    right: () => bearer('good'),
    wrong: bearer('bad'),
  },
  'any-of': {
    config: { methods: [{ 'api-key': {} }, { 'basic-auth': {} }] },
    right: () => ({ fields: ['x-api-key', KEY] }),
    wrong: { fields: ['x-api-key', 'wrong'] },
  },
  'forward-auth': {
    config: { service: 'login', path: '/verify', consumer: 'x-user' },
    right: () => ({}),
    wrong: { fields: ['x-wrong', '1'] },
    refusal: 'denied',
  },
};

/** Requests that are refused with a 401 of another name than `missing` and `refused`. */
const others: Readonly<Record<string, BenchRequest>> = {
  'hmac bodyChanged': signRequest(SECRET, 'changed', 'another'),
};

/** What needs more than a request to come about. */
const elsewhere: ReadonlySet<string> = new Set([
  'oidc missing', // src/policies/oidc/browser-login.test.ts
  'oidc sessionRefused', // the same
]);

const consumers = (addresses: readonly string[] | undefined): ConsumerSettings => ({
  robot: {
    groups: [],
    keys: [{ sha256: createHash('sha256').update(KEY).digest('hex'), shown: 'robot-' }],
    password: new Secret(PASSWORD),
    hmacKeys: [{ id: 'robot-1', secret: new Secret(SECRET), encoding: 'text' }],
    certificates: [{ kind: 'subject', value: certificate.subject }],
    subjects: ['robot@login.example.com', 'robot@login'],
    addresses,
  },
});

async function benchFor(name: string, addresses?: readonly string[]) {
  const definition = policyDefinitions.find((policy) => policy.name === name)!;
  const services = createPolicyServices({
    clock,
    consumers: new ConsumerDirectory(consumers(addresses)),
    callHttp: async ({ body }) => {
      const active = new URLSearchParams(body).get('token') === 'good';
      return { status: 200, headers: {}, text: JSON.stringify({ active, sub: 'robot' }) };
    },
    callService: async ({ request }) => {
      if (request.fields.includes('x-wrong')) return { status: 403, fields: [], body: Buffer.alloc(0) };
      return { status: 200, fields: ['x-user', 'robot'], body: Buffer.alloc(0) };
    },
  });
  return createPolicyBench({ policies: [await plan(definition, credentials[name]!.config, services)] });
}

type Bench = Awaited<ReturnType<typeof benchFor>>;

/** Sends it, and looks at the form of the refusal. */
async function assertRefused(bench: Bench, request: BenchRequest, status: number) {
  const answer = await bench.send(request);
  assert.equal(answer.status, status);
  assert.deepEqual(answer.values('content-type'), ['application/problem+json']);
  const problem = answer.json() as Readonly<Record<string, unknown>>;
  assert.deepEqual(Object.keys(problem), ['type', 'title', 'status', 'detail', 'code', 'requestId']);
  const { error } = answer.exchange;
  assert.equal(problem['code'], error?.code);
  assert.equal(problem['detail'], error?.kind.help);
  // RFC 9110 §15.5.2
  if (status === 401) assert.match(answer.values('www-authenticate').join(), /^[A-Za-z]+ realm="/);
  assert.equal(answer.exchange.consumer, undefined);
  return answer;
}

const refusalsOf = (name: string, kindName: string) =>
  policyDefinitions.find((policy) => policy.name === name)!.errors[kindName]!.kind;

for (const [name, { right, wrong, refusal = 'refused' }] of Object.entries(credentials)) {
  const { status } = refusalsOf(name, refusal);

  test(`${name}: a wrong credential is refused, and only the log says why`, async () => {
    const bench = await benchFor(name);
    assert.equal((await bench.send(right('one'))).exchange.consumer?.name, 'robot');
    const answer = await (name === 'forward-auth' ? bench.send(wrong) : assertRefused(bench, wrong, status));
    const { error } = answer.exchange;
    assert.equal(error?.kind, refusalsOf(name, refusal));
    assert.ok(Object.keys(error?.detail ?? {}).length > 0);
  });

  test(`${name}: the credential of a consumer counts from its addresses alone, and elsewhere is one that is wrong`, async () => {
    const bench = await benchFor(name, ['203.0.113.0/24']);
    const from = (clientAddress: string, nonce: string) => ({ ...right(nonce), clientAddress });
    const at = await bench.send(from('203.0.113.9', 'two'));
    assert.equal(at.exchange.consumer?.name, 'robot');
    // Known by now, where something is remembered of it.
    const refused = await assertRefused(bench, from('203.0.114.9', 'three'), status);
    assert.match(JSON.stringify(refused.exchange.error?.detail), /address/);
    const fresh = await benchFor(name, ['203.0.113.0/24']);
    const first = await assertRefused(fresh, from('203.0.114.9', 'four'), status);
    if (name === 'forward-auth') return;
    const unknown = await assertRefused(fresh, wrong, status);
    assert.deepEqual([first.text, first.fields], [unknown.text, unknown.fields]);
    // It has used nothing up.
    assert.equal((await fresh.send(from('203.0.113.9', 'four'))).status, 200);
  });
}

test('a request without a credential, and whatever else is refused with 401, has that form too', async () => {
  for (const { name, errors } of policyDefinitions) {
    for (const [kindName, { kind }] of Object.entries(errors)) {
      if (kind.status !== 401 || elsewhere.has(`${name} ${kindName}`)) continue;
      assert.ok(credentials[name], `${name} is not in the table`);
      if (kindName === 'refused') continue;
      const request = kindName === 'missing' ? {} : others[`${name} ${kindName}`];
      assert.ok(request, `${name} ${kindName} is not in the table`);
      const bench = await benchFor(name);
      const answer = await bench.send(request);
      assert.equal(answer.exchange.error?.kind, kind);
      assert.equal(answer.status, 401);
      assert.deepEqual(answer.values('content-type'), ['application/problem+json']);
      assert.match(answer.values('www-authenticate').join(), /^[A-Za-z]+ realm="/);
    }
  }
});

test('a client is refused with a status that says so', () => {
  // Whoever has done nothing wrong is told when to come again; who wants nothing but a kept answer, that there is none (RFC 9111 §5.2.1.7).
  const others = new Set(['GH_BASIC_AUTH_BUSY', 'GH_CACHE_ONLY_IF_CACHED']);
  for (const { errors } of policyDefinitions)
    for (const { kind } of Object.values(errors))
      if (kind.side === 'client' && !others.has(kind.code)) assert.ok(kind.status >= 400 && kind.status < 500, kind.code);
});
