/** The whole login of a browser: a real gateway, a real provider, and a service that tells what it was sent. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FakeClock } from '#test/support/fake-clock.ts';
import { listenFor } from '#test/support/listening-server.ts';
import { logIn } from '#test/support/login-provider.ts';
import { COOKIE_SECRET, type LoginSite, logInAs, SESSION_COOKIE, startLoginSite } from '#test/support/login-site.ts';
import { TestBrowser } from '#test/support/test-browser.ts';

/** Only sessions live so long: connections, which live by the other time, stay as they are. */
function passTime(clock: FakeClock, ms: number): void {
  clock.jumpWallTo(clock.wallMs() + ms);
}

test('who opens a page logs in and comes back to it, and the service learns who it is', async (t) => {
  const site = await startLoginSite(t);
  const { browser, origin, provider } = site;
  const page = await logInAs(site, 'ada');
  assert.equal(page.status, 200, page.text);
  assert.equal(page.url, `${origin}/shop/cart?a=1&b=%2F`);
  const told = page.json();
  assert.equal(told['user'], `ada@${provider.issuer.slice('http://'.length)}`);
  assert.equal(told['cookie'], undefined);
  assert.equal(told['authorization'], undefined);
  assert.deepEqual(Object.keys(browser.cookiesFor(origin)), [SESSION_COOKIE]);
  const again = await browser.visit(`${origin}/shop/cart`);
  assert.equal(again.status, 200);
  assert.equal(again.headers['set-cookie'], undefined);
  assert.deepEqual(provider.grants, ['authorization_code']);
});

test('no service sees a cookie of the login, and all other cookies stay as they are', async (t) => {
  const site = await startLoginSite(t);
  const { browser, origin } = site;
  await logInAs(site, 'ada');
  // A login that has begun in another tab.
  await browser.clone().visit(`${origin}/oauth2/login`);
  browser.forge(origin, `${SESSION_COOKIE}.1`, 'left-over');
  browser.forge(origin, `${SESSION_COOKIE}.abcdefghijkl`, 'begun');
  browser.forge(origin, 'theme', '"dark"');
  browser.forge(origin, 'gatehouse', 'mine');
  browser.forge(origin, `${SESSION_COOKIE}y`, 'mine too');
  const { cookie } = (await browser.visit(`${origin}/shop/cart`)).json();
  assert.equal(cookie, `theme="dark"; gatehouse=mine; ${SESSION_COOKIE}y=mine too`);
});

test('only who opens a page is sent to the provider; scripts and other methods are refused', async (t) => {
  const site = await startLoginSite(t);
  const { browser, origin } = site;
  for (const visit of [
    { isScript: true },
    { method: 'POST', form: { a: '1' } },
    { headers: { 'sec-fetch-mode': 'websocket' } },
  ] as const) {
    const refused = await browser.visit(`${origin}/shop/cart`, visit);
    assert.equal(refused.status, 401, JSON.stringify(visit));
    assert.equal(refused.headers['www-authenticate'], 'Session realm="gatehouse"');
    assert.equal(refused.headers['cache-control'], 'no-store');
    assert.equal(refused.json()['code'], 'GH_OIDC_MISSING');
  }
  assert.deepEqual(browser.cookiesFor(origin), {});
  const sent = await browser.visit(`${origin}/shop/cart`);
  assert.equal(sent.status, 302);
  assert.equal(sent.headers['cache-control'], 'no-store');
  const url = new URL(sent.headers.location ?? '');
  assert.equal(url.origin, site.provider.issuer);
  assert.equal(url.searchParams.get('code_challenge_method'), 'S256');
  assert.equal(url.searchParams.get('redirect_uri'), `${origin}/oauth2/callback`);
});

test('`unauthenticated` decides otherwise', async (t) => {
  const site = await startLoginSite(t, { oidc: { unauthenticated: 'redirect' } });
  const { browser, origin, gateway } = site;
  assert.equal((await browser.visit(`${origin}/shop/cart`, { isScript: true })).status, 302);
  assert.equal((await browser.visit(`${origin}/shop/cart`, { method: 'POST', form: {} })).status, 401);
  assert.deepEqual(await gateway.reconfigure(site.configure({ unauthenticated: 'refuse' })), []);
  assert.equal((await browser.visit(`${origin}/shop/cart`)).status, 401);
  const open = site.configure({ unauthenticated: 'pass', anonymous: 'guest' }, { consumers: { guest: {} } });
  assert.deepEqual(await gateway.reconfigure(open), []);
  assert.equal((await browser.visit(`${origin}/shop/cart`)).json()['user'], 'guest');
  // A page with a link leads to the login, and on from there.
  const page = await logIn(
    browser,
    await browser.follow(`${origin}/oauth2/login?return_to=${encodeURIComponent('/shop/orders?x=%20')}`),
    'ada',
  );
  assert.equal(page.url, `${origin}/shop/orders?x=%20`);
  assert.match(String(page.json()['user']), /^ada@/);
});

const foreignTargets = [
  '//evil.example/',
  '/\\evil.example',
  'https://evil.example/',
  '/\t/evil.example',
  'javascript:alert(1)',
  '/a\r\nset-cookie: a=b',
  'shop/cart',
  '',
];

test('nobody is led to another site after a login', async (t) => {
  const site = await startLoginSite(t);
  const { origin } = site;
  for (const target of foreignTargets) {
    const browser = new TestBrowser(site.clock);
    const begun = await browser.follow(`${origin}/oauth2/login?return_to=${encodeURIComponent(target)}`);
    const end = await logIn(browser, begun, 'ada', (next) => !next.includes('/oauth2/callback') && next.startsWith(origin));
    assert.equal(end.headers.location, '/', JSON.stringify(target));
  }
});

test('no letter of where a login leads on to ends a line of the answer', async (t) => {
  const site = await startLoginSite(t);
  const { origin } = site;
  const browser = new TestBrowser(site.clock);
  // Their low bytes are CR and LF.
  const target = '/\u560d\u560aset-cookie:evil=1';
  const begun = await browser.follow(`${origin}/oauth2/login?return_to=${encodeURIComponent(target)}`);
  const end = await logIn(browser, begun, 'ada', (next) => !next.includes('/oauth2/callback') && next.startsWith(origin));
  assert.equal(end.headers.location, '/%E5%98%8D%E5%98%8Aset-cookie:evil=1');
  assert.equal(JSON.stringify(end.headers['set-cookie']).includes('evil'), false);
});

test('several tabs log in at once, and too many give up the oldest', async (t) => {
  const site = await startLoginSite(t);
  const { browser, origin, clock } = site;
  const first = await browser.follow(`${origin}/shop/one`);
  passTime(clock, 1_000);
  const second = await browser.follow(`${origin}/shop/two`);
  assert.equal((await logIn(browser, second, 'ada')).url, `${origin}/shop/two`);
  // The provider knows who it is by now, and the page of the other tab is still good.
  const one = await logIn(browser, first, 'ada');
  assert.equal(one.url, `${origin}/shop/one`, one.text);
  const other = new TestBrowser(clock);
  for (let i = 0; i < 9; i++) {
    passTime(clock, 1_000);
    await other.visit(`${origin}/shop/${i}`);
  }
  assert.equal(Object.keys(other.cookiesFor(origin)).length, 6);
});

/** The last URL of a login before it is complete: what the provider sends the browser back with. */
async function comeBack(site: LoginSite, browser = site.browser): Promise<string> {
  const stopAtCallback = (next: string) => next.includes('/oauth2/callback');
  const page = await browser.follow(`${site.origin}/shop/cart`, {}, stopAtCallback);
  const last = page.headers.location === undefined ? await logIn(browser, page, 'ada', stopAtCallback) : page;
  return String(last.headers.location);
}

test('what comes back from the provider counts once, for the browser that began, and as it was sent', async (t) => {
  const site = await startLoginSite(t);
  const { browser, origin, gateway, provider } = site;
  const change = (url: string, name: string, value: string | undefined) => {
    const changed = new URL(url);
    if (value === undefined) changed.searchParams.delete(name);
    else changed.searchParams.set(name, value);
    return changed.href;
  };
  const refuse = async (url: string, who: TestBrowser, what: string) => {
    const refused = await who.visit(url, { from: 'cross-site' });
    assert.equal(refused.status, 400, `${what}: ${refused.text}`);
    assert.equal(refused.json()['code'], 'GH_OIDC_REFUSED', what);
    assert.equal(refused.headers['cache-control'], 'no-store', what);
    assert.ok(!refused.text.includes('evil'), what);
    assert.equal(who.cookiesFor(origin)[SESSION_COOKIE], undefined, what);
  };
  const other = new TestBrowser(site.clock);
  await other.visit(`${origin}/shop/cart`);
  await refuse(await comeBack(site), other, 'a login that another browser began');
  const changes: [string, string | undefined][] = [
    ['state', 'evil'],
    ['state', undefined],
    ['iss', 'https://evil.example'],
    ['iss', undefined],
    ['code', 'evil'],
    ['code', undefined],
  ];
  for (const [name, value] of changes) await refuse(change(await comeBack(site), name, value), browser, `${name} is ${value}`);
  await refuse(`${await comeBack(site)}&state=evil`, browser, 'two states');
  const late = await comeBack(site);
  passTime(site.clock, 600_001);
  await refuse(late, browser, 'a login that took too long');
  const url = await comeBack(site);
  const copy = browser.clone();
  assert.equal((await browser.visit(url, { from: 'cross-site' })).status, 302);
  const replayed = browser.clone();
  replayed.forge(origin, SESSION_COOKIE, '');
  await refuse(url, replayed, 'the same once more');
  await refuse(url, copy, 'the same once more with the cookie of the login, which the provider refuses');
  const lines = await gateway.stop();
  const codes = lines.map(({ target }) => String(target)).filter((target) => target.includes('callback'));
  assert.ok(codes.length > 8);
  assert.deepEqual([...new Set(codes)], ['/oauth2/callback?[redacted]']);
  assert.ok(provider.grants.length > 0);
});

test('a provider that denies the login is told of in words of ours', async (t) => {
  const site = await startLoginSite(t);
  const { browser, origin } = site;
  const url = new URL(await comeBack(site));
  url.searchParams.delete('code');
  url.searchParams.set('error', 'access_denied');
  url.searchParams.set('error_description', '<script>evil</script>');
  const denied = await browser.visit(url.href, { from: 'cross-site' });
  assert.equal(denied.status, 403);
  assert.equal(denied.json()['code'], 'GH_OIDC_DENIED');
  assert.ok(!denied.text.includes('evil'));
  const [line] = (await site.gateway.stop()).filter(({ status }) => status === 403);
  assert.deepEqual(line!['detail'], { reason: 'access_denied' });
  assert.deepEqual(browser.cookiesFor(origin), {});
});

test('cookies that were changed, are of another site or are too old are no session, and are taken back', async (t) => {
  const site = await startLoginSite(t);
  const { browser, origin, gateway } = site;
  await logInAs(site, 'ada');
  const good = browser.cookiesFor(origin)[SESSION_COOKIE]!;
  const middle = good.length / 2;
  const swapped = good[middle] === 'A' ? 'B' : 'A';
  const wrong = [
    `${good.slice(0, middle)}${swapped}${good.slice(middle + 1)}`,
    good.slice(2),
    `2.${good.slice(2)}`,
    '1.',
    'x',
    '9.abc',
    `${good}=`,
    '1.aaaa',
  ];
  for (const cookie of wrong) {
    const who = new TestBrowser(site.clock);
    who.forge(origin, SESSION_COOKIE, cookie);
    const refused = await who.visit(`${origin}/shop/cart`, { isScript: true });
    assert.equal(refused.status, 401, cookie);
    assert.equal(who.cookiesFor(origin)[SESSION_COOKIE], undefined, cookie);
  }
  assert.equal((await browser.visit(`${origin}/shop/cart`, { isScript: true })).status, 200);
  // The same provider and secret, and another client.
  assert.deepEqual(await gateway.reconfigure(site.configure({ clientId: 'bakery' })), []);
  assert.equal((await browser.clone().visit(`${origin}/shop/cart`, { isScript: true })).status, 401);
  assert.deepEqual(await gateway.reconfigure(site.configure({ secret: 'another secret that nothing was encrypted with' })), []);
  assert.equal((await browser.clone().visit(`${origin}/shop/cart`, { isScript: true })).status, 401);
  const rotated = ['another secret that nothing was encrypted with', COOKIE_SECRET];
  assert.deepEqual(await gateway.reconfigure(site.configure({ secret: rotated })), []);
  assert.equal((await browser.visit(`${origin}/shop/cart`, { isScript: true })).status, 200);
});

test('a session ends when it is not used, and some time after the login in any case', async (t) => {
  const site = await startLoginSite(t, { oidc: { session: { idle: '10m', absolute: '1h' } } });
  const { browser, origin, clock, provider } = site;
  const isLoggedIn = async () => (await browser.visit(`${origin}/shop/cart`, { isScript: true })).status === 200;
  await logInAs(site, 'ada');
  const before = browser.cookiesFor(origin)[SESSION_COOKIE];
  passTime(clock, 60_000);
  assert.ok(await isLoggedIn());
  assert.equal(browser.cookiesFor(origin)[SESSION_COOKIE], before);
  passTime(clock, 60_000);
  const noted = await browser.visit(`${origin}/shop/cart`, { isScript: true });
  assert.notEqual(browser.cookiesFor(origin)[SESSION_COOKIE], before);
  // The service would let everybody keep its answer, which now holds a cookie of one person.
  assert.equal(noted.headers['cache-control'], 'no-store');
  const copy = browser.clone();
  passTime(clock, 599_999);
  assert.ok(await isLoggedIn());
  passTime(clock, 1);
  assert.equal((await copy.visit(`${origin}/shop/cart`, { isScript: true })).status, 401);
  for (let i = 0; i < 5; i++) {
    passTime(clock, 500_000);
    assert.ok(await isLoggedIn(), String(i));
  }
  passTime(clock, 379_998);
  assert.ok(await isLoggedIn());
  passTime(clock, 2);
  assert.equal(await isLoggedIn(), false);
  assert.ok(provider.grants.length > 1);
});

test('requests side by side refresh a session once, and who comes late with the old cookie gets what they got', async (t) => {
  // A public client gets a new token with each refresh, and one that is shown twice ends all of them.
  const site = await startLoginSite(t, { isPublic: true, oidc: { forward: 'access-token' } });
  const { browser, origin, clock, provider } = site;
  const first = (await logInAs(site, 'ada')).json()['authorization'];
  const old = browser.clone();
  passTime(clock, 540_000);
  const pages = await Promise.all([1, 2, 3, 4, 5, 6].map(() => browser.visit(`${origin}/shop/cart`, { isScript: true })));
  assert.deepEqual(
    pages.map(({ status }) => status),
    [200, 200, 200, 200, 200, 200],
  );
  const tokens = new Set(pages.map((page) => page.json()['authorization']));
  assert.equal(tokens.size, 1);
  assert.ok(!tokens.has(first));
  const late = await old.visit(`${origin}/shop/cart`, { isScript: true });
  assert.ok(tokens.has(late.json()['authorization']));
  assert.deepEqual(provider.grants, ['authorization_code', 'refresh_token']);
  passTime(clock, 540_000);
  assert.equal((await browser.visit(`${origin}/shop/cart`, { isScript: true })).status, 200);
  assert.equal(provider.grants.length, 3);
});

test('while the provider is down, nobody can log in, and sessions go on for as long as what they need is good', async (t) => {
  const site = await startLoginSite(t);
  const { browser, origin, clock, provider, gateway } = site;
  provider.intercept((_, response) => void response.writeHead(500).end('down'));
  const down = await browser.visit(`${origin}/shop/cart`);
  assert.equal(down.status, 503);
  assert.equal(down.json()['code'], 'GH_OIDC_PROVIDER_UNAVAILABLE');
  assert.equal(down.headers['retry-after'], '5');
  provider.intercept(undefined);
  assert.equal((await browser.visit(`${origin}/shop/cart`)).status, 503);
  clock.advance(2_000);
  await logInAs(site, 'ada');
  provider.intercept((request) => void request.socket.destroy());
  passTime(clock, 600_000);
  assert.equal((await browser.visit(`${origin}/shop/cart`, { isScript: true })).status, 200);
  assert.deepEqual(await gateway.reconfigure(site.configure({ forward: 'access-token' })), []);
  assert.equal((await browser.visit(`${origin}/shop/cart`, { isScript: true })).status, 503);
  provider.intercept(undefined);
  clock.advance(5_000);
  const page = await browser.visit(`${origin}/shop/cart`, { isScript: true });
  assert.match(String(page.json()['authorization']), /^Bearer ./);
});

test('a provider that takes a session back ends it when the token ends', async (t) => {
  const site = await startLoginSite(t);
  const { browser, origin, clock, provider } = site;
  await logInAs(site, 'ada');
  provider.intercept((request, response) => {
    request.resume();
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}');
  });
  passTime(clock, 599_999);
  assert.equal((await browser.visit(`${origin}/shop/cart`, { isScript: true })).status, 200);
  clock.advance(5_000);
  assert.equal((await browser.visit(`${origin}/shop/cart`, { isScript: true })).status, 401);
  assert.deepEqual(browser.cookiesFor(origin), {});
});

test('who logs out is logged out here and at the provider, and no other site can do that', async (t) => {
  const site = await startLoginSite(t, { oidc: { afterLogout: '/shop/bye' } });
  const { browser, origin, provider } = site;
  await logInAs(site, 'ada');
  for (const visit of [
    { from: 'cross-site' },
    { method: 'POST', form: {}, from: 'cross-site' },
    { from: 'same-site' },
  ] as const) {
    const refused = await browser.visit(`${origin}/oauth2/logout`, visit);
    assert.equal(refused.status, 403, JSON.stringify(visit));
    assert.equal(refused.json()['code'], 'GH_OIDC_FOREIGN_LOGOUT');
  }
  assert.equal((await browser.visit(`${origin}/shop/cart`)).status, 200);
  const left = await browser.visit(`${origin}/oauth2/logout`, { method: 'POST', form: {}, from: 'same-origin' });
  assert.equal(left.status, 303);
  assert.deepEqual(browser.cookiesFor(origin), {});
  assert.ok(left.headers.location!.startsWith(`${provider.issuer}/session/end?`));
  const asks = await browser.follow(left.headers.location!, {}, (next) => next.startsWith(origin));
  const done = await browser.submit(asks, { logout: 'yes' }, (next) => next.startsWith(origin));
  assert.equal(done.headers.location, `${origin}/shop/bye`);
  // The provider asks anew who it is.
  assert.match((await browser.follow(`${origin}/shop/cart`)).text, /name="login"/);
  const again = await browser.visit(`${origin}/oauth2/logout`, { from: 'same-origin' });
  assert.equal(again.headers.location, '/shop/bye');
});

const long = (length: number) => Array.from({ length: length / 10 }, (_, index) => String(index).padStart(9, 'g'));

test('a session that is too long for one cookie takes several, and one that is too long for these is refused', async (t) => {
  const site = await startLoginSite(t, { accounts: { ada: { groups: long(4_000) }, bob: { groups: long(12_000) } } });
  const { browser, origin, gateway } = site;
  assert.equal((await logInAs(site, 'ada')).status, 200);
  const names = Object.keys(browser.cookiesFor(origin));
  assert.deepEqual(names.slice(0, 2), [SESSION_COOKIE, `${SESSION_COOKIE}.1`]);
  assert.ok(names.length > 1 && names.length <= 4, names.join());
  browser.forge(origin, 'other', '1');
  assert.equal((await browser.visit(`${origin}/shop/cart`)).json()['cookie'], 'other=1');
  const torn = browser.clone();
  torn.forge(origin, `${SESSION_COOKIE}.1`, '');
  assert.equal((await torn.visit(`${origin}/shop/cart`, { isScript: true })).status, 401);
  const other = new TestBrowser(site.clock);
  const refused = await logInAs(site, 'bob', other);
  assert.equal(refused.status, 500);
  assert.equal(refused.json()['code'], 'GH_OIDC_SESSION_TOO_LARGE');
  assert.deepEqual(other.cookiesFor(origin), {});
  const event = gateway.events.find(({ message }) => message === 'session too large for a cookie');
  assert.match(String(event?.fields?.['advice']), /store: redis/);
});

test('the service gets the token that it is meant to get, and not what a client wrote there', async (t) => {
  const site = await startLoginSite(t, { oidc: { forward: 'id-token', unauthenticated: 'pass', userinfo: true } });
  const { browser, origin, gateway } = site;
  const headers = { authorization: 'Bearer mine' };
  assert.equal((await browser.visit(`${origin}/shop/cart`, { headers })).json()['authorization'], undefined);
  const page = await logIn(browser, await browser.follow(`${origin}/oauth2/login?return_to=/shop/cart`), 'ada');
  const token = String(page.json()['authorization']).replace('Bearer ', '');
  assert.equal((JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sub: string }).sub, 'ada');
  assert.equal((await browser.visit(`${origin}/shop/cart`, { headers })).json()['authorization'], `Bearer ${token}`);
  assert.deepEqual(await gateway.reconfigure(site.configure({ forward: undefined })), []);
  assert.equal((await browser.visit(`${origin}/shop/cart`, { headers })).json()['authorization'], 'Bearer mine');
});

test('groups of the token decide who may do what', async (t) => {
  const site = await startLoginSite(t, { accounts: { ada: { groups: ['gold'] } } });
  const { origin, gateway, clock } = site;
  const policies = { ...site.configure({}, {}).policies, authorize: { groups: ['gold'] } };
  assert.deepEqual(await gateway.reconfigure({ ...site.configure({}, {}), policies }), []);
  assert.equal((await logInAs(site, 'ada')).status, 200);
  const bob = await logInAs(site, 'bob', new TestBrowser(clock));
  assert.equal(bob.status, 403);
  assert.equal(bob.json()['code'], 'GH_AUTHORIZE_DENIED');
  assert.equal((await new TestBrowser(clock).visit(`${origin}/nowhere`)).status, 404);
});

test('a listener, and a route that has the paths of the login too, have logins of their own', async (t) => {
  const site = await startLoginSite(t);
  const { origin, gateway, clock } = site;
  const { policies, ...plain } = site.configure({}, {});
  const atRoute = { shop: { match: { path: ['/shop/*', '/oauth2/*'] }, to: 'shop', policies } };
  assert.deepEqual(await gateway.reconfigure({ ...plain, routes: atRoute }), []);
  assert.equal((await logInAs(site, 'ada')).status, 200);
  const listeners = { web: { address: `127.0.0.1:${gateway.port()}`, policies } };
  assert.deepEqual(await gateway.reconfigure({ ...plain, listeners }), []);
  assert.equal((await logInAs(site, 'ada', new TestBrowser(clock))).url, `${origin}/shop/cart?a=1&b=%2F`);
});

test('a session counts in every thread, and is refreshed by one of them', async (t) => {
  // A token that is shown twice ends the session, as with all public clients.
  const site = await startLoginSite(t, { threads: 3, isPublic: true, tokenS: 3, oidc: { forward: 'access-token' } });
  const { browser, origin, provider } = site;
  const page = await logInAs(site, 'ada');
  assert.equal(page.status, 200);
  // What came with the login may be outdated by the next visit.
  const tokens = new Set([page.json()['authorization']]);
  while (tokens.size < 4) {
    const pages = await Promise.all(Array.from({ length: 12 }, () => browser.visit(`${origin}/shop/cart`, { isScript: true })));
    assert.deepEqual(new Set(pages.map(({ status }) => status)), new Set([200]));
    for (const page of pages) tokens.add(page.json()['authorization']);
  }
  assert.equal(provider.grants.length, tokens.size);
});

test('a provider with a certificate of a private authority is trusted by the file that is named', async (t) => {
  const certificates = join(import.meta.dirname, '../support/certificates');
  const [cert, key] = await Promise.all(['localhost.pem', 'localhost.key'].map((name) => readFile(join(certificates, name))));
  const port = await listenFor(
    t,
    createTlsServer({ cert, key }, (_, response) => {
      const issuer = `https://localhost:${port}`;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ issuer, authorization_endpoint: `${issuer}/authorize` }));
    }) as unknown as Server,
  );
  const site = await startLoginSite(t, {
    oidc: { issuer: `https://localhost:${port}`, ca: join(certificates, 'authority.pem') },
  });
  const sent = await site.browser.visit(`${site.origin}/shop/cart`);
  assert.equal(sent.status, 302, sent.text);
  assert.match(sent.headers.location ?? '', /^https:\/\/localhost:\d+\/authorize\?/);
  assert.deepEqual(await site.gateway.reconfigure(site.configure({ ca: undefined })), []);
  assert.equal((await site.browser.visit(`${site.origin}/shop/cart`)).status, 503);
  const refusals = await site.gateway.reconfigure(site.configure({ ca: join(certificates, 'localhost.key') }));
  assert.match(refusals.join(), /the certificate authority .*localhost\.key is not a certificate in PEM form/);
});
