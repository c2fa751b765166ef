/** Finds, begins, refreshes and ends sessions. */
import { GatewayError } from '#base/errors.ts';
import { StoreFailed } from '#base/key-value-store.ts';
import type { Consumer } from '#http/consumer.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import { toTokenConsumer } from '#pipeline/token-consumer.ts';
import type { OidcConfig } from './config.ts';
import type { CookieWriter } from './cookie-writer.ts';
import { oidcErrors } from './errors.ts';
import type { Grant, Provider } from './provider.ts';
import type { ProviderProblem } from './provider-problem.ts';
import { type RecentSession, RecentSessions } from './recent-sessions.ts';
import type { Renewals } from './renewals.ts';
import { findNoteTime, findSessionEnd, readSessionClaims, type Session, type SessionLimits, toSession } from './session.ts';
import { deleteSessionCookie, readSessionCookie, SESSION_TEXT_LENGTH_MAX, writeSessionCookie } from './session-cookie.ts';
import type { SessionHome } from './session-home.ts';
import { refreshOnce } from './shared-refresh.ts';

/** A session that counts, and the fields by which the browser learns what has changed of it. */
export interface LiveSession {
  readonly recent: RecentSession;
  readonly setCookies: readonly string[];
}

export interface SessionMeans {
  readonly home: SessionHome;
  readonly provider: Provider;
  readonly renewals: Renewals;
  readonly writer: CookieWriter;
}

/** How soon it is looked again what became of a refresh that has not succeeded. */
const RETRY_MS = 5_000;

export class SessionKeeper {
  readonly #config: OidcConfig;
  readonly #services: Pick<PolicyServices, 'clock' | 'consumers' | 'later' | 'logger'>;
  readonly #means: SessionMeans;
  readonly #limits: SessionLimits;
  readonly #recent = new RecentSessions();

  constructor(config: OidcConfig, services: PolicyServices, means: SessionMeans) {
    this.#config = config;
    this.#services = services;
    this.#means = means;
    this.#limits = { idleMs: config.session.idle, absoluteMs: config.session.absolute };
  }

  /** A session of which everything is known that is needed now. */
  recall(text: string): RecentSession | undefined {
    const recent = this.#recent.get(text);
    return recent !== undefined && this.#services.clock.wallMs() < recent.untilMs ? recent : undefined;
  }

  /** `undefined`: this is no session, or none any more. */
  async look(fields: readonly string[], text: string): Promise<LiveSession | GatewayError | undefined> {
    try {
      return await this.#look(fields, text);
    } catch (error) {
      return toStoreError(error);
    }
  }

  /** Begins a session in the place of the one that the browser may have. The fields that tell the browser. */
  async begin(fields: readonly string[], grant: Grant): Promise<readonly string[] | GatewayError> {
    const session = this.#toSession(grant, undefined);
    const consumer = session && this.#toConsumer(session);
    if (session === undefined || consumer === undefined) return oidcErrors.refused({ reason: 'the token names nobody' });
    try {
      await this.#forgetPresent(fields);
      const kept = await this.#keep(fields, { session, consumer }, undefined);
      return kept instanceof GatewayError ? kept : kept.setCookies;
    } catch (error) {
      return toStoreError(error);
    }
  }

  /** Ends the session that the browser has, and returns it. */
  async end(fields: readonly string[]): Promise<Session | undefined> {
    const text = readSessionCookie(fields, this.#means.writer.name);
    if (text === undefined) return undefined;
    this.#recent.delete(text);
    try {
      const session = await this.#means.home.find(text);
      await this.#means.home.forget(text);
      return session;
    } catch (error) {
      if (!(error instanceof StoreFailed)) throw error;
      // The browser loses its cookie all the same.
      this.#services.logger.log('warn', 'session not deleted from the store', { reason: error.message });
      return undefined;
    }
  }

  deleteCookies(fields: readonly string[]): string[] {
    return deleteSessionCookie(this.#means.writer, fields);
  }

  async #look(fields: readonly string[], text: string): Promise<LiveSession | GatewayError | undefined> {
    const { home } = this.#means;
    const found = await home.find(text);
    const nowMs = this.#services.clock.wallMs();
    this.#recent.delete(text);
    if (found === undefined) return undefined;
    const session = nowMs < findSessionEnd(found, this.#limits) ? await this.#refresh(found, text) : undefined;
    const consumer = session === undefined || 'kind' in session ? undefined : this.#toConsumer(session);
    if (session !== undefined && 'kind' in session) return oidcErrors.providerUnavailable({ reason: session.reason });
    if (session === undefined || consumer === undefined) {
      await home.forget(text);
      return undefined;
    }
    if (session !== found || nowMs >= findNoteTime(session, this.#limits)) {
      return this.#keep(fields, { session: { ...session, usedMs: nowMs }, consumer }, text);
    }
    return { recent: this.#remember(text, { session, consumer }), setCookies: [] };
  }

  /** The session as it goes on; `undefined`: it does not. A problem: it cannot be told now whether it does. */
  async #refresh(session: Session, text: string): Promise<Session | ProviderProblem | undefined> {
    const { clock, later } = this.#services;
    const { refreshToken, refreshAtMs, accessExpiresMs = Number.POSITIVE_INFINITY } = session;
    const needsToken = this.#config.forward === 'access-token';
    if (refreshToken === undefined) return needsToken && clock.wallMs() >= accessExpiresMs ? undefined : session;
    if (refreshAtMs === undefined || clock.wallMs() < refreshAtMs) return session;
    const { home, renewals, provider } = this.#means;
    const subject = String(readSessionClaims(session)['sub']);
    const refresh = () => provider.refresh(refreshToken, subject);
    const renewed = await renewals.renew(refreshToken, () => refreshOnce(session, text, { home, later, refresh }));
    if (!('kind' in renewed)) return this.#toSession(renewed, session);
    if (renewed.kind === 'elsewhere') return home.find(text);
    // Somebody else may have refreshed it meanwhile: the token counts for as long as was promised.
    if (clock.wallMs() < accessExpiresMs) return session;
    if (renewed.kind !== 'unavailable') return undefined;
    return needsToken ? renewed : session;
  }

  async #keep(
    fields: readonly string[],
    { session, consumer }: { readonly session: Session; readonly consumer: Consumer },
    at: string | undefined,
  ): Promise<LiveSession | GatewayError> {
    const { home, writer } = this.#means;
    const forMs = findSessionEnd(session, this.#limits) - this.#services.clock.wallMs();
    const text = await home.keep(session, { forMs, at });
    const setCookies = writeSessionCookie(writer, fields, { text, forMs });
    if (setCookies === undefined) return this.#refuseLength(text.length);
    return { recent: this.#remember(text, { session, consumer }), setCookies };
  }

  #remember(text: string, { session, consumer }: { readonly session: Session; readonly consumer: Consumer }): RecentSession {
    const nowMs = this.#services.clock.wallMs();
    const { refreshToken, refreshAtMs, accessExpiresMs } = session;
    const refreshMs = refreshToken === undefined ? undefined : refreshAtMs;
    const untilMs = Math.min(
      findSessionEnd(session, this.#limits),
      findNoteTime(session, this.#limits),
      nowMs + this.#means.home.trustedMs,
      refreshMs === undefined || refreshMs > nowMs ? (refreshMs ?? Number.POSITIVE_INFINITY) : nowMs + RETRY_MS,
      this.#config.forward === 'access-token' && accessExpiresMs !== undefined && accessExpiresMs > nowMs
        ? accessExpiresMs
        : Number.POSITIVE_INFINITY,
    );
    const recent = { session, consumer, untilMs };
    this.#recent.add(text, recent);
    return recent;
  }

  #toSession(grant: Grant, previous: Session | undefined): Session | undefined {
    const keepsAccessToken = this.#config.forward === 'access-token';
    return toSession(grant, { nowMs: this.#services.clock.wallMs(), previous, keepsAccessToken });
  }

  #toConsumer(session: Session): Consumer | undefined {
    const { issuer, claimNames: names } = this.#config;
    return toTokenConsumer(readSessionClaims(session), { issuer, names, directory: this.#services.consumers });
  }

  /** Nobody goes on with a session from before a login, whoever brought it to this browser. */
  async #forgetPresent(fields: readonly string[]): Promise<void> {
    const text = readSessionCookie(fields, this.#means.writer.name);
    if (text === undefined) return;
    this.#recent.delete(text);
    await this.#means.home.forget(text);
  }

  #refuseLength(length: number): GatewayError {
    const advice = 'ask for fewer claims and scopes, or keep sessions in a store (`session: { store: redis }` or `memory`)';
    const lengthMax = SESSION_TEXT_LENGTH_MAX;
    this.#services.logger.log('error', 'session too large for a cookie', { length, lengthMax, advice });
    return oidcErrors.sessionTooLarge({ length, lengthMax });
  }
}

function toStoreError(error: unknown): GatewayError {
  if (error instanceof StoreFailed) return oidcErrors.storeUnavailable({ reason: error.message });
  throw error;
}
