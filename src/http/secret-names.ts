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
const secretParameterParts = [
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

/** Where a configuration says that credentials stand. */
export interface CredentialNames {
  /** Names of fields, in lower case. */
  readonly fields: readonly string[];
  /** Names of parameters of the query. */
  readonly parameters: readonly string[];
}

/** The names that are known everywhere, and those of one configuration. */
export class SecretNames {
  readonly #fields: ReadonlySet<string>;
  readonly #parameters: ReadonlySet<string>;

  constructor({ fields, parameters }: CredentialNames = { fields: [], parameters: [] }) {
    this.#fields = new Set(fields);
    this.#parameters = new Set(parameters.map((name) => name.toLowerCase()));
  }

  isField(name: string): boolean {
    return SECRET_FIELD.test(name) || SECRET_NAME.test(name) || this.#fields.has(name.toLowerCase());
  }

  /** `name`: decoded. Its case does not count: services do the one or the other. */
  isParameter(name: string): boolean {
    return SECRET_PARAMETER.test(name) || SECRET_NAME.test(name) || this.#parameters.has(name.toLowerCase());
  }

  /** A text without any of these, in any case, names no secret parameter. They are parts of regular expressions. */
  get parameterParts(): readonly string[] {
    return [...secretParameterParts, ...[...this.#parameters].map((name) => RegExp.escape(name))];
  }
}
