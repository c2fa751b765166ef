/** Logins whose sessions are not in the browser: in the memory of a gateway, or in a Redis server that gateways share. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess } from '#test/support/gatehouse-process.ts';
import { CLIENT_SECRET, type LoginProvider, logIn, startLoginProvider } from '#test/support/login-provider.ts';
import {
  COOKIE_SECRET,
  logInAs,
  type OidcInput,
  SESSION_COOKIE,
  startLoginSite,
  startTellingService,
} from '#test/support/login-site.ts';
import { needs } from '#test/support/programs.ts';
import { RedisServer } from '#test/support/redis-server.ts';
import { type Page, TestBrowser } from '#test/support/test-browser.ts';

const redis = needs('redis-server');
const THREADS = 2;
const GATEWAYS = 2;
/** More than threads, so that each of them is met. */
const VISITS = 16;

/** By so many connections at once; what they were answered. A refusal takes no cookie from the browser. */
async function visitOften(browser: TestBrowser, origin: string): Promise<number[]> {
  const visitor = browser.clone();
  const visits = Array.from({ length: VISITS }, () => visitor.visit(`${origin}/shop/cart`, { isScript: true }));
  const pages = await Promise.all(visits);
  return [...new Set(pages.map(({ status }) => status))];
}

/** The page that it led to. */
async function assertLogsIn(browser: TestBrowser, origin: string, account: string): Promise<Page> {
  const page = await logInAs({ browser, origin }, account);
  assert.equal(page.status, 200, `${page.url}: ${page.text}`);
  return page;
}

/** A session that has ended is trusted by others for some seconds. */
async function untilRefused(browser: TestBrowser, origin: string): Promise<void> {
  while ((await visitOften(browser, origin)).some((status) => status !== 401));
}

test('a session in memory is known to all threads, also to one that takes the place of another, and after a reload', async (t) => {
  const { gateway, browser, origin, configure } = await startLoginSite(t, {
    threads: THREADS,
    oidc: { session: { store: 'memory' } },
  });
  await assertLogsIn(browser, origin, 'ada');
  assert.match(browser.cookiesFor(origin)[SESSION_COOKIE] ?? '', /^1\.[\w-]{43}$/);
  assert.deepEqual(await visitOften(browser, origin), [200]);
  const pool = gateway.control.pool!;
  for (const id of pool.threadIds) {
    await pool.kill(id);
    await eventually(() => pool.threadIds.length === THREADS && !pool.threadIds.includes(id), 'another thread is there');
  }
  assert.deepEqual(await gateway.reconfigure(configure({ session: { store: 'memory', idle: '2h' } })), []);
  assert.deepEqual(await visitOften(browser, origin), [200]);
  const elsewhere = browser.clone();
  const left = await browser.visit(`${origin}/oauth2/logout`, { method: 'POST', form: {}, from: 'same-origin' });
  assert.equal(left.status, 303);
  await untilRefused(elsewhere, origin);
});

test('with one thread for everything, sessions are in its own memory, and gone with it', async (t) => {
  const oidc: Partial<OidcInput> = { session: { store: 'memory' } };
  const { gateway, browser, origin, configure } = await startLoginSite(t, { oidc });
  await assertLogsIn(browser, origin, 'ada');
  assert.deepEqual(await gateway.reconfigure(configure({ unauthenticated: 'refuse' })), []);
  assert.deepEqual(await visitOften(browser, origin), [200]);
  await gateway.control.stop();
  const started = await gateway.control.start();
  assert.ok('listening' in started);
  const address = started.listening[0]!.address;
  assert.ok('port' in address);
  assert.deepEqual(await visitOften(browser, `http://shop.localhost:${address.port}`), [401]);
});

interface SharedSite {
  readonly gateways: readonly GatehouseProcess[];
  /** Of each gateway; browsers send both the same cookies. */
  readonly origins: readonly string[];
  readonly server: RedisServer;
  readonly provider: LoginProvider;
  readonly browser: TestBrowser;
}

async function startSharedSite(
  t: TestContext,
  oidc: Partial<OidcInput> = {},
  { tokenS, isPublic = false }: { readonly tokenS?: number; readonly isPublic?: boolean } = {},
): Promise<SharedSite> {
  const server = await RedisServer.start(t);
  const service = await startTellingService(t);
  const provider = await startLoginProvider();
  t.after(() => provider.close());
  const configuration: Partial<GatewayInput> = {
    threads: THREADS,
    // Patient with the store, because the machine of a test may be busy.
    stores: { redis: { url: server.url, timeout: '10s', failures: 1, pause: '100ms' } },
    policies: {
      oidc: {
        issuer: provider.issuer,
        clientId: 'shop',
        ...(!isPublic && { clientSecret: CLIENT_SECRET }),
        secret: COOKIE_SECRET,
        session: { store: 'redis' },
        ...oidc,
      },
    },
    services: { shop: { endpoints: [service] } },
    routes: { shop: { match: { path: '/shop/*' }, to: 'shop' } },
  };
  const gateways = await Promise.all(Array.from({ length: GATEWAYS }, () => GatehouseProcess.start(t, configuration)));
  const origins = gateways.map((gateway) => `http://shop.localhost:${gateway.port()}`);
  provider.register(
    [
      {
        client_id: 'shop',
        ...(isPublic ? { token_endpoint_auth_method: 'none' } : { client_secret: CLIENT_SECRET }),
        redirect_uris: origins.map((origin) => `${origin}/oauth2/callback`),
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    tokenS,
  );
  return { gateways, origins, server, provider, browser: new TestBrowser(systemClock) };
}

const codeOf = (page: Page) => page.json()['code'];

test('who logs in at one gateway is logged in at the other, and logs out at both', redis, async (t) => {
  const { origins, browser, provider, server } = await startSharedSite(t);
  const [here, there] = [origins[0]!, origins[1]!];
  await assertLogsIn(browser, here, 'ada');
  for (const origin of origins) assert.deepEqual(await visitOften(browser, origin), [200]);
  assert.deepEqual(provider.grants, ['authorization_code']);
  assert.match(await server.ask('KEYS', '*'), /^gatehouse:value:oidc:[\w-]{43}$/);
  const elsewhere = browser.clone();
  const left = await browser.visit(`${there}/oauth2/logout`, { method: 'POST', form: {}, from: 'same-origin' });
  assert.equal(left.status, 303);
  assert.equal(await server.ask('KEYS', '*'), '');
  await untilRefused(elsewhere, here);
  await untilRefused(elsewhere, there);
});

test('without its server nobody can log in and no session counts, and both go on when it is back', redis, async (t) => {
  const { origins, browser, server, gateways } = await startSharedSite(t);
  const [origin] = origins;
  await assertLogsIn(browser, origin!, 'ada');
  const other = new TestBrowser(systemClock);
  const begun = await other.follow(`${origin}/shop/cart`);
  await server.kill();
  // The login at the provider is done; there is nowhere to keep what it has brought.
  const lost = await logIn(other, begun, 'bob');
  assert.deepEqual([lost.status, codeOf(lost)], [503, 'GH_OIDC_STORE_UNAVAILABLE']);
  assert.deepEqual(other.cookiesFor(`${origin}/`)[SESSION_COOKIE], undefined);
  while ((await visitOften(browser, origin!)).some((status) => status !== 503));
  const refused = await browser.visit(`${origin}/shop/cart`);
  assert.deepEqual([refused.status, codeOf(refused)], [503, 'GH_OIDC_STORE_UNAVAILABLE']);
  await gateways[0]!.nextEvent('store is away');
  await server.run();
  // It has kept nothing on disk: whoever comes back is a stranger.
  while ((await visitOften(browser, origin!)).some((status) => status !== 401));
  await assertLogsIn(other, origin!, 'bob');
});

test('two gateways refresh a session once', redis, async (t) => {
  // A token that is shown twice ends the session, as with all public clients.
  const { origins, browser, provider } = await startSharedSite(t, { forward: 'access-token' }, { tokenS: 3, isPublic: true });
  // What came with the login may be outdated by the next visit.
  const tokens = new Set([(await assertLogsIn(browser, origins[0]!, 'ada')).json()['authorization']]);
  while (tokens.size < 4) {
    const visits = origins.flatMap((origin) =>
      Array.from({ length: 6 }, () => browser.visit(`${origin}/shop/cart`, { isScript: true })),
    );
    const pages = await Promise.all(visits);
    for (const page of pages) {
      assert.equal(page.status, 200, page.text);
      tokens.add(page.json()['authorization']);
    }
  }
  assert.equal(provider.grants.length, tokens.size);
});
