/**
 * The provider of a login, by way of openid-client. What it says of itself is kept from one configuration to the next.
 */
import type * as openid from 'openid-client';
import type { Clock } from '#base/clock.ts';
import { Library } from '#base/library.ts';
import type { Secret } from '#base/secret.ts';
import type { Claims } from '#http/consumer.ts';
import { type CallHttp, HttpCallFailed } from '#net/http-call.ts';
import type { OidcConfig } from './config.ts';
import type { LoginAttempt } from './login-attempts.ts';
import { type ProviderProblem, toProviderProblem } from './provider-problem.ts';

export type ProviderSettings = Pick<
  OidcConfig,
  'issuer' | 'clientId' | 'clientSecret' | 'clientAuthentication' | 'scopes' | 'audience' | 'resource' | 'parameters' | 'userinfo'
>;

export interface ProviderMeans {
  readonly clock: Clock;
  readonly callHttp: CallHttp;
  /** Certificates in PEM form that are trusted in the place of the machine's own. */
  readonly ca: string | undefined;
}

/** What a login or a refresh brings. */
export interface Grant {
  readonly idToken: string | undefined;
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly expiresInMs: number | undefined;
  /** Claims that are not in the token: from `userinfo`, and the scopes that were granted. */
  readonly moreClaims: Claims;
}

const CALL_TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 512 * 1024;
/** After this time the provider is asked again where its endpoints are; what it said before counts for as long as it does not answer. */
const DISCOVERY_KEPT_MS = 3_600_000;
/** A provider that did not answer is left alone for so long, however many browsers would like to log in. */
const DISCOVERY_PAUSE_MS = 2_000;

/** What talks to providers, with what that needs of Node.js. */
export const providerClient = new Library('openid-client', async () => {
  const client = await import('openid-client');
  // Node.js loads its `fetch` when somebody first asks for a part of it.
  Response.error();
  return client;
});

/** Logins that are completed at the same time. A browser that has begun one can ask for it again and again, before any rate limit. */
export const REDEEMS_MAX = 64;

interface Discovered {
  readonly client: typeof openid;
  readonly configuration: openid.Configuration;
}

export class Provider {
  readonly #settings: ProviderSettings;
  readonly #clock: Clock;
  readonly #callHttp: CallHttp;
  readonly #ca: string | undefined;
  #known: Discovered | undefined;
  #knownUntilMs = Number.NEGATIVE_INFINITY;
  #running: Promise<Discovered | ProviderProblem> | undefined;
  #problem: ProviderProblem | undefined;
  #problemUntilMs = Number.NEGATIVE_INFINITY;
  #redeems = 0;

  constructor(settings: ProviderSettings, { clock, callHttp, ca }: ProviderMeans) {
    this.#settings = settings;
    this.#clock = clock;
    this.#callHttp = callHttp;
    this.#ca = ca;
  }

  /** Where the browser is sent to log in. */
  async toLoginUrl({ state, nonce, verifier, redirectUri }: LoginAttempt): Promise<string | ProviderProblem> {
    const discovered = await this.#discover();
    if ('kind' in discovered) return discovered;
    const { client, configuration } = discovered;
    const { scopes, audience, resource, parameters } = this.#settings;
    try {
      const url = client.buildAuthorizationUrl(configuration, {
        ...parameters,
        ...(audience !== undefined && { audience }),
        ...(resource !== undefined && { resource }),
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });
      return url.href;
    } catch (error) {
      return toProviderProblem(error);
    }
  }

  /** Completes a login with what the provider sent the browser back with. */
  async redeem(query: string, attempt: LoginAttempt): Promise<Grant | ProviderProblem> {
    if (this.#redeems >= REDEEMS_MAX) return { kind: 'unavailable', reason: `more than ${REDEEMS_MAX} logins at once` };
    this.#redeems += 1;
    try {
      return await this.#redeem(query, attempt);
    } finally {
      this.#redeems -= 1;
    }
  }

  async #redeem(query: string, { state, nonce, verifier, redirectUri }: LoginAttempt): Promise<Grant | ProviderProblem> {
    const discovered = await this.#discover();
    if ('kind' in discovered) return discovered;
    const { client, configuration } = discovered;
    const { resource } = this.#settings;
    try {
      const answer = await client.authorizationCodeGrant(
        configuration,
        new URL(`${redirectUri}?${query}`),
        { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
        resource === undefined ? undefined : { resource },
      );
      return await this.#toGrant(discovered, answer, answer.claims()?.sub);
    } catch (error) {
      return toProviderProblem(error);
    }
  }

  /** `subject`: whose session it is; tokens for somebody else are refused. */
  async refresh(refreshToken: string, subject: string): Promise<Grant | ProviderProblem> {
    const discovered = await this.#discover();
    if ('kind' in discovered) return discovered;
    const { client, configuration } = discovered;
    const { resource } = this.#settings;
    try {
      const answer = await client.refreshTokenGrant(configuration, refreshToken, resource === undefined ? {} : { resource });
      const claims = answer.claims();
      // OpenID Connect Core §12.2.
      if (claims !== undefined && claims.sub !== subject) return { kind: 'refused', reason: 'another subject than before' };
      return await this.#toGrant(discovered, answer, subject);
    } catch (error) {
      return toProviderProblem(error);
    }
  }

  /** Where the browser is sent to log out there too; `undefined` where that is not possible. */
  async toLogoutUrl(idToken: string, afterLogout: string): Promise<string | undefined> {
    const discovered = await this.#discover();
    if ('kind' in discovered) return undefined;
    const { client, configuration } = discovered;
    if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
    try {
      return client.buildEndSessionUrl(configuration, { id_token_hint: idToken, post_logout_redirect_uri: afterLogout }).href;
    } catch {
      // What the provider says is no address to send somebody to; the session here is over all the same.
      return undefined;
    }
  }

  async #toGrant(
    { client, configuration }: Discovered,
    answer: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers,
    subject: string | undefined,
  ): Promise<Grant> {
    const { scope } = answer;
    const isAsked = this.#settings.userinfo && subject !== undefined;
    const told = isAsked ? await client.fetchUserInfo(configuration, answer.access_token, subject) : undefined;
    const expiresInS = answer.expires_in;
    return {
      idToken: answer.id_token,
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token,
      expiresInMs: expiresInS === undefined ? undefined : expiresInS * 1_000,
      moreClaims: { ...(scope !== undefined && { scope }), ...told },
    };
  }

  async #discover(): Promise<Discovered | ProviderProblem> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#known !== undefined && nowMs < this.#knownUntilMs) return this.#known;
    if (this.#problem !== undefined && nowMs < this.#problemUntilMs) return this.#known ?? this.#problem;
    this.#running ??= this.#ask().finally(() => {
      this.#running = undefined;
    });
    const asked = await this.#running;
    return 'kind' in asked ? (this.#known ?? asked) : asked;
  }

  async #ask(): Promise<Discovered | ProviderProblem> {
    const { issuer, clientId, clientSecret, clientAuthentication } = this.#settings;
    const client = providerClient.module;
    try {
      const isPlain = issuer.startsWith('http:');
      const configuration = await client.discovery(
        new URL(issuer),
        clientId,
        undefined,
        toClientAuthentication(client, clientSecret, clientAuthentication),
        {
          [client.customFetch]: this.#fetch,
          timeout: CALL_TIMEOUT_MS / 1_000,
          execute: [client.enableNonRepudiationChecks, ...(isPlain ? [client.allowInsecureRequests] : [])],
        },
      );
      this.#known = { client, configuration };
      this.#knownUntilMs = this.#clock.monotonicMs() + DISCOVERY_KEPT_MS;
      this.#problem = undefined;
      return this.#known;
    } catch (error) {
      this.#problem = toProviderProblem(error);
      this.#problemUntilMs = this.#clock.monotonicMs() + DISCOVERY_PAUSE_MS;
      return this.#problem;
    }
  }

  readonly #fetch: openid.CustomFetch = async (url, { method, headers, body, signal }) => {
    const answer = await this.#callHttp({
      url,
      method,
      headers: Object.fromEntries(new Headers(headers).entries()),
      ...(body !== undefined && body !== null && { body: String(body) }),
      timeoutMs: CALL_TIMEOUT_MS,
      bytesMax: ANSWER_BYTES_MAX,
      ca: this.#ca,
      ...(signal !== undefined && { signal }),
    });
    return toResponse(answer);
  };
}

function toClientAuthentication(
  client: typeof openid,
  secret: Secret | undefined,
  way: ProviderSettings['clientAuthentication'],
): openid.ClientAuth {
  if (secret === undefined) return client.None();
  return way === 'basic' ? client.ClientSecretBasic(secret.reveal()) : client.ClientSecretPost(secret.reveal());
}

/** The library reads what `fetch` returns. */
function toResponse({ status, headers, text }: Awaited<ReturnType<CallHttp>>): Response {
  // Other statuses belong to no answer, and `Response` takes them for a mistake of ours.
  if (status < 200 || status > 599) throw new HttpCallFailed(`the status is ${status}`);
  const hasBody = status !== 204 && status !== 205 && status !== 304;
  const fields = new Headers();
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) fields.set(name, String(value));
  return new Response(hasBody ? text : null, { status, headers: fields });
}
