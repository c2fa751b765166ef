import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { AcmeStore } from '#certificates/acme-store.ts';
import { createKeyPem } from '#certificates/signing.ts';
import { toAcmeFile } from '#config/acme-files.ts';
import { runCommand } from '#test/support/command.ts';
import { issueCertificate } from '#test/support/issued-certificates.ts';
import { run } from '#test/support/programs.ts';
import { runCerts } from './certs.ts';

const DAY_MS = 86_400_000;

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-certs-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const configuration = `version: 1
listeners:
  web: { address: ":80" }
  secure:
    address: ":443"
    tls: { certificates: [{ cert: a.pem, key: a.key }, { acme: [shop.example.com, www.shop.example.com] }] }
services: { orders: { endpoints: ["https://orders:443"], tls: { certificate: { cert: b.pem, key: b.key } } } }
acme: {}
`;

async function writeConfiguration(folder: string, fromMs = systemClock.wallMs()): Promise<void> {
  const a = await issueCertificate(['a.example.com', '*.a.example.com'], fromMs, 20.5);
  const b = await issueCertificate(['gateway'], fromMs, 100.5);
  const files = { 'gatehouse.yaml': configuration, 'a.pem': a.cert, 'a.key': a.key, 'b.pem': b.cert, 'b.key': b.key };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

test('lists every certificate with where it is used, its names, issuer and days left', async (t) => {
  const folder = await makeFolder(t);
  const fromMs = systemClock.wallMs();
  await writeConfiguration(folder, fromMs);
  const { status, stdout } = await runCommand(runCerts, [], folder);
  assert.equal(status, 0);
  const dateOf = (days: number) => new Date(fromMs + days * DAY_MS).toISOString().slice(0, 10);
  const lines = stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '));
  assert.deepEqual(lines.slice(0, 4), [
    'LISTENER | NAMES | ISSUER | EXPIRES | DAYS LEFT | SOURCE',
    `secure | a.example.com, *.a.example.com | Authority for tests | ${dateOf(20.5)} | 20 | file`,
    'secure | shop.example.com, www.shop.example.com | - | - | - | acme',
    `service orders | gateway | Authority for tests | ${dateOf(100.5)} | 100 | file`,
  ]);
  assert.match(stdout, /^secure: acme\/letsencrypt\/certificates\/shop\.example\.com-[0-9a-f]{12}\.pem: not issued yet$/m);
});

test('tells the same as JSON', async (t) => {
  const folder = await makeFolder(t);
  await writeConfiguration(folder);
  const { status, stdout } = await runCommand(runCerts, ['--json'], folder);
  assert.equal(status, 0);
  const [first, ordered, shown] = JSON.parse(stdout);
  assert.partialDeepStrictEqual(first, {
    listener: 'secure',
    names: ['a.example.com', '*.a.example.com'],
    issuer: 'Authority for tests',
    daysLeft: 20,
    source: 'file',
    file: join(folder, 'a.pem'),
  });
  assert.deepEqual(ordered.problem, { kind: 'not-issued', text: 'not issued yet' });
  assert.equal(shown.service, 'orders');
});

test('says why an ordered certificate is not there', async (t) => {
  const folder = await makeFolder(t);
  await writeConfiguration(folder);
  const place = { store: join(folder, 'acme'), directory: 'letsencrypt' };
  const path = toAcmeFile(place, ['shop.example.com', 'www.shop.example.com']);
  const store = new AcmeStore(place.store, join(place.store, 'letsencrypt'));
  await store.writeFailure(path, { failures: 2, notBeforeMs: Date.UTC(2031, 0, 2), problem: 'dns: no such name' });
  const { stdout } = await runCommand(runCerts, [], folder);
  assert.match(stdout, /not issued yet; the last 2 orders failed: dns: no such name; next try 2031-01-02T00:00:00\.000Z\n$/);
});

for (const [what, damage, said] of [
  [
    'has expired',
    async () => ({ 'a.pem': await issueCertificate(['a'], systemClock.wallMs() - 10 * DAY_MS, 9) }),
    /expired on \d{4}/,
  ],
  ['has the key of another', async () => ({ 'a.key': createKeyPem() }), /secure: a\.pem: the private key does not belong/],
  ['is not one', async () => ({ 'a.pem': 'hello' }), /secure: a\.pem: there is no certificate in PEM form in the file/],
] as const) {
  test(`ends with status 1 when a certificate ${what}`, async (t) => {
    const folder = await makeFolder(t);
    await writeConfiguration(folder);
    for (const [name, content] of Object.entries(await damage())) {
      await writeFile(join(folder, name), typeof content === 'string' ? content : content.cert);
      if (typeof content !== 'string') await writeFile(join(folder, 'a.key'), content.key);
    }
    const { status, stdout } = await runCommand(runCerts, [], folder);
    assert.equal(status, 1);
    assert.match(stdout, said);
  });
}

test('ends with status 1 when a file is missing', async (t) => {
  const folder = await makeFolder(t);
  await writeConfiguration(folder);
  await rm(join(folder, 'b.key'));
  const { status, stdout } = await runCommand(runCerts, [], folder);
  assert.equal(status, 1);
  assert.match(stdout, /service orders: b\.pem: there is no file .*b\.key/);
});

test('refuses a configuration with mistakes, and a folder without one', async (t) => {
  const folder = await makeFolder(t);
  assert.equal((await runCommand(runCerts, [], folder)).status, 2);
  await writeFile(join(folder, 'gatehouse.yaml'), 'version: 1\nlisteners: {}\n');
  const { status, stderr } = await runCommand(runCerts, [], folder);
  assert.equal(status, 2);
  assert.match(stderr, /there is no listener/);
});

test('makes an authority and a certificate for development that OpenSSL accepts', async (t) => {
  const folder = await makeFolder(t);
  const { status, stdout } = await runCommand(runCerts, ['dev'], folder);
  assert.equal(status, 0);
  assert.match(stdout, /certificates: \[\{ cert: "\.\/certs\/localhost\.pem", key: "\.\/certs\/localhost\.key" \}\]/);
  assert.match(stdout, /curl --cacert certs\/ca\.pem https:\/\/localhost:8443\//);
  const file = (name: string) => join(folder, 'certs', name);
  for (const key of ['ca.key', 'localhost.key']) assert.equal((await stat(file(key))).mode & 0o777, 0o600);
  const verify = (...args: string[]) =>
    run('openssl', ['verify', '-CAfile', file('ca.pem'), '-purpose', 'sslserver', ...args, file('localhost.pem')]);
  assert.equal((await verify('-verify_hostname', 'localhost')).status, 0);
  assert.equal((await verify('-verify_ip', '::1')).status, 0);
  assert.notEqual((await verify('-verify_hostname', 'other')).status, 0);
});

test('keeps the authority, and a certificate that is still good', async (t) => {
  const folder = await makeFolder(t);
  await runCommand(runCerts, ['dev', '--out', 'tls'], folder);
  const read = (name: string) => readFile(join(folder, 'tls', name), 'utf8');
  const before = [await read('ca.pem'), await read('localhost.pem')];
  const again = await runCommand(runCerts, ['dev', '--out', 'tls'], folder);
  assert.deepEqual([await read('ca.pem'), await read('localhost.pem')], before);
  assert.match(again.stdout, /the authority, kept.*\n.*127\.0\.0\.1, ::1, kept/);

  const other = await runCommand(runCerts, ['dev', '--out', 'tls', '--hosts', 'localhost,shop.localhost'], folder);
  assert.match(other.stdout, /the authority, kept.*\n.*localhost, shop\.localhost, new/);
  assert.equal(await read('ca.pem'), before[0]);
  assert.notEqual(await read('localhost.pem'), before[1]);
});

test('refuses hosts that are none, and a folder that cannot be made', async (t) => {
  const folder = await makeFolder(t);
  const wrong = await runCommand(runCerts, ['dev', '--hosts', 'http://localhost'], folder);
  assert.deepEqual([wrong.status, /write the host name alone/.test(wrong.stderr)], [2, true]);
  await writeFile(join(folder, 'certs'), 'a file');
  const { status, stderr } = await runCommand(runCerts, ['dev'], folder);
  assert.equal(status, 2);
  assert.match(stderr, /^gatehouse certs dev: certs cannot be used: /);
});
