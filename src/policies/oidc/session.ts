/** What is kept of a login. */
import type { Claims } from '#http/consumer.ts';
import type { Grant } from './provider.ts';

/** All times are those of the calendar, since other instances and later processes read them. */
export interface Session {
  readonly createdMs: number;
  readonly usedMs: number;
  readonly idToken: string;
  /** Kept where the service gets it, and nowhere else. */
  readonly accessToken?: string | undefined;
  /** When it ends; without a word of the provider, `undefined`. */
  readonly accessExpiresMs?: number | undefined;
  readonly refreshToken?: string | undefined;
  /** From when on it is refreshed. */
  readonly refreshAtMs?: number | undefined;
  /** Claims beside those of the token. */
  readonly moreClaims?: Claims | undefined;
}

export interface SessionLimits {
  readonly idleMs: number;
  readonly absoluteMs: number;
}

/** It is noted this part of the idle time late that a session was used, so that not every answer writes it. */
const NOTED_PARTS = 8;

export function findSessionEnd({ createdMs, usedMs }: Session, { idleMs, absoluteMs }: SessionLimits): number {
  return Math.min(createdMs + absoluteMs, usedMs + idleMs);
}

/** From when on it has to be noted that the session is used. */
export function findNoteTime({ usedMs }: Session, { idleMs }: SessionLimits): number {
  return usedMs + idleMs / NOTED_PARTS;
}

/** The claims of a token that has been verified before. */
export function readSessionClaims({ idToken, moreClaims }: Session): Claims {
  const [, payload = ''] = idToken.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
  // What else was asked for is as fresh as the token, or fresher.
  return { ...claims, ...moreClaims };
}

/** A token is refreshed this long before it ends, or in the last part of its life where that is shorter. */
const REFRESH_AHEAD_MS = 60_000;
const REFRESH_AHEAD_PARTS = 4;

/** `undefined`: there is no token of the login's, so it is not known whose it is. */
export function toSession(
  grant: Grant,
  { nowMs, previous, keepsAccessToken }: { nowMs: number; previous: Session | undefined; keepsAccessToken: boolean },
): Session | undefined {
  const idToken = grant.idToken ?? previous?.idToken;
  if (idToken === undefined) return undefined;
  const { expiresInMs } = grant;
  const scope = grant.moreClaims['scope'] ?? previous?.moreClaims?.['scope'];
  return {
    createdMs: previous?.createdMs ?? nowMs,
    usedMs: nowMs,
    idToken,
    accessToken: keepsAccessToken ? grant.accessToken : undefined,
    accessExpiresMs: expiresInMs && nowMs + expiresInMs,
    // RFC 6749 §6: who gets no new one keeps the old one.
    refreshToken: grant.refreshToken ?? previous?.refreshToken,
    refreshAtMs: expiresInMs && nowMs + expiresInMs - Math.min(REFRESH_AHEAD_MS, expiresInMs / REFRESH_AHEAD_PARTS),
    moreClaims: { ...(scope !== undefined && { scope }), ...grant.moreClaims },
  };
}

/** Short names: a cookie has little room. */
export function encodeSession(session: Session): string {
  const { createdMs: c, usedMs: u, idToken: i, accessToken: a, accessExpiresMs: e, refreshToken: r, refreshAtMs: f } = session;
  return JSON.stringify({ c, u, i, a, e, r, f, m: session.moreClaims });
}

/** Reads what `encodeSession` wrote, which nobody could have changed since. */
export function decodeSession(text: string): Session {
  const { c, u, i, a, e, r, f, m } = JSON.parse(text) as Encoded;
  return {
    createdMs: c,
    usedMs: u,
    idToken: i,
    accessToken: a,
    accessExpiresMs: e,
    refreshToken: r,
    refreshAtMs: f,
    moreClaims: m,
  };
}

interface Encoded {
  readonly c: number;
  readonly u: number;
  readonly i: string;
  readonly a?: string;
  readonly e?: number;
  readonly r?: string;
  readonly f?: number;
  readonly m?: Claims;
}
