import { callLibraries } from '#net/http-call.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { BrowserLogin } from './browser-login.ts';
import type { OidcConfig } from './config.ts';
import { oidcErrors } from './errors.ts';
import { providerClient } from './provider.ts';

/** Has people log in at a provider of OpenID Connect, and knows them by the session that they get. */
export const oidcPolicy = definePolicy({
  name: 'oidc',
  summary: 'Has people log in with their browser at a provider of OpenID Connect, and keeps their sessions.',
  loadConfig: async () => (await import('./config.ts')).oidcConfig,
  consumerSettings: ['anonymous'],
  fileSettings: ['ca'],
  storeSettings: ['session.store'],
  errors: oidcErrors,
  libraries: [{ library: providerClient }, ...callLibraries(({ issuer }: OidcConfig) => [issuer])],
  ownPaths: ({ callbackPath, loginPath, logoutPath }) => [callbackPath, loginPath, logoutPath],
  describe: describeLogin,
  create(config, services) {
    const login = new BrowserLogin(config, services);
    return {
      requestHead: (exchange) => login.onRequest(exchange),
      upstreamRequest: (exchange, upstream) => login.shapeUpstream(exchange, upstream),
      responseHead: (exchange, response) => login.shapeAnswer(exchange, response),
    };
  },
});

const strangers: Readonly<Record<OidcConfig['unauthenticated'], string>> = {
  auto: 'pages lead to the login, other requests are refused',
  redirect: 'every GET leads to the login',
  refuse: 'all are refused',
  pass: 'all pass',
};

const homes: Readonly<Record<OidcConfig['session']['store'], string>> = {
  cookie: 'a cookie',
  memory: 'memory',
  redis: 'redis',
};

function describeLogin({ issuer, session, unauthenticated, anonymous }: OidcConfig): string {
  const as = anonymous === undefined ? '' : ` as ${anonymous}`;
  return `login at ${issuer}, session in ${homes[session.store]}; without one ${strangers[unauthenticated]}${as}`;
}
