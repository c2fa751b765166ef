/** The login with sessions in a shared store, in the real pipeline. The whole login of a browser is in test/runtime/login.test.ts. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type KeyValueStore, StoreFailed } from '#base/key-value-store.ts';
import { silentLogger } from '#base/logger.ts';
import { callHttp } from '#net/http-call.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import { MemoryStore } from '#stores/memory/memory-store.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { CLIENT_SECRET, type LoginProvider, logIn, startLoginProvider } from '#test/support/login-provider.ts';
import { type BenchAnswer, createPolicyBench, type PolicyBench, plan } from '#test/support/policy-bench.ts';
import { ManualTimers } from '#test/support/policy-services.ts';
import { TestBrowser } from '#test/support/test-browser.ts';
import { oidcPolicy } from './policy.ts';

const NAME = '__Host-gatehouse';
const ORIGIN = 'http://shop.localhost';

/** Knows neither time nor room. */
class MapStore implements KeyValueStore {
  readonly values = new Map<string, string>();
  isAway = false;

  async get(key: string) {
    this.#check();
    const value = this.values.get(key);
    return value === undefined ? undefined : Buffer.from(value);
  }

  async set(key: string, value: Buffer | string) {
    this.#check();
    this.values.set(key, String(value));
  }

  async add(key: string, value: Buffer | string) {
    if ((await this.get(key)) !== undefined) return false;
    await this.set(key, value);
    return true;
  }

  async delete(key: string) {
    this.#check();
    this.values.delete(key);
  }

  #check(): void {
    if (this.isAway) throw new StoreFailed('the store is away');
  }
}

interface Fixture {
  readonly clock: FakeClock;
  readonly store: MapStore;
  readonly provider: LoginProvider;
  /** Two threads of one gateway, or two gateways. */
  readonly here: PolicyBench;
  readonly there: PolicyBench;
}

async function start(t: TestContext, settings: object = {}, services: Partial<PolicyServices> = {}): Promise<Fixture> {
  const provider = await startLoginProvider();
  t.after(() => provider.close());
  provider.register([
    {
      client_id: 'shop',
      client_secret: CLIENT_SECRET,
      redirect_uris: [`${ORIGIN}/oauth2/callback`],
      grant_types: ['authorization_code', 'refresh_token'],
    },
  ]);
  const clock = new FakeClock();
  const store = new MapStore();
  const config = {
    issuer: provider.issuer,
    clientId: 'shop',
    clientSecret: CLIENT_SECRET,
    secret: 'a secret that is long enough for cookies',
    session: { store: 'redis' },
    ...settings,
  };
  const bench = async () =>
    createPolicyBench({ policies: [await plan(oidcPolicy, config, { clock, callHttp, sharedStore: store, ...services })] });
  return { clock, store, provider, here: await bench(), there: await bench() };
}

const send = (bench: PolicyBench, url: string, cookie: string, fields: readonly string[] = []) =>
  bench.send({
    url,
    host: 'shop.localhost',
    fields: ['accept', 'text/html', ...fields, ...(cookie === '' ? [] : ['cookie', cookie])],
  });

/** What a browser sends from now on. */
function toCookie(answer: BenchAnswer): string {
  const pairs = answer.values('set-cookie').map((line) => line.split(';')[0]!);
  return pairs.filter((pair) => !pair.endsWith('=')).join('; ');
}

/** Logs in at the provider, and comes back from there. */
async function comeBackAt({ here, clock }: Fixture, before = ''): Promise<BenchAnswer> {
  const begun = await send(here, '/cart', before);
  assert.equal(begun.status, 302, begun.text);
  const provider = new TestBrowser(clock);
  const page = await provider.follow(begun.values('location')[0]!);
  const last = await logIn(provider, page, 'ada', (next) => next.startsWith(ORIGIN));
  const cookies = [before, toCookie(begun)].filter((text) => text !== '').join('; ');
  return send(here, last.headers.location!.slice(ORIGIN.length), cookies);
}

/** The cookie of a session. */
async function logInAt(fixture: Fixture, before = ''): Promise<string> {
  const back = await comeBackAt(fixture, before);
  assert.equal(back.status, 302, back.text);
  assert.deepEqual(back.values('location'), ['/cart']);
  return toCookie(back);
}

test('a session in the store leaves an id in the cookie, and nothing that can be read or used in the store', async (t) => {
  const fixture = await start(t);
  const cookie = await logInAt(fixture);
  assert.match(cookie, new RegExp(`^${NAME}=1\\.[\\w-]{43}$`));
  const id = cookie.slice(NAME.length + 3);
  const [[key, value] = ['', '']] = [...fixture.store.values];
  assert.ok(!key.includes(id) && !value.includes(id));
  assert.ok(!Buffer.from(value, 'base64url').includes('ada'));
  for (const bench of [fixture.here, fixture.there]) {
    const answer = await send(bench, '/cart', cookie);
    assert.equal(answer.status, 200);
    assert.match(answer.exchange.consumer?.name ?? '', /^ada@127\.0\.0\.1:/);
    assert.deepEqual(answer.values('set-cookie'), []);
  }
});

test('a login never goes on with a session from before it', async (t) => {
  const fixture = await start(t);
  const mine = await logInAt(fixture);
  // Ended here, and brought to the browser by somebody who still has it.
  fixture.store.values.clear();
  fixture.clock.advance(5_000);
  const planted = `${NAME}=1.${'a'.repeat(43)}`;
  for (const before of [mine, planted]) {
    const cookie = await logInAt(fixture, before);
    assert.notEqual(cookie, before);
    assert.equal(fixture.store.values.size, 1);
    fixture.store.values.clear();
    fixture.clock.advance(5_000);
  }
});

test('who logs out is logged out at once here, and soon everywhere', async (t) => {
  const fixture = await start(t);
  const { here, there, clock, store } = fixture;
  const cookie = await logInAt(fixture);
  for (const bench of [here, there]) assert.equal((await send(bench, '/cart', cookie)).status, 200);
  const left = await send(here, '/oauth2/logout', cookie, ['sec-fetch-site', 'same-origin']);
  assert.equal(left.status, 303);
  assert.equal(store.values.size, 0);
  assert.equal((await send(here, '/cart', cookie)).status, 302);
  clock.advance(4_999);
  assert.equal((await send(there, '/cart', cookie)).status, 200);
  clock.advance(1);
  assert.equal((await send(there, '/cart', cookie)).status, 302);
});

test('without the store nobody is taken for somebody, or for nobody', async (t) => {
  const fixture = await start(t);
  const { here, clock, store } = fixture;
  const cookie = await logInAt(fixture);
  assert.equal((await send(here, '/cart', cookie)).status, 200);
  store.isAway = true;
  clock.advance(5_000);
  const away = await send(here, '/cart', cookie);
  assert.equal(away.status, 503);
  assert.equal((away.json() as { code: string }).code, 'GH_OIDC_STORE_UNAVAILABLE');
  const left = await send(here, '/oauth2/logout', cookie, ['sec-fetch-site', 'same-origin']);
  assert.equal(left.status, 303);
  assert.match(left.values('set-cookie')[0]!, new RegExp(`^${NAME}=; Max-Age=0;`));
  store.isAway = false;
  assert.equal((await send(here, '/cart', cookie)).status, 200);
});

test('a refresh keeps the id, and others find what it brought', async (t) => {
  const fixture = await start(t, { forward: 'access-token' });
  const { here, there, clock, provider } = fixture;
  const cookie = await logInAt(fixture);
  for (const bench of [here, there]) await send(bench, '/cart', cookie);
  clock.advance(560_000);
  for (const bench of [here, there]) assert.equal((await send(bench, '/cart', cookie)).status, 200);
  assert.deepEqual(provider.grants, ['authorization_code', 'refresh_token']);
  const tokenOf = (bench: PolicyBench) => bench.seen.at(-1)!.fields[bench.seen.at(-1)!.fields.indexOf('authorization') + 1];
  assert.equal(tokenOf(here), tokenOf(there));
  assert.notEqual(tokenOf(here), here.seen[0]!.fields.at(-1));
});

test('what is not an id is not looked up', async (t) => {
  const { here, store } = await start(t);
  store.isAway = true;
  for (const text of ['1.', '1.x', `1.${'a'.repeat(44)}`, `1.${'a'.repeat(42)}*`, '__proto__']) {
    const refused = await send(here, '/cart', `${NAME}=${text}`, ['sec-fetch-mode', 'cors']);
    assert.equal(refused.status, 401, text);
  }
});

test('a gateway waits while another refreshes, and refreshes itself where that has failed', async (t) => {
  const timers = new ManualTimers();
  const fixture = await start(t, { forward: 'access-token' }, { later: timers.later });
  const { here, clock, provider, store } = fixture;
  const cookie = await logInAt(fixture);
  // As another gateway claims it: whatever it is called, it is not there yet.
  const add = store.add.bind(store);
  const claimed: string[] = [];
  store.add = async (key) => {
    claimed.push(key);
    return false;
  };
  clock.advance(700_000);
  const waiting = send(here, '/cart', cookie);
  await eventually(() => claimed.length === 1 && timers.delaysMs.includes(100), 'it looks again soon');
  store.add = add;
  timers.runAll();
  assert.equal((await waiting).status, 200);
  assert.deepEqual(provider.grants, ['authorization_code', 'refresh_token']);
});

test('nobody waits for ever for another gateway that refreshes', async (t) => {
  const timers = new ManualTimers();
  const fixture = await start(t, { forward: 'access-token' }, { later: timers.later });
  const { here, clock, provider, store } = fixture;
  const cookie = await logInAt(fixture);
  store.add = async () => false;
  clock.advance(700_000);
  let isOver = false;
  const waiting = send(here, '/cart', cookie).finally(() => {
    isOver = true;
  });
  await eventually(() => {
    timers.runAll();
    return isOver;
  }, 'it is answered');
  assert.equal((await waiting).status, 503);
  assert.deepEqual(provider.grants, ['authorization_code']);
});

test('who logs in while the memory is full is told so, and nobody else notices', async (t) => {
  const memory = new MemoryStore(8_192, { clock: new FakeClock(), logger: silentLogger });
  const fixture = await start(t, { session: { store: 'memory' } }, { openMemoryStore: async () => memory });
  const cookie = await logInAt(fixture);
  memory.bytesMax = memory.bytes;
  const refused = await comeBackAt(fixture);
  assert.deepEqual([refused.status, (refused.json() as { code: string }).code], [503, 'GH_OIDC_STORE_UNAVAILABLE']);
  assert.deepEqual(refused.exchange.error?.detail, { reason: 'the store is full' });
  assert.equal((await send(fixture.there, '/cart', cookie)).status, 200);
});
