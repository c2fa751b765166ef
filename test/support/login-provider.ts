/** A real provider of OpenID Connect (the package `oidc-provider`) on a free port, with login pages of its own. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Configuration } from 'oidc-provider';
import type { Page, TestBrowser } from './test-browser.ts';

export interface LoginProvider {
  readonly issuer: string;
  /** Requests to the token endpoint, by what they ask for. */
  readonly grants: readonly string[];
  /** What is asked of it from now on goes here instead; `undefined`: to the provider again. */
  intercept(answer: RequestListener | undefined): void;
  /** Known clients, from when these are known. */
  register(clients: Configuration['clients'], tokenS?: number): void;
  close(): Promise<void>;
}

export const CLIENT_SECRET = 'secret-of-the-shop-at-the-provider';

/** Claims of the accounts, by name; a name that is not there has none. */
export type Accounts = Record<string, Record<string, unknown>>;

/** One key for all providers of a test file: it takes a moment to make. */
let keys: Configuration['jwks'];

export async function startLoginProvider(accounts: Accounts = {}): Promise<LoginProvider> {
  const grants: string[] = [];
  let serve: RequestListener | undefined;
  let intercepting: RequestListener | undefined;
  const server = createServer((request, response) => {
    noteGrant(request, grants);
    const listener = intercepting ?? serve;
    if (listener === undefined) response.writeHead(503).end();
    else listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    grants,
    intercept(answer) {
      intercepting = answer;
    },
    register(clients, tokenS = 600) {
      const provider = new Provider(issuer, { ...toConfiguration(accounts, tokenS), clients: clients ?? [] });
      serve = provider.callback();
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function toConfiguration(accounts: Accounts, tokenS: number): Configuration {
  keys ??= {
    keys: [{ ...generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ format: 'jwk' }), use: 'sig' }],
  };
  return {
    jwks: keys as NonNullable<Configuration['jwks']>,
    cookies: { keys: ['a key of the provider for its own cookies'] },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
    claims: { openid: ['sub', 'groups', 'roles', 'much'], email: ['email'], profile: ['name'] },
    // Claims stand in the token itself, as with most providers.
    conformIdTokenClaims: false,
    issueRefreshToken: (_context, client) => Promise.resolve(client.grantTypeAllowed('refresh_token')),
    ttl: {
      AccessToken: tokenS,
      AuthorizationCode: 60,
      IdToken: 600,
      RefreshToken: 86_400,
      Grant: 86_400,
      Session: 86_400,
      Interaction: 600,
    },
  };
}

function noteGrant(request: IncomingMessage, grants: string[]): void {
  if (request.method !== 'POST' || request.url !== '/token') return;
  let text = '';
  request.on('data', (part: Buffer) => {
    text += part.toString('latin1');
  });
  request.on('end', () => grants.push(new URLSearchParams(text).get('grant_type') ?? ''));
}

const FORMS_MAX = 4;

/** Fills in the pages of the provider, from the first one on, and goes on to where they lead. */
export async function logIn(
  browser: TestBrowser,
  first: Page,
  account: string,
  until?: (next: string) => boolean,
): Promise<Page> {
  let page = first;
  for (let i = 0; i < FORMS_MAX && page.text.includes('<form'); i++) {
    const asksWho = page.text.includes('name="login"');
    page = await browser.submit(page, asksWho ? { login: account, password: 'any' } : {}, until);
  }
  return page;
}
