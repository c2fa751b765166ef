/** The login of one place of use: who is let through, who is sent to the provider, and what the service and the browser see. */
import { GatewayError } from '#base/errors.ts';
import type { Consumer } from '#http/consumer.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import type { PhaseResult, PolicyServices } from '#pipeline/policy.ts';
import { withoutCookieFamily } from '#wire/fields/cookies.ts';
import { getField, removeField, setField } from '#wire/fields/field-list.ts';
import { isNavigation } from './browser-request.ts';
import type { OidcConfig } from './config.ts';
import { CookieWriter } from './cookie-writer.ts';
import { oidcErrors } from './errors.ts';
import { LoginAttempts } from './login-attempts.ts';
import { OwnAnswers } from './own-answers.ts';
import { Provider } from './provider.ts';
import type { RecentSession } from './recent-sessions.ts';
import { Renewals } from './renewals.ts';
import { toReturnPath } from './return-path.ts';
import { Sealer } from './sealer.ts';
import type { Session } from './session.ts';
import { readSessionCookie } from './session-cookie.ts';
import { toSessionHome } from './session-home.ts';
import { SessionKeeper } from './session-keeper.ts';

const sessionSlot = defineSlot<Session>('oidc session');
/** Fields that the answer carries to the browser, whoever gives it. */
const setCookiesSlot = defineSlot<readonly string[]>('oidc cookies');

const NOTHING: readonly string[] = [];
// RFC 9110 §11.6.1 asks a 401 to name a scheme; no registered one stands for a session.
const CHALLENGE = ['www-authenticate', 'Session realm="gatehouse"', 'cache-control', 'no-store'] as const;

interface LoginParts {
  readonly sessions: SessionKeeper;
  readonly answers: OwnAnswers;
}

export class BrowserLogin {
  readonly #config: OidcConfig;
  readonly #services: PolicyServices;
  readonly #writer: CookieWriter;
  readonly #anonymous: Consumer | undefined;
  readonly #renewals: Renewals;
  #parts: LoginParts | undefined;

  constructor(config: OidcConfig, services: PolicyServices) {
    this.#config = config;
    this.#services = services;
    this.#writer = new CookieWriter(config.cookie);
    this.#anonymous = config.anonymous === undefined ? undefined : services.consumers.find(config.anonymous);
    const { clock, keeper } = services;
    const name = toScope(config, 'renewals');
    this.#renewals = keeper.keep(name, () => new Renewals(clock, name));
  }

  onRequest(exchange: Exchange): PhaseResult | Promise<PhaseResult> {
    const { path, fields } = exchange.request;
    const { callbackPath, loginPath, logoutPath } = this.#config;
    this.#parts ??= this.#makeParts();
    const parts = this.#parts;
    if (path === callbackPath || path === loginPath || path === logoutPath) return parts.answers.answer(exchange);
    const text = readSessionCookie(fields, this.#writer.name);
    if (text === undefined) return this.#receiveStranger(exchange, NOTHING);
    const recent = parts.sessions.recall(text);
    return recent === undefined ? this.#look(exchange, text) : this.#admit(exchange, recent);
  }

  /** No service sees what logs in at the gateway. */
  shapeUpstream(exchange: Exchange, upstream: UpstreamRequest): void {
    upstream.fields = withoutCookieFamily(upstream.fields, this.#writer.name) ?? upstream.fields;
    const { forward } = this.#config;
    if (forward === undefined) return;
    const session = exchange.get(sessionSlot);
    const token = forward === 'access-token' ? session?.accessToken : session?.idToken;
    if (token === undefined) removeField(upstream.fields, 'authorization');
    else setField(upstream.fields, 'authorization', `Bearer ${token}`);
  }

  shapeAnswer(exchange: Exchange, response: ResponseHead): void {
    const setCookies = exchange.get(setCookiesSlot);
    if (setCookies === undefined) return;
    for (const value of setCookies) response.fields.push('set-cookie', value);
    // RFC 9111 §7.3: a cache that keeps this answer for others would hand them the session with it.
    const control = getField(response.fields, 'cache-control');
    if (control === undefined || !/\b(?:private|no-store)\b/i.test(control))
      setField(response.fields, 'cache-control', 'no-store');
  }

  async #look(exchange: Exchange, text: string): Promise<PhaseResult> {
    const { fields } = exchange.request;
    const { sessions } = this.#parts!;
    const live = await sessions.look(fields, text);
    if (live instanceof GatewayError) return live;
    if (live === undefined) return this.#receiveStranger(exchange, sessions.deleteCookies(fields));
    if (live.setCookies.length > 0) exchange.set(setCookiesSlot, live.setCookies);
    return this.#admit(exchange, live.recent);
  }

  #admit(exchange: Exchange, { session, consumer }: RecentSession): GatewayError | undefined {
    // Another login would bring nothing else.
    if (!this.#services.consumers.admit(exchange, consumer))
      return oidcErrors.sessionRefused({ reason: 'address', consumer: consumer.name }, { fields: CHALLENGE });
    if (this.#config.forward !== undefined) exchange.set(sessionSlot, session);
    return undefined;
  }

  #receiveStranger(exchange: Exchange, setCookies: readonly string[]): PhaseResult | Promise<PhaseResult> {
    const { request } = exchange;
    const { unauthenticated } = this.#config;
    if (unauthenticated === 'pass') {
      // Another policy may know already who asks.
      exchange.consumer ??= this.#anonymous;
      if (setCookies.length > 0) exchange.set(setCookiesSlot, setCookies);
      return undefined;
    }
    const isSent =
      unauthenticated === 'redirect' ? request.method === 'GET' : unauthenticated === 'auto' && isNavigation(request);
    if (isSent) return this.#parts!.answers.begin(exchange, toReturnPath(request.target), setCookies);
    return oidcErrors.missing(undefined, { fields: [...CHALLENGE, ...setCookies.flatMap((value) => ['set-cookie', value])] });
  }

  /** When the first request comes: keys and hashes are needed then, and not at a start. */
  #makeParts(): LoginParts {
    const config = this.#config;
    const { clock, keeper, callHttp, texts } = this.#services;
    const ca = config.ca && texts[config.ca.file];
    const sealer = new Sealer(config.secret, toScope(config, 'session'));
    const provider = keeper.keep(toProviderName(config, ca), () => new Provider(config, { clock, callHttp, ca }));
    const writer = this.#writer;
    const renewals = this.#renewals;
    const home = toSessionHome(config, sealer, this.#services, writer.name);
    const sessions = new SessionKeeper(config, this.#services, { home, provider, renewals, writer });
    const attempts = new LoginAttempts(new Sealer(config.secret, toScope(config, 'login')), writer, clock);
    return { sessions, answers: new OwnAnswers(config, { sessions, attempts, provider }) };
  }
}

/** What belongs to one client of one provider is nothing to others. */
function toScope({ issuer, clientId }: OidcConfig, kind: string): string {
  return JSON.stringify(['gatehouse oidc', kind, issuer, clientId]);
}

/** Whoever would ask the provider the same questions shares what it said. */
function toProviderName(config: OidcConfig, ca: string | undefined): string {
  const { issuer, clientId, clientSecret, clientAuthentication, scopes, audience, resource, parameters, userinfo } = config;
  const settings = { issuer, clientId, clientAuthentication, scopes, audience, resource, parameters, userinfo };
  const text = JSON.stringify({ ...settings, ca, secret: clientSecret?.reveal() });
  return `oidc provider ${process.getBuiltinModule('node:crypto').hash('sha256', text)}`;
}
