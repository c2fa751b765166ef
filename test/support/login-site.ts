/** A gateway with a login, a real provider, and a service that tells what it was sent. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type Clock, systemClock } from '#base/clock.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { FakeClock } from './fake-clock.ts';
import { type Accounts, CLIENT_SECRET, type LoginProvider, logIn, startLoginProvider } from './login-provider.ts';
import { TestBrowser } from './test-browser.ts';
import { startTestGateway, type TestGateway } from './test-gateway.ts';

export type OidcInput = Exclude<NonNullable<NonNullable<GatewayInput['policies']>['oidc']>, false>;

export const COOKIE_SECRET = 'a secret of the gateway for its cookies, long enough';
export const SESSION_COOKIE = '__Host-gatehouse';

export interface LoginSite {
  readonly gateway: TestGateway;
  readonly provider: LoginProvider;
  /** Of the site as browsers see it. */
  readonly origin: string;
  readonly browser: TestBrowser;
  readonly clock: FakeClock;
  configure(oidc: Partial<OidcInput>, more?: Partial<GatewayInput>): Partial<GatewayInput>;
}

export interface LoginSiteOptions {
  /** How long tokens of the provider are good. */
  readonly tokenS?: number;
  readonly oidc?: Partial<OidcInput>;
  readonly more?: Partial<GatewayInput>;
  readonly accounts?: Accounts;
  readonly threads?: number;
  readonly isPublic?: boolean;
}

/** Answers with what it was sent. */
const tellRequest: RequestListener = ({ url, headers }, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'public, max-age=60' });
  response.end(JSON.stringify({ url, cookie: headers.cookie, authorization: headers.authorization, user: headers['x-user'] }));
};

/** Its address. It is closed after the test. */
export async function startTellingService(t: TestContext): Promise<string> {
  const service = createServer(tellRequest);
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    service.closeAllConnections();
    await new Promise((resolve) => service.close(resolve));
  });
  return `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
}

export async function startLoginSite(
  t: TestContext,
  { oidc = {}, more, accounts, threads = 0, isPublic = false, tokenS = 600 }: LoginSiteOptions = {},
): Promise<LoginSite> {
  const service = await startTellingService(t);
  const provider = await startLoginProvider(accounts);
  const clock = new FakeClock();
  const used: Clock = threads === 0 ? clock : systemClock;
  const configure: LoginSite['configure'] = (changed, further = more) => ({
    policies: {
      oidc: {
        issuer: provider.issuer,
        clientId: 'shop',
        ...(!isPublic && { clientSecret: CLIENT_SECRET }),
        secret: COOKIE_SECRET,
        ...oidc,
        ...changed,
      },
      headers: { request: { set: { 'x-user': '${consumer}' } } },
    },
    services: { shop: { endpoints: [service] } },
    routes: { shop: { match: { path: '/shop/*' }, to: 'shop' } },
    ...further,
  });
  const gateway = await startTestGateway(configure({}), { clock: used, threads });
  t.after(async () => {
    await gateway.stop();
    await provider.close();
  });
  const origin = `http://shop.localhost:${gateway.port()}`;
  provider.register(
    [
      {
        client_id: 'shop',
        ...(isPublic ? { token_endpoint_auth_method: 'none' } : { client_secret: CLIENT_SECRET }),
        redirect_uris: [`${origin}/oauth2/callback`],
        post_logout_redirect_uris: [`${origin}/`, `${origin}/shop/bye`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    tokenS,
  );
  return { gateway, provider, origin, browser: new TestBrowser(used), clock, configure };
}

/** Opens a page and logs in at the provider. */
export async function logInAs(site: Pick<LoginSite, 'browser' | 'origin'>, account: string, browser = site.browser) {
  return logIn(browser, await browser.follow(`${site.origin}/shop/cart?a=1&b=%2F`), account);
}
