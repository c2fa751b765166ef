/** What a login answers itself: where it begins, where the provider sends browsers back to, and where it ends. */
import { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { decodeWhole, findQueryParameter } from '#http/query-parameter.ts';
import type { Reply } from '#http/response.ts';
import { comesFromHere } from './browser-request.ts';
import type { OidcConfig } from './config.ts';
import { oidcErrors } from './errors.ts';
import type { LoginAttempts } from './login-attempts.ts';
import type { Provider } from './provider.ts';
import type { ProviderProblem } from './provider-problem.ts';
import { toReturnPath } from './return-path.ts';
import type { SessionKeeper } from './session-keeper.ts';

/** An answer about a login is for one browser, once. */
const NO_STORE = ['cache-control', 'no-store'] as const;
const UNAVAILABLE_RETRY_MS = 5_000;

type OwnAnswer = Promise<Reply | GatewayError>;

export class OwnAnswers {
  readonly #config: OidcConfig;
  readonly #sessions: SessionKeeper;
  readonly #attempts: LoginAttempts;
  readonly #provider: Provider;

  constructor(
    config: OidcConfig,
    means: { readonly sessions: SessionKeeper; readonly attempts: LoginAttempts; readonly provider: Provider },
  ) {
    this.#config = config;
    this.#sessions = means.sessions;
    this.#attempts = means.attempts;
    this.#provider = means.provider;
  }

  answer(exchange: Exchange): OwnAnswer {
    const { path, query } = exchange.request;
    if (path === this.#config.callbackPath) return this.#complete(exchange);
    if (path === this.#config.logoutPath) return this.#logOut(exchange);
    const asked = findQueryParameter(query, 'return_to');
    return this.begin(exchange, toReturnPath(asked === undefined ? undefined : decodeWhole(asked)));
  }

  /** Sends the browser to the provider. `returnTo` is a path of this site. */
  async begin(exchange: Exchange, returnTo: string, setCookies: readonly string[] = []): OwnAnswer {
    const { request } = exchange;
    if (request.method !== 'GET' && request.method !== 'HEAD') return oidcErrors.refused({ reason: 'method' });
    const redirectUri = `${this.#toOrigin(exchange)}${this.#config.callbackPath}`;
    const [attempt, kept] = this.#attempts.begin(request.fields, { redirectUri, returnTo });
    const url = await this.#provider.toLoginUrl(attempt);
    if (typeof url !== 'string') return toProviderError(url, []);
    return redirect(302, url, [...setCookies, ...kept]);
  }

  async #complete(exchange: Exchange): OwnAnswer {
    const { request } = exchange;
    // The code is as good as a password for as long as nobody has redeemed it.
    exchange.shownTarget = `${request.path}?[redacted]`;
    const parameters = new URLSearchParams(request.query);
    const state = parameters.get('state') ?? '';
    const attempt = request.method === 'GET' ? this.#attempts.find(request.fields, state) : undefined;
    if (attempt === undefined)
      return oidcErrors.refused({ reason: 'no such login was begun by this browser' }, { fields: NO_STORE });
    const ended = this.#attempts.end(attempt);
    const grant = await this.#provider.redeem(request.query, attempt);
    if ('kind' in grant) return toProviderError(grant, [ended]);
    const begun = await this.#sessions.begin(request.fields, grant);
    if (begun instanceof GatewayError) return withCookies(begun, [ended]);
    return redirect(302, attempt.returnTo, [...begun, ended]);
  }

  async #logOut(exchange: Exchange): OwnAnswer {
    const { request } = exchange;
    const origin = this.#toOrigin(exchange);
    if (!comesFromHere(request, origin)) return oidcErrors.foreignLogout(undefined, { fields: NO_STORE });
    if (request.method !== 'GET' && request.method !== 'POST') return oidcErrors.refused({ reason: 'method' });
    const session = await this.#sessions.end(request.fields);
    const setCookies = this.#sessions.deleteCookies(request.fields);
    const { afterLogout } = this.#config;
    const target = afterLogout.startsWith('/') ? `${origin}${afterLogout}` : afterLogout;
    const url = session && (await this.#provider.toLogoutUrl(session.idToken, target));
    return redirect(303, url ?? afterLogout, setCookies);
  }

  #toOrigin({ request }: Exchange): string {
    return this.#config.origin ?? `${request.scheme}://${request.authority}`;
  }
}

function redirect(status: number, location: string, setCookies: readonly string[]): Reply {
  return { status, fields: ['location', location, ...NO_STORE, ...toFields(setCookies)], contentLengthBytes: 0, body: undefined };
}

function toProviderError({ kind, reason }: ProviderProblem, setCookies: readonly string[]): GatewayError {
  const fields = [...NO_STORE, ...toFields(setCookies)];
  switch (kind) {
    case 'unavailable':
      return oidcErrors.providerUnavailable({ reason }, { fields, retryAfterMs: UNAVAILABLE_RETRY_MS });
    case 'denied':
      return oidcErrors.denied({ reason }, { fields });
    case 'refused':
      return oidcErrors.refused({ reason }, { fields });
    default:
      return kind satisfies never;
  }
}

function withCookies({ kind, detail, fields, cause }: GatewayError, setCookies: readonly string[]): GatewayError {
  return new GatewayError(kind, detail, { fields: [...fields, ...NO_STORE, ...toFields(setCookies)], cause });
}

function toFields(setCookies: readonly string[]): string[] {
  return setCookies.flatMap((value) => ['set-cookie', value]);
}
