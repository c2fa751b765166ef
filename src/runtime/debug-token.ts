/**
 * Tokens that let whoever sends one be told how a request is handled. They are signed, and nothing else is kept of them: every thread
 * and every gateway with the same key knows them, and each is over after its time.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '#base/secret.ts';

const PREFIX = 'ghd1';
/** What is signed begins with it, so that a key that signs something else too says nothing about tokens. */
const PURPOSE = 'gatehouse debug token\n';
/** Longer ones are not looked at. */
const TOKEN_LENGTH_MAX = 1_024;

export const DEBUG_TOKEN_VALID_MS_MAX = 24 * 60 * 60 * 1_000;

/** What whoever has the token may see: one line of the answer, or the whole document too. */
export const debugSights = ['summary', 'document'] as const;
export type DebugSight = (typeof debugSights)[number];

export interface DebugGrant {
  /** Wall time. */
  readonly expiresMs: number;
  /** Only requests that get this route are explained. */
  readonly route: string | undefined;
  /** Only requests to this path or below it. */
  readonly path: string | undefined;
  readonly sees: DebugSight;
}

export function makeDebugToken({ expiresMs, route, path, sees }: DebugGrant, key: Secret): string {
  const payload = Buffer.from(JSON.stringify({ exp: Math.floor(expiresMs / 1_000), route, path, sees })).toString('base64url');
  return `${PREFIX}.${payload}.${sign(payload, key).toString('base64url')}`;
}

/** `undefined`: it is none of ours, or its time is over. */
export function readDebugToken(token: string, key: Secret, wallMs: number): DebugGrant | undefined {
  if (token.length > TOKEN_LENGTH_MAX) return undefined;
  const [prefix, payload, mac, ...rest] = token.split('.');
  if (prefix !== PREFIX || payload === undefined || mac === undefined || rest.length > 0) return undefined;
  const shown = Buffer.from(mac, 'base64url');
  const expected = sign(payload, key);
  if (shown.length !== expected.length || !timingSafeEqual(shown, expected)) return undefined;
  const grant = toGrant(payload);
  return grant !== undefined && grant.expiresMs > wallMs ? grant : undefined;
}

/** Whether a token may explain a request to this path. Its route is looked at when it is known. */
export function coversPath({ path }: DebugGrant, asked: string): boolean {
  if (path === undefined) return true;
  const below = path.endsWith('/') ? path : `${path}/`;
  return asked === path || asked.startsWith(below);
}

function sign(payload: string, key: Secret): Buffer {
  return createHmac('sha256', key.reveal()).update(PURPOSE).update(payload).digest();
}

/** It is signed, so it is one that we have made, perhaps by an earlier version. */
function toGrant(payload: string): DebugGrant | undefined {
  try {
    const said: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (typeof said !== 'object' || said === null) return undefined;
    const { exp, route, path, sees } = said as Readonly<Record<string, unknown>>;
    if (typeof exp !== 'number') return undefined;
    return { expiresMs: exp * 1_000, route: toText(route), path: toText(path), sees: sees === 'document' ? sees : 'summary' };
  } catch {
    // No token of ours.
    return undefined;
  }
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
