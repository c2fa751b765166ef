/** Whom a credential identifies; the same notion for every policy. */
export interface Consumer {
  /** The name that the configuration gives it; `SUBJECT@ISSUER` for somebody that only a token tells of. */
  readonly name: string;
  readonly groups: readonly string[];
  /** What the token allows. */
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** What the token says, once it has been verified. */
  readonly claims: Claims;
}

export type Claims = Readonly<Record<string, unknown>>;

/** A consumer that has shown no token. */
export function toPlainConsumer(name: string, groups: readonly string[]): Consumer {
  return { name, groups, scopes: none, roles: none, claims: noClaims };
}

/** Whether a token says anything of who asks. */
export function hasShownToken({ claims }: Consumer): boolean {
  return claims !== noClaims;
}

const none: readonly string[] = Object.freeze([]);
const noClaims: Claims = Object.freeze({});
