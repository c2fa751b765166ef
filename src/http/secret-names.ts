/**
 * Names of what lets somebody in, as it stands in requests and answers, and the forms that are known by themselves. Whoever shows or
 * writes down a part of one leaves their values out: what has a name like a secret and is none, sooner than the other way round.
 */

/** At the end of the names of fields and of parameters. */
const SECRET_NAME =
  /(?:token|secret|passw(?:or)?d|passphrase|pwd|signature|credentials?|assertion|jwt|api[-_]?key|access[-_]?key(?:[-_]?id)?|subscription[-_]?key|private[-_]?key|session(?:[-_]?id)?)$/i;
const SECRET_FIELD =
  /^(?:proxy-)?authorization$|^(?:proxy-)?authentication-info$|^(?:set-)?cookie2?$|-(?:auth|authorization)$|^x-auth-/i;
/** In the bodies of requests and answers shorter names mean all sorts of things; these do not. */
const SECRET_MEMBER = /^(?:authorization|cvc|cvv)$|card[-_]?number$/i;
const SECRET_PARAMETER = /^(?:key|auth|sig|sid|code|code[-_]verifier|pin|otp)$/i;

/** Of what stands within something else. */
const WITHIN = /[.[\]]/;

/** A scheme of RFC 9110 §11 with what follows it. */
export const schemeAndCredential = /^(bearer|basic|digest|negotiate|token|apikey|hmac|dpop)(\s+)(\S.*)$/i;
/** A token as RFC 7515 writes it: its header is JSON, which begins like this in base64. */
export const tokenText = /eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;

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
  'cvc',
  'cvv',
  'card',
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
    return listForms(name).some((form) => SECRET_PARAMETER.test(form) || this.#isSecret(form));
  }

  /** Of a body: a member of JSON, an element of XML, a part of a form. */
  isMember(name: string): boolean {
    return listForms(name).some((form) => this.#isSecret(form));
  }

  #isSecret(form: string): boolean {
    return SECRET_NAME.test(form) || SECRET_MEMBER.test(form) || this.#parameters.has(form.toLowerCase());
  }

  /** A text without any of these, in any case, names no secret parameter. They are parts of regular expressions. */
  get parameterParts(): readonly string[] {
    return [...secretParameterParts, ...[...this.#parameters].map((name) => RegExp.escape(name))];
  }
}

/**
 * What a name may mean. Forms write `user[password]` and `password[]` for what is within something else, and `card[number]` or
 * `card.number` for what is one word elsewhere.
 */
function listForms(name: string): readonly string[] {
  if (!WITHIN.test(name)) return [name];
  const bare = name.endsWith('[]') ? name.slice(0, -2) : name;
  const innermost = bare.endsWith(']') ? bare.slice(bare.lastIndexOf('[') + 1, -1) : bare;
  return [name, innermost, name.replaceAll(/[-_.[\]]/g, '')];
}
