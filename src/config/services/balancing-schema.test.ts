/** What may be said about the choice among endpoints, and what is said about mistakes in it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceConfiguration } from '../configuration.ts';
import { formatIssue } from '../issue.ts';
import { loadConfigurationText } from '../load.ts';

const HEAD = 'version: 1\nlisteners: { web: { address: ":8080" } }\n';
const SECRET = 'a-secret-that-is-long-enough';

const load = (text: string) =>
  loadConfigurationText(text, '/etc/gatehouse/gatehouse.yaml', { policies: [], env: { ZONE: 'eu-1a' }, shownAs: 'F' });

async function readService(settings: string): Promise<ServiceConfiguration> {
  const { configuration, issues } = await load(
    `${HEAD}services:\n  it: ${settings}\nroutes: { r: { match: { path: "/u/:user" }, to: it } }\n`,
  );
  assert.deepEqual(issues, []);
  return configuration!.services['it']!;
}

async function refuse(settings: string, more = ''): Promise<string[]> {
  const { issues } = await load(`${HEAD}services:\n  it:\n    ${settings}\n${more}`);
  return issues.map((issue) => formatIssue(issue));
}

for (const kind of ['round-robin', 'least-requests', 'peak-ewma', 'random']) {
  test(`a service may balance by ${kind}`, async () => {
    const { balance } = await readService(`{ endpoints: [http://a], balance: ${kind} }`);
    assert.deepEqual(balance, { kind });
  });
}

const keys: readonly [string, object][] = [
  ['ip', { kind: 'ip' }],
  ['header.X-User', { kind: 'header', name: 'x-user' }],
  ['cookie.Session', { kind: 'cookie', name: 'Session' }],
  ['path.user', { kind: 'path', name: 'user' }],
  ['query.a.b', { kind: 'query', name: 'a.b' }],
];
for (const [by, key] of keys) {
  test(`a service may balance by a hash of ${by}`, async () => {
    const { balance } = await readService(`{ endpoints: [http://a], balance: { hash: { by: ${by}, boundedLoad: 1.25 } } }`);
    assert.deepEqual(balance, { kind: 'hash', by: key, boundedLoad: 1.25 });
  });
}

test('reads slow start, affinity, and where endpoints stand', async () => {
  const service = await readService(
    `{ endpoints: [{ url: http://a, weight: 0, priority: 3, zone: b }, http://b], slowStart: 30s, affinity: { cookie: at, secret: ${SECRET}, ttl: 1h, path: /shop, sameSite: none } }`,
  );
  const [first] = service.endpoints;
  assert.deepEqual({ ...first, url: undefined }, { url: undefined, weight: 0, priority: 3, zone: 'b' });
  assert.equal(service.slowStart, 30_000);
  const { secret, ...rest } = service.affinity!;
  assert.equal(secret.reveal(), SECRET);
  assert.deepEqual(rest, { cookie: 'at', ttl: 3_600_000, path: '/shop', sameSite: 'none' });
});

test('a cookie is for all paths and of a session, and is sent along with links, unless told otherwise', async () => {
  const { affinity } = await readService(`{ endpoints: [http://a], affinity: { cookie: at, secret: ${SECRET} } }`);
  assert.deepEqual({ ...affinity, secret: undefined }, { cookie: 'at', secret: undefined, path: '/', sameSite: 'lax' });
});

test('the zone of the gateway may come from the environment', async () => {
  const { configuration } = await load(`${HEAD}zone: "\${env:ZONE}"\n`);
  assert.equal(configuration?.zone, 'eu-1a');
});

const refusals: readonly { mistake: string; settings: string; more?: string; issues: readonly string[] }[] = [
  {
    mistake: 'a balancer that does not exist',
    settings: 'endpoints: [http://a]\n    balance: least-request',
    issues: [
      'F:6:14 services.it.balance: expected `round-robin`, `least-requests`, `peak-ewma` or `random`, not "least-request"; did you mean `least-requests`?',
    ],
  },
  {
    mistake: 'a map that is no hash',
    settings: 'endpoints: [http://a]\n    balance: { hsah: { by: ip } }',
    issues: [
      'F:6:5 services.it.balance.hash: `hash` is missing',
      'F:6:16 services.it.balance.hsah: unknown key `hsah`; did you mean `hash`?',
    ],
  },
  {
    mistake: 'a hash of nothing',
    settings: 'endpoints: [http://a]\n    balance: hash',
    issues: [
      'F:6:14 services.it.balance: `hash` needs to know what is hashed; write `balance: { hash: { by: ip } }`, or `by: header.NAME`',
    ],
  },
  {
    mistake: 'a hash of something else',
    settings: 'endpoints: [http://a]\n    balance: { hash: { by: heder.x-user } }',
    issues: [
      'F:6:28 services.it.balance.hash.by: expected `ip`, `consumer`, `header.NAME`, `cookie.NAME`, `path.NAME`, `query.NAME` or `claim.NAME`, not "heder.x-user"; did you mean `header.NAME`?',
    ],
  },
  {
    mistake: 'a hash of a header without a name',
    settings: 'endpoints: [http://a]\n    balance: { hash: { by: header } }',
    issues: ['F:6:28 services.it.balance.hash.by: "header" names no header; write `header.NAME`'],
  },
  {
    mistake: 'a bound below the mean',
    settings: 'endpoints: [http://a]\n    balance: { hash: { by: ip, boundedLoad: 0.9 } }',
    issues: ['F:6:45 services.it.balance.hash.boundedLoad: the number 0.9 is too small; at least 1'],
  },
  {
    mistake: 'a hash of a capture that no route has',
    settings: 'endpoints: [http://a]\n    balance: { hash: { by: path.usr } }',
    more: 'routes: { r: { match: { path: "/:user" }, to: it } }\n',
    issues: [
      'F:6:28 services.it.balance.hash.by: `path.usr`: no route captures `usr` in its path, such as `/orders/:usr`; did you mean `path.user`?',
    ],
  },
  {
    mistake: 'affinity without a secret',
    settings: 'endpoints: [http://a]\n    affinity: { cookie: at }',
    issues: ['F:6:5 services.it.affinity.secret: `secret` is missing'],
  },
  {
    mistake: 'a secret that can be guessed, a name that is none and a path that would end the attribute',
    settings: 'endpoints: [http://a]\n    affinity: { cookie: "a=b", secret: short, path: "/;x" }',
    issues: [
      'F:6:25 services.it.affinity.cookie: "a=b" is not one word; write letters, digits, hyphens and dots, such as `gatehouse`',
      'F:6:40 services.it.affinity.secret: the secret is too short; at least 16 characters, such as `openssl rand -hex 32` prints',
      'F:6:53 services.it.affinity.path: "/;x" is not a path such as `/` or `/shop`',
    ],
  },
  {
    mistake: 'nothing but weights of 0',
    settings: 'endpoints: [{ url: http://a, weight: 0 }, { url: http://b, weight: 0 }]',
    issues: [
      'F:5:16 services.it.endpoints: every weight is 0, so no endpoint would take the requests; give one a weight above 0',
    ],
  },
  {
    mistake: 'what only requests have, for bytes',
    settings: `endpoints: ["tcp://a:1"]\n    balance: { hash: { by: header.x } }\n    affinity: { cookie: at, secret: ${SECRET} }`,
    issues: [
      'F:6:28 services.it.balance.hash.by: nobody reads the bytes of `tcp` and `tls`, so there is no header; use `ip`',
      'F:7:15 services.it.affinity: nobody reads the bytes of `tcp` and `tls`, so there are no cookies; `balance: { hash: { by: ip } }` keeps clients apart',
    ],
  },
  {
    mistake: 'a priority below 0 and a zone without a name',
    settings: 'endpoints: [{ url: http://a, priority: -1, zone: "" }]',
    issues: [
      'F:5:44 services.it.endpoints[0].priority: the number -1 is too small; at least 0',
      'F:5:54 services.it.endpoints[0].zone: the text is empty',
    ],
  },
];
for (const { mistake, settings, more, issues } of refusals) {
  test(`refuses ${mistake}`, async () => assert.deepEqual(await refuse(settings, more), issues));
}
