/** What of a request's fields matters to the cache, found in one pass. */

export interface RequestTraits {
  /** `cache-control` or `pragma`. */
  readonly hasDirectives: boolean;
  /** What the client has already may be enough, or it asks for a part. */
  readonly hasConditions: boolean;
  readonly hasAuthorization: boolean;
  /** It asks for something that is not the cache's to answer. */
  readonly passesBy: boolean;
}

type Trait = 'directives' | 'conditions' | 'authorization' | 'passes';

const traits: ReadonlyMap<string, Trait> = new Map<string, Trait>([
  ['cache-control', 'directives'],
  ['pragma', 'directives'],
  ['if-none-match', 'conditions'],
  ['if-modified-since', 'conditions'],
  ['if-range', 'conditions'],
  ['range', 'conditions'],
  ['authorization', 'authorization'],
  // Whether these hold, the service has to say (RFC 9110 §13.1.1 and §13.1.4).
  ['if-match', 'passes'],
  ['if-unmodified-since', 'passes'],
  // Services are known that take these for a part of the address or for the method, which would be kept for everybody.
  ['x-forwarded-prefix', 'passes'],
  ['x-forwarded-scheme', 'passes'],
  ['x-forwarded-server', 'passes'],
  ['x-forwarded-ssl', 'passes'],
  ['x-forwarded-path', 'passes'],
  ['x-forwarded-uri', 'passes'],
  ['x-host', 'passes'],
  ['x-http-host-override', 'passes'],
  ['x-http-method', 'passes'],
  ['x-http-method-override', 'passes'],
  ['x-method-override', 'passes'],
  ['x-original-host', 'passes'],
  ['x-original-url', 'passes'],
  ['x-rewrite-url', 'passes'],
]);

const plain: RequestTraits = { hasDirectives: false, hasConditions: false, hasAuthorization: false, passesBy: false };

/** `keyed`: fields that tell answers apart, so that they can do no harm. */
export function findTraits(fields: readonly string[], keyed: ReadonlySet<string>): RequestTraits {
  let found: { -readonly [Name in keyof RequestTraits]: RequestTraits[Name] } | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const trait = traits.get(fields[i]!);
    if (trait === undefined) continue;
    found ??= { ...plain };
    if (trait === 'directives') found.hasDirectives = true;
    else if (trait === 'conditions') found.hasConditions = true;
    else if (trait === 'authorization') found.hasAuthorization = true;
    else if (!keyed.has(fields[i]!)) found.passesBy = true;
  }
  return found ?? plain;
}
