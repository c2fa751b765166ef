/**
 * Names of what lets somebody in, as it stands in requests and answers. Whoever shows or writes down a part of one leaves their values
 * out. It goes by names alone, so it hides what has a name like a secret and is none, sooner than the other way round.
 */

/** At the end of the names of fields and of parameters. */
const SECRET_NAME =
  /(?:token|secret|passw(?:or)?d|passphrase|pwd|signature|credentials?|assertion|jwt|api[-_]?key|access[-_]?key(?:[-_]?id)?|subscription[-_]?key|private[-_]?key|session(?:[-_]?id)?)$/i;
const SECRET_FIELD =
  /^(?:proxy-)?authorization$|^(?:proxy-)?authentication-info$|^(?:set-)?cookie2?$|-(?:auth|authorization)$|^x-auth-/i;
const SECRET_PARAMETER = /^(?:key|auth|authorization|sig|sid|code|code[-_]verifier|pin|otp)$/i;

/** What is in every name of a parameter that is one of a secret, or in how it may be written. */
export const secretParameterParts = [
  'token',
  'secret',
  'pass',
  'pwd',
  'sig',
  'cred',
  'assertion',
  'jwt',
  'key',
  'session',
  'auth',
  'sid',
  'code',
  'pin',
  'otp',
  '%',
  '\\+',
] as const;

export function isSecretField(name: string): boolean {
  return SECRET_FIELD.test(name) || SECRET_NAME.test(name);
}

/** `name`: decoded. */
export function isSecretParameter(name: string): boolean {
  return SECRET_PARAMETER.test(name) || SECRET_NAME.test(name);
}
