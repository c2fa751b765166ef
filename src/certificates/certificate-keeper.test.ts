import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { toAcmeFile } from '#config/acme-files.ts';
import type { Configuration } from '#config/configuration.ts';
import { loadConfigurationValue } from '#config/load.ts';
import type { AcmeChallenges } from '#net/acme-challenges.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { TestAuthority } from '#test/support/test-authority.ts';
import { AcmeProblem } from './acme-problem.ts';
import { toFailurePath } from './acme-store.ts';
import { DAY_MS, readLeaf, TEMPORARY_ISSUER } from './certificate-facts.ts';
import { CertificateKeeper } from './certificate-keeper.ts';

const MINUTE_MS = 60_000;

/** One instance of a gateway, as far as ordered certificates go. */
class Instance {
  readonly keeper: CertificateKeeper;
  readonly authority: TestAuthority;
  readonly events: { readonly level: string; readonly message: string; readonly fields: unknown }[] = [];
  readonly shown: AcmeChallenges[] = [];
  /** How often it was said that what was provided is old. */
  changes = 0;
  /** What happens while it waits. */
  onWait = (): Promise<void> => Promise.resolve();
  served: Readonly<Record<string, string>> = {};
  readonly #configuration: () => Configuration;

  constructor(clock: FakeClock, configuration: () => Configuration) {
    this.#configuration = configuration;
    this.authority = new TestAuthority(clock);
    this.keeper = new CertificateKeeper({
      clock,
      logger: { log: (level, message, fields) => void this.events.push({ level, message, fields }) },
      random: () => 1,
      wait: () => this.onWait(),
      createAuthority: () => this.authority,
      onChallenges: (challenges) => void this.shown.push(challenges),
      onCertificates: () => {
        this.changes += 1;
      },
    });
  }

  /** Applies the present configuration. */
  async apply(): Promise<void> {
    this.served = await this.keeper.provide(this.#configuration());
    this.keeper.follow(this.#configuration(), { provided: this.served, ca: undefined });
  }

  /** Looks, waits for what that began, and applies what came of it. */
  async look(): Promise<void> {
    const before = this.changes;
    await this.keeper.look();
    await this.keeper.settled();
    if (this.changes > before) await this.apply();
  }

  get messages(): string[] {
    return this.events.map(({ level, message }) => `${level} ${message}`);
  }

  issuerOf(path: string): string | undefined {
    return readLeaf(this.served[path] ?? '')?.issuer.split('\n')[0];
  }
}

interface Bench {
  readonly clock: FakeClock;
  readonly store: string;
  path(...names: string[]): string;
  start(): Promise<Instance>;
  /** The names of the certificates from the next `apply` on. */
  setNames(...certificates: string[][]): Promise<void>;
}

async function createBench(t: TestContext): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-keeper-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const clock = new FakeClock();
  let configuration = await configure(folder, [['a.example.com']]);
  return {
    clock,
    store: join(folder, 'acme'),
    path: (...names) => toAcmeFile(configuration.acme!, names),
    async start() {
      const instance = new Instance(clock, () => configuration);
      t.after(() => instance.keeper.stop());
      await instance.apply();
      return instance;
    },
    async setNames(...certificates) {
      configuration = await configure(folder, certificates);
    },
  };
}

async function configure(folder: string, certificates: readonly (readonly string[])[]): Promise<Configuration> {
  const listeners = {
    web: { address: ':80' },
    secure: { address: ':443', tls: { certificates: certificates.map((acme) => ({ acme })) } },
  };
  const loaded = await loadConfigurationValue({ version: 1, listeners, acme: {} }, folder, { policies: [], env: {} });
  assert.ok(loaded.configuration !== undefined, JSON.stringify(loaded.issues));
  return loaded.configuration;
}

test('serves a temporary certificate until the ordered one is there', async (t) => {
  const { start, path } = await createBench(t);
  const gateway = await start();
  const file = path('a.example.com');
  assert.equal(gateway.issuerOf(file), `CN=${TEMPORARY_ISSUER}`);

  await gateway.look();
  assert.deepEqual(gateway.authority.orders, [['a.example.com']]);
  assert.equal(gateway.issuerOf(file), 'CN=Authority for tests');
  assert.deepEqual(gateway.messages, ['info certificate is ordered', 'info certificate was issued']);

  await gateway.look();
  assert.equal(gateway.authority.orders.length, 1);
});

test('keeps everything in files that nobody else can read', async (t) => {
  const { start, store, path } = await createBench(t);
  const gateway = await start();
  await gateway.look();
  const modes = [store, dirname(path('a.example.com')), path('a.example.com')].map(
    async (file) => (await stat(file)).mode & 0o777,
  );
  assert.deepEqual(await Promise.all(modes), [0o700, 0o700, 0o600]);
  assert.deepEqual(await readdir(store), ['letsencrypt']);
});

test('does not order what the store has at the start', async (t) => {
  const { start, path } = await createBench(t);
  await (await start()).look();
  const next = await start();
  assert.equal(next.issuerOf(path('a.example.com')), 'CN=Authority for tests');
  await next.look();
  assert.deepEqual([next.authority.orders, next.changes], [[], 0]);
});

test('shows challenges while it orders, and takes them away after', async (t) => {
  const { start } = await createBench(t);
  const gateway = await start();
  await gateway.look();
  assert.deepEqual(gateway.shown, [
    { http: { 'token-of-a.example.com': 'the answer' }, tlsAlpn: {} },
    { http: {}, tlsAlpn: {} },
  ]);
});

test('renews at two thirds of the life, and says which one is replaced', async (t) => {
  const { start, clock, path } = await createBench(t);
  const gateway = await start();
  await gateway.look();
  const first = gateway.served[path('a.example.com')];

  clock.advance(59 * DAY_MS);
  await gateway.look();
  assert.equal(gateway.authority.orders.length, 1);

  clock.advance(1.1 * DAY_MS);
  await gateway.look();
  assert.equal(gateway.authority.orders.length, 2);
  assert.deepEqual(gateway.authority.replaced, [undefined, first]);
  assert.notEqual(gateway.served[path('a.example.com')], first);
});

test('renews when the authority advises it', async (t) => {
  const { start, clock } = await createBench(t);
  const gateway = await start();
  await gateway.look();
  const startMs = clock.wallMs() + 5 * DAY_MS;
  gateway.authority.advice = { window: { startMs, endMs: startMs + DAY_MS }, askAgainMs: DAY_MS };

  clock.advance(2 * MINUTE_MS);
  await gateway.look(); // asks for advice
  clock.advance(4 * DAY_MS);
  await gateway.look();
  assert.equal(gateway.authority.orders.length, 1);

  gateway.authority.advice = undefined;
  clock.advance(2 * DAY_MS);
  await gateway.look();
  assert.equal(gateway.authority.orders.length, 2);
});

test('renews at once when the authority says that it should have been renewed', async (t) => {
  const { start, clock } = await createBench(t);
  const gateway = await start();
  await gateway.look();
  gateway.authority.advice = { window: { startMs: clock.wallMs() - DAY_MS, endMs: clock.wallMs() - 1 }, askAgainMs: DAY_MS };
  clock.advance(2 * MINUTE_MS);
  await gateway.look();
  gateway.authority.advice = undefined;
  await gateway.look();
  assert.equal(gateway.authority.orders.length, 2);
});

test('waits longer after each failure, and says so in the log', async (t) => {
  const { start, clock } = await createBench(t);
  const gateway = await start();
  gateway.authority.refusal = new AcmeProblem('a.example.com: dns: no such name', { type: 'dns' });
  await gateway.look();
  await gateway.look();
  assert.equal(gateway.authority.orders.length, 1);
  const { level, message, fields } = gateway.events.at(-1)!;
  assert.deepEqual([level, message], ['error', 'certificate could not be ordered']);
  assert.partialDeepStrictEqual(fields, {
    names: ['a.example.com'],
    problem: 'a.example.com: dns: no such name',
    failures: 1,
    nextTry: new Date(clock.wallMs() + MINUTE_MS).toISOString(),
  });

  for (const [minutes, orders] of [
    [1, 2],
    [1, 2],
    [1, 3],
    [3, 3],
    [1, 4],
  ] as const) {
    clock.advance(minutes * MINUTE_MS);
    await gateway.look();
    assert.equal(gateway.authority.orders.length, orders);
  }

  gateway.authority.refusal = undefined;
  clock.advance(8 * MINUTE_MS);
  await gateway.look();
  assert.equal(gateway.messages.at(-1), 'info certificate was issued');
});

test('never waits longer than six hours, unless it is asked to', async (t) => {
  const { start, clock, path } = await createBench(t);
  const gateway = await start();
  gateway.authority.refusal = new AcmeProblem('no');
  for (let failures = 0; failures < 15; failures++) {
    await gateway.look();
    clock.advance(6 * 60 * MINUTE_MS);
  }
  assert.equal(gateway.authority.orders.length, 15);

  gateway.authority.refusal = new AcmeProblem('too many', { type: 'rateLimited', retryAfterMs: 2 * DAY_MS });
  await gateway.look();
  clock.advance(47 * 60 * MINUTE_MS);
  await gateway.look();
  assert.equal(gateway.authority.orders.length, 16);
  // A new start does not forget what the authority has asked for; removing the file does.
  const next = await start();
  await next.look();
  assert.deepEqual(next.authority.orders, []);
  await rm(toFailurePath(path('a.example.com')));
  await next.look();
  assert.equal(next.authority.orders.length, 1);
});

test('a renewal that fails early is a warning, and the certificate stays', async (t) => {
  const { start, clock, path } = await createBench(t);
  const gateway = await start();
  await gateway.look();
  const served = gateway.served[path('a.example.com')];
  gateway.authority.refusal = new AcmeProblem('closed for today');
  clock.advance(61 * DAY_MS);
  await gateway.look();
  assert.equal(gateway.messages.at(-1), 'warn certificate could not be ordered');
  clock.advance(25 * DAY_MS);
  await gateway.look();
  assert.equal(gateway.messages.at(-1), 'error certificate could not be ordered');
  await gateway.apply();
  assert.equal(gateway.served[path('a.example.com')], served);
});

test('two instances that share a store order once', async (t) => {
  const { start, path } = await createBench(t);
  const [one, other] = [await start(), await start()];
  await Promise.all([one.look(), other.look()]);
  await Promise.all([one.look(), other.look()]);
  assert.equal(one.authority.orders.length + other.authority.orders.length, 1);
  const file = path('a.example.com');
  assert.equal(one.issuerOf(file), 'CN=Authority for tests');
  assert.equal(one.served[file], other.served[file]);
});

test('an instance shows the challenges of another one', async (t) => {
  const { start } = await createBench(t);
  const [one, other] = [await start(), await start()];
  // The authority asks whichever instance it reaches, so while one waits both must know the answer.
  one.onWait = () => other.keeper.look();
  await one.look();
  assert.deepEqual(other.shown, [{ http: { 'token-of-a.example.com': 'the answer' }, tlsAlpn: {} }]);
  await other.look();
  assert.deepEqual(other.shown.at(-1), { http: {}, tlsAlpn: {} });
});

test('takes over from an instance that died while it ordered', async (t) => {
  const { start, store, clock } = await createBench(t);
  await mkdir(store, { recursive: true });
  await writeFile(join(store, 'lease'), 'somebody 7\n');
  const challenges = { http: { left: 'behind' }, tlsAlpn: {} };
  await writeFile(join(store, 'challenges.json'), JSON.stringify({ until: clock.wallMs() + 15 * MINUTE_MS, challenges }));
  const gateway = await start();
  await gateway.look();
  assert.deepEqual(gateway.shown, [challenges]);

  clock.advance(25_000);
  await gateway.look();
  assert.deepEqual(gateway.authority.orders, []);
  clock.advance(10_000);
  await gateway.look();
  assert.deepEqual(gateway.authority.orders, [['a.example.com']]);
  assert.deepEqual(await readdir(store), ['letsencrypt']);
});

test('waits for an instance that is alive', async (t) => {
  const { start, store, clock } = await createBench(t);
  const gateway = await start();
  await mkdir(store, { recursive: true });
  for (let beat = 0; beat < 20; beat++) {
    await writeFile(join(store, 'lease'), `somebody ${beat}\n`);
    clock.advance(20_000);
    await gateway.look();
  }
  assert.deepEqual(gateway.authority.orders, []);
});

test('a file in the store that is no certificate is ordered anew', async (t) => {
  const { start, path } = await createBench(t);
  const file = path('a.example.com');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, 'not a certificate');
  const gateway = await start();
  assert.equal(gateway.issuerOf(file), `CN=${TEMPORARY_ISSUER}`);
  await gateway.look();
  assert.match(
    await readFile(file, 'utf8'),
    /^-----BEGIN PRIVATE KEY-----\n[^-]+-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE/,
  );
  assert.ok(gateway.messages.includes('error certificate in the store cannot be used'));
});

test('a name that is added does not take the certificate from the others', async (t) => {
  const { start, path, setNames } = await createBench(t);
  const gateway = await start();
  await gateway.look();
  const before = gateway.served[path('a.example.com')];
  await setNames(['a.example.com', 'b.example.com'], ['c.example.com']);
  await gateway.apply();
  const file = path('a.example.com', 'b.example.com');
  assert.equal(gateway.served[file], before);
  assert.equal(gateway.issuerOf(path('c.example.com')), `CN=${TEMPORARY_ISSUER}`);
  await gateway.look();
  await gateway.look();
  assert.deepEqual(gateway.authority.orders.slice(1), [['a.example.com', 'b.example.com'], ['c.example.com']]);
  assert.notEqual(gateway.served[file], before);
});

test('the names of a certificate may be written in any order', async (t) => {
  const { start, setNames } = await createBench(t);
  await setNames(['b.example.com', 'a.example.com']);
  const gateway = await start();
  await gateway.look();
  await setNames(['a.example.com', 'b.example.com']);
  await gateway.apply();
  await gateway.look();
  assert.equal(gateway.authority.orders.length, 1);
});

test('a store that cannot be used is said once, and nothing is ordered', async (t) => {
  const { start, store } = await createBench(t);
  await writeFile(store, 'a file where the folder should be');
  const gateway = await start();
  await gateway.look();
  await gateway.look();
  assert.deepEqual(gateway.authority.orders, []);
  assert.deepEqual(gateway.messages, ['error certificate cannot be read', 'error certificate store cannot be used']);
});

test('orders nothing more once it is stopped', async (t) => {
  const { start } = await createBench(t);
  const gateway = await start();
  await gateway.keeper.stop();
  await gateway.look();
  assert.deepEqual([gateway.authority.orders, gateway.authority.isClosed], [[], true]);
});
