/** How the authority's refusals, and an authority that is not there, look from here. What goes well is tested with Pebble. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { acmeSchema } from '#config/acme-schema.ts';
import { startAcmeDirectory, toProblem } from '#test/support/acme-directory.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { issueCertificate } from '#test/support/issued-certificates.ts';
import { AcmeAuthority } from './acme-authority.ts';
import { AcmeProblem } from './acme-problem.ts';
import { AcmeStore } from './acme-store.ts';

const clock = new FakeClock();

async function createAuthority(t: TestContext, directory: string, caFile?: string) {
  const store = await mkdtemp(join(tmpdir(), 'gatehouse-authority-'));
  const authority = new AcmeAuthority({
    acme: acmeSchema.parse({ directory, store }),
    ca: caFile === undefined ? undefined : await readFile(caFile, 'utf8'),
    store: new AcmeStore(store, join(store, 'directory')),
    clock,
    wait: () => Promise.resolve(),
  });
  t.after(async () => {
    authority.close();
    await rm(store, { recursive: true, force: true });
  });
  const order = () => authority.order({ names: ['a.example.com'], replacedPem: undefined, show: () => Promise.resolve() });
  return { authority, order };
}

/** What an order fails with. */
async function failureOf(order: () => Promise<unknown>): Promise<AcmeProblem> {
  const error: unknown = await order().then(
    () => assert.fail('it went well'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AcmeProblem, String(error));
  return error;
}

test('a limit keeps its type and the time for which not to ask again', async (t) => {
  const directory = await startAcmeDirectory(t);
  const { order } = await createAuthority(t, directory.url, directory.ca);
  directory.answers.set('POST /order', {
    status: 429,
    headers: { 'retry-after': '3600' },
    body: toProblem('rateLimited', 'too many certificates already issued for example.com'),
  });
  const { type, retryAfterMs, message } = await failureOf(order);
  assert.deepEqual([type, retryAfterMs], ['rateLimited', 3_600_000]);
  assert.match(message, /answered 429: rateLimited: too many certificates already issued for example\.com$/);
  // Asked once: repeating is up to whoever knows when.
  assert.equal(directory.requests.filter((asked) => asked === 'POST /order').length, 1);
});

test('the time may be given as a date', async (t) => {
  const directory = await startAcmeDirectory(t);
  const { order } = await createAuthority(t, directory.url, directory.ca);
  const date = new Date(Math.ceil(clock.wallMs() / 1000) * 1000 + 60_000);
  directory.answers.set('POST /order', { status: 503, headers: { 'retry-after': date.toUTCString() }, body: 'maintenance' });
  const { type, retryAfterMs, message } = await failureOf(order);
  assert.deepEqual([type, retryAfterMs], [undefined, date.getTime() - clock.wallMs()]);
  assert.match(message, /answered 503: maintenance$/);
});

test('a refusal of several names tells each of them', async (t) => {
  const directory = await startAcmeDirectory(t);
  const { order } = await createAuthority(t, directory.url, directory.ca);
  const subproblems = [
    { ...toProblem('rejectedIdentifier', 'forbidden by policy'), identifier: { type: 'dns', value: 'a.example.com' } },
  ];
  directory.answers.set('POST /order', { status: 403, body: { ...toProblem('compound', 'no'), subproblems } });
  const { type, message } = await failureOf(order);
  assert.equal(type, 'compound');
  assert.match(message, /compound: no; a\.example\.com: rejectedIdentifier: forbidden by policy$/);
});

test('an account that is refused is a refusal', async (t) => {
  const directory = await startAcmeDirectory(t);
  const { order } = await createAuthority(t, directory.url, directory.ca);
  directory.answers.set('POST /account', { status: 403, body: toProblem('unauthorized', 'account is deactivated') });
  assert.match((await failureOf(order)).message, /unauthorized: account is deactivated$/);
});

test('a nonce that is refused is replaced', async (t) => {
  const directory = await startAcmeDirectory(t);
  const { order } = await createAuthority(t, directory.url, directory.ca);
  directory.answers.set('POST /order', { status: 400, body: toProblem('badNonce', 'again') });
  await assert.rejects(order, /again/);
  const attempts = directory.requests.filter((asked) => asked === 'POST /order').length;
  assert.ok(attempts > 1 && attempts < 10, `${attempts} attempts`);
});

test('an account that the directory has forgotten is made anew, once', async (t) => {
  const directory = await startAcmeDirectory(t);
  const { order } = await createAuthority(t, directory.url, directory.ca);
  directory.answers.set('POST /order', { status: 400, body: toProblem('accountDoesNotExist', 'who?') });
  assert.equal((await failureOf(order)).type, 'accountDoesNotExist');
  assert.equal(directory.requests.filter((asked) => asked === 'POST /account').length, 2);
});

test('a directory that is not there, whose certificate nobody trusts, or that is none', async (t) => {
  const directory = await startAcmeDirectory(t);
  const { order: toNobody } = await createAuthority(t, 'https://127.0.0.1:9/directory');
  assert.match((await failureOf(toNobody)).message, /^https:\/\/127\.0\.0\.1:9\/directory cannot be reached: .*ECONNREFUSED/);
  const { order: toStranger } = await createAuthority(t, directory.url);
  assert.match((await failureOf(toStranger)).message, /cannot be reached: .*(?:self-signed|unable to verify|local issuer)/);
  const { order: toPage } = await createAuthority(t, directory.url, directory.ca);
  directory.answers.set('GET /directory', { status: 404, body: '<html>\n  nothing here' });
  assert.match((await failureOf(toPage)).message, /answered 404: <html> nothing here$/);
});

test('an order that is under way ends with the authority', async (t) => {
  const directory = await startAcmeDirectory(t);
  const { order, authority } = await createAuthority(t, directory.url, directory.ca);
  directory.silent.add('POST /order');
  const failure = failureOf(order);
  while (!directory.requests.includes('POST /order')) await new Promise((resolve) => setImmediate(resolve));
  authority.close();
  assert.match((await failure).message, /cannot be reached/);
});

test('advice on the renewal is asked by key and serial number, and limited', async (t) => {
  const directory = await startAcmeDirectory(t);
  const { authority } = await createAuthority(t, directory.url, directory.ca);
  const { cert } = await issueCertificate(['a.example.com'], clock.wallMs(), 90);
  const suggestedWindow = { start: '2031-07-01T00:00:00Z', end: '2031-07-02T00:00:00Z' };
  const answer = (headers: Readonly<Record<string, string>>) =>
    directory.answers.set('GET /renewal/*', { status: 200, headers, body: { suggestedWindow } });
  answer({ 'retry-after': '21600' });
  const window = { startMs: Date.UTC(2031, 6, 1), endMs: Date.UTC(2031, 6, 2) };
  assert.deepEqual(await authority.adviseRenewal(cert), { window, askAgainMs: 21_600_000 });
  assert.match(directory.requests.at(-1)!, /^GET \/renewal\/[\w-]{27}\.[\w-]{22}$/);
  answer({ 'retry-after': '1' });
  assert.equal((await authority.adviseRenewal(cert))?.askAgainMs, 60_000);
  answer({ 'retry-after': '9999999' });
  assert.equal((await authority.adviseRenewal(cert))?.askAgainMs, 86_400_000);
  answer({});
  assert.equal((await authority.adviseRenewal(cert))?.askAgainMs, 21_600_000);
});

test('a directory without renewal information gives no advice', async (t) => {
  const directory = await startAcmeDirectory(t);
  const { authority } = await createAuthority(t, directory.url, directory.ca);
  directory.answers.set('GET /directory', { status: 200, body: { newNonce: 'x' } });
  const { cert } = await issueCertificate(['a.example.com'], clock.wallMs(), 90);
  assert.equal(await authority.adviseRenewal(cert), undefined);
});

test('says which certificate is replaced, and orders without that when the authority objects', async (t) => {
  const directory = await startAcmeDirectory(t);
  const { authority } = await createAuthority(t, directory.url, directory.ca);
  const { cert } = await issueCertificate(['a.example.com'], clock.wallMs(), 90);
  const order = () => authority.order({ names: ['a.example.com'], replacedPem: cert, show: () => Promise.resolve() });
  const ordersOf = () =>
    directory.payloads.filter((payload) => typeof payload === 'object' && payload !== null && 'identifiers' in payload);
  directory.answers.set('POST /order', { status: 409, body: toProblem('alreadyReplaced', 'done already') });
  assert.equal((await failureOf(order)).type, 'alreadyReplaced');
  const identifiers = [{ type: 'dns', value: 'a.example.com' }];
  const [first, second] = ordersOf();
  assert.deepEqual([Object.keys(first as object), second], [['identifiers', 'replaces'], { identifiers }]);

  directory.answers.set('POST /order', { status: 429, body: toProblem('rateLimited', 'later') });
  assert.equal((await failureOf(order)).type, 'rateLimited');
  assert.equal(ordersOf().length, 3);
});
