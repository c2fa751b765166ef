import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { silentLogger } from '#base/logger.ts';
import { Secret } from '#base/secret.ts';
import { ConsumerDirectory, type ConsumerSettings } from '#pipeline/consumer-directory.ts';
import { provideAllowanceMemory } from '#stores/allowance-table.ts';
import { SharedAllowances } from '#stores/shared-allowances.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { hmacPolicy } from './policy.ts';

const SECRET = 'a secret of more than thirty-two bytes';
/** RFC 9421 appendix B.1.5. */
const RFC_SECRET = 'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==';
const consumers: ConsumerSettings = {
  alice: { groups: [], keys: [], hmacKeys: [{ id: 'alice-1', secret: new Secret(SECRET), encoding: 'text' }] },
  rfc: { groups: [], keys: [], hmacKeys: [{ id: 'test-shared-secret', secret: new Secret(RFC_SECRET), encoding: 'base64' }] },
  guest: { groups: [], keys: [] },
};

const clock = new FakeClock();
const now = () => Math.floor(clock.wallMs() / 1_000);

async function benchWith(config: object = {}, time = clock) {
  const allowances = new SharedAllowances(provideAllowanceMemory(100), silentLogger);
  const services = { clock: time, consumers: new ConsumerDirectory(consumers), allowances };
  return createPolicyBench({ policies: [await plan(hmacPolicy, config, services)] });
}

interface Signing {
  readonly method?: string;
  readonly url?: string;
  readonly host?: string;
  readonly body?: readonly string[];
  readonly fields?: readonly string[];
  /** Lines of the signature base, by component. */
  readonly covered?: Readonly<Record<string, string>>;
  readonly parameters?: string;
  readonly secret?: string;
}

let nonceCount = 0;
const freshNonce = () => `nonce-${++nonceCount}`;

/** Signs as RFC 9421 §2.5 has it; what a test gives is signed and sent as it stands. */
function sign({ method = 'GET', url = '/orders?a=1', host = 'shop.example.com', fields = [], body, ...rest }: Signing = {}) {
  const [path, query = ''] = url.split('?');
  const covered = rest.covered ?? { '@method': method, '@authority': host, '@path': path!, '@query': `?${query}` };
  const parameters = rest.parameters ?? `;created=${now()};keyid="alice-1";nonce="${freshNonce()}"`;
  const input = `(${Object.keys(covered)
    .map((name) => `"${name}"`)
    .join(' ')})${parameters}`;
  const lines = Object.entries(covered).map(([name, value]) => `"${name}": ${value}\n`);
  const base = `${lines.join('')}"@signature-params": ${input}`;
  const signature = createHmac('sha256', rest.secret ?? SECRET)
    .update(base, 'latin1')
    .digest('base64');
  const all = [...fields, 'signature-input', `sig=${input}`, 'signature', `sig=:${signature}:`];
  return { method, url, host, fields: all, ...(body && { body }) };
}

const usual = { '@method': 'GET', '@authority': 'shop.example.com', '@path': '/orders', '@query': '?a=1' };

test('verifies the example of the standard', async () => {
  const time = new FakeClock();
  time.jumpWallTo(1_618_884_480_000);
  const bench = await benchWith({ covers: ['date', '@authority', 'content-type'], body: 'free', nonce: 'optional' }, time);
  const input = '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"';
  const request = {
    method: 'POST',
    url: '/foo?param=Value&Pet=dog',
    host: 'example.com',
    fields: [
      ...['date', 'Tue, 20 Apr 2021 02:07:55 GMT', 'content-type', 'application/json'],
      ...['signature-input', `sig-b25=${input}`, 'signature', 'sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:'],
    ],
  };
  assert.equal((await bench.send(request)).exchange.consumer?.name, 'rfc');
  assert.equal((await bench.send({ ...request, host: 'example.org' })).status, 401);
});

test('lets through what a consumer has signed, and shows the service no signature', async () => {
  const bench = await benchWith();
  for (const request of [
    sign(),
    sign({ url: '/orders', covered: { ...usual, '@query': '?' } }),
    { ...sign(), host: 'Shop.Example.com:80' },
    sign({ covered: { '@method': 'GET', '@target-uri': 'http://shop.example.com/orders?a=1' } }),
    sign({ covered: { '@method': 'GET', '@authority': 'shop.example.com', '@request-target': '/orders?a=1' } }),
    sign({ covered: { ...usual, '@scheme': 'http', 'x-a': '1, 2' }, fields: ['x-a', ' 1 ', 'x-a', '2'] }),
    sign({
      parameters: `;created=${now()};expires=${now() + 60};keyid="alice-1";alg="hmac-sha256";nonce="${freshNonce()}";tag="x"`,
    }),
  ]) {
    const answer = await bench.send(request);
    assert.equal(answer.exchange.error?.detail?.['reason'], undefined);
    assert.equal(answer.exchange.consumer?.name, 'alice');
    assert.equal(bench.seen.at(-1)!.fields.includes('signature'), false);
    assert.equal(bench.seen.at(-1)!.fields.includes('signature-input'), false);
  }
  const shown = await benchWith({ forward: true });
  await shown.send(sign());
  assert.equal(shown.seen[0]!.fields.includes('signature'), true);
});

test('says what a signature has to cover where there is none', async () => {
  const answer = await (await benchWith()).send();
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.values('accept-signature'), [
    'gatehouse=("@method" "@authority" "@path" "@query");created;keyid;alg="hmac-sha256";nonce',
  ]);
  assert.equal((answer.json() as { code: string }).code, 'GH_HMAC_MISSING');
});

test('answers every signature that does not count alike, and logs why', async () => {
  const bench = await benchWith();
  const good = () => `;created=${now()};keyid="alice-1";nonce="${freshNonce()}"`;
  const one = sign();
  const answers = new Set<string>();
  for (const [request, reason] of [
    [{ ...sign(), method: 'DELETE' }, 'wrong'],
    [{ ...sign(), url: '/orders?a=2' }, 'wrong'],
    [{ ...sign(), url: '/orders/1?a=1' }, 'wrong'],
    [{ ...sign(), host: 'other.example.com' }, 'wrong'],
    [sign({ secret: 'another secret of thirty-two bytes' }), 'wrong'],
    [sign({ secret: '' }), 'wrong'],
    [sign({ covered: { '@method': 'GET' } }), '@authority is not covered'],
    [sign({ covered: {} }), '@method is not covered'],
    [sign({ covered: { ...usual, 'x-a': '1' } }), 'covers what the request does not have'],
    [sign({ covered: { ...usual, '@status': '200' } }), 'covers what the request does not have'],
    [sign({ covered: { ...usual, '@query-param': '1' } }), 'covers what the request does not have'],
    [sign({ parameters: `;created=${now()};keyid="mallory";nonce="a"` }), 'unknown key'],
    [sign({ parameters: `;created=${now()};keyid="__proto__";nonce="a"` }), 'unknown key'],
    [sign({ parameters: `${good()};alg="hmac-sha512"` }), 'algorithm'],
    [sign({ parameters: `${good()};alg="rsa-pss-sha512"` }), 'algorithm'],
    [sign({ parameters: `${good()};alg="none"` }), 'algorithm'],
    [sign({ parameters: `;created=${now()};nonce="a"` }), 'no key id'],
    [sign({ parameters: `;keyid="alice-1";nonce="${freshNonce()}"` }), 'no time'],
    [sign({ parameters: `;created=${now()};keyid="alice-1"` }), 'no nonce'],
    [sign({ parameters: `;created=${now() + 32};keyid="alice-1";nonce="a"` }), 'of the future'],
    [sign({ parameters: `;created=${now() - 331};keyid="alice-1";nonce="a"` }), 'too old'],
    [sign({ parameters: `;created=${now() - 90};expires=${now() - 31};keyid="alice-1";nonce="a"` }), 'expired'],
    [sign({ parameters: `;created="${now()}";keyid="alice-1";nonce="a"` }), 'malformed'],
    [sign({ parameters: `;created=${now()};keyid="alice-1";nonce=a` }), 'malformed'],
    [sign({ parameters: `;created=${now()};created=${now()};keyid="alice-1";nonce="a"` }), 'malformed'],
    [sign({ parameters: `;created=${now()};keyid="alice-1";nonce="${'a'.repeat(257)}"` }), 'malformed'],
    [sign({ parameters: `;created=${now()};keyid="alice-1";nonce="${'a'.repeat(5_000)}"` }), 'too long'],
    [{ ...one, fields: one.fields.slice(0, 2) }, 'malformed'],
    [{ ...one, fields: one.fields.slice(2) }, 'malformed'],
    [{ ...one, fields: [...one.fields, ...one.fields] }, 'malformed'],
    [
      { fields: ['signature-input', 'sig=("@method";req);keyid="alice-1"', 'signature', 'sig=:YQ==:'] },
      'parameters of a component',
    ],
    [{ fields: ['signature-input', 'sig=("@method" "@method");keyid="alice-1"', 'signature', 'sig=:YQ==:'] }, 'malformed'],
    [{ fields: ['signature-input', 'sig=(@method);keyid="alice-1"', 'signature', 'sig=:YQ==:'] }, 'malformed'],
    [{ fields: ['signature-input', 'a=(), b=(), c=(), d=(), e=()', 'signature', 'a=:YQ==:'] }, 'too many signatures'],
    [{ fields: ['signature-input', 'sig', 'signature', 'sig=:YQ==:'] }, 'malformed'],
  ] as const) {
    const answer = await bench.send(request);
    assert.equal(answer.status, 401, reason);
    assert.equal(answer.exchange.error?.detail?.['reason'], reason, JSON.stringify(request));
    assert.equal(answer.exchange.consumer, undefined);
    answers.add(answer.text);
  }
  assert.equal(answers.size, 1);
  assert.equal(bench.seen.length, 0);
});

test('counts at the edges of its time, and not beyond', async () => {
  const bench = await benchWith();
  for (const created of [now() + 30, now() - 329]) {
    const parameters = `;created=${created};keyid="alice-1";nonce="${freshNonce()}"`;
    assert.equal((await bench.send(sign({ parameters }))).status, 200, String(created - now()));
  }
});

test('a signature counts once, and one that is wrong uses nothing up', async () => {
  const bench = await benchWith();
  const request = sign();
  const forged = { ...request, url: '/orders?a=2' };
  assert.equal((await bench.send(forged)).status, 401);
  assert.equal((await bench.send(request)).status, 200);
  for (let i = 0; i < 3; i++) assert.equal((await bench.send(request)).exchange.error?.detail?.['reason'], 'shown before');
});

test('without nonces, a signature counts as long as its time lasts; with one, once all the same', async () => {
  const bench = await benchWith({ nonce: 'optional' });
  const without = sign({ parameters: `;created=${now()};keyid="alice-1"` });
  for (let i = 0; i < 2; i++) assert.equal((await bench.send(without)).status, 200);
  const request = sign();
  assert.equal((await bench.send(request)).status, 200);
  assert.equal((await bench.send(request)).status, 401);
});

test('the signature of the consumer is found among those of others', async () => {
  const bench = await benchWith();
  const { fields, ...request } = sign();
  const [, input, , signature] = fields;
  const both = [
    'signature-input',
    `proxy=("@method");created=1;keyid="proxy", ${input}`,
    'signature',
    `proxy=:YQ==:, ${signature}`,
  ];
  assert.equal((await bench.send({ ...request, fields: both })).exchange.consumer?.name, 'alice');
});

const digestOf = (text: string, algorithm = 'sha256') => createHash(algorithm).update(text).digest('base64');

function signBody(body: readonly string[], field: string, length: number | undefined = body.join('').length) {
  const covered = { ...usual, '@method': 'POST', 'content-digest': field };
  const request = sign({ method: 'POST', covered, fields: ['content-digest', field], body });
  return length === undefined ? request : { ...request, contentLength: length };
}

test('the body has to be the one that was signed, however it is cut', async () => {
  const bench = await benchWith();
  const field = `sha-256=:${digestOf('hello world')}:`;
  for (const body of [['hello world'], ['hello ', 'world'], [...'hello world']]) {
    assert.equal((await bench.send(signBody(body, field))).status, 200);
    assert.deepEqual(bench.seen.at(-1)!.body, body);
  }
  assert.equal(
    (await bench.send(signBody(['hello world'], `sha-512=:${digestOf('hello world', 'sha512')}:, x=:YQ==:`))).status,
    200,
  );
});

test('a body that was changed never comes to its end at the service', async () => {
  const bench = await benchWith();
  const field = `sha-256=:${digestOf('hello world')}:`;
  for (const body of [['hello worle'], ['hello ', 'worle'], ['hello world', '!'], ['']]) {
    const answer = await bench.send(signBody(body, field));
    assert.equal(answer.status, 401, JSON.stringify(body));
    assert.equal(answer.exchange.error?.code, 'GH_HMAC_BODY_CHANGED');
  }
  const both = `${field}, sha-512=:${digestOf('another', 'sha512')}:`;
  assert.equal((await bench.send(signBody(['hello world'], both))).status, 401);
  assert.equal(bench.seen.length, 0);
});

test('a body needs a digest that is covered and can be read, and a length', async () => {
  const bench = await benchWith();
  const uncovered = sign({ method: 'POST', covered: { ...usual, '@method': 'POST' }, body: ['a'] });
  assert.equal((await bench.send(uncovered)).exchange.error?.detail?.['reason'], 'content-digest is not covered');
  for (const field of ['md5=:YQ==:', 'sha-256=YQ', 'sha-256=("a")', 'nonsense nonsense', `sha-256=:${'A'.repeat(2_000)}:`])
    assert.equal((await bench.send(signBody(['a'], field))).exchange.error?.detail?.['reason'], 'digest cannot be read', field);
  const { contentLength: _, ...endless } = { contentLength: 0, ...signBody(['a'], `sha-256=:${digestOf('a')}:`) };
  assert.equal((await bench.send(endless)).status, 411);
  assert.equal(bench.seen.length, 0);
  const free = await benchWith({ body: 'free' });
  assert.equal(
    (await free.send({ ...uncovered, fields: sign({ method: 'POST', covered: { ...usual, '@method': 'POST' } }).fields })).status,
    200,
  );
});

test('who signs nothing is the anonymous consumer, where there is one; a wrong signature stays wrong', async () => {
  const bench = await benchWith({ anonymous: 'guest' });
  assert.equal((await bench.send()).exchange.consumer?.name, 'guest');
  assert.equal((await bench.send({ ...sign(), method: 'PUT' })).status, 401);
});
