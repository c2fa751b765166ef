/** From the claims of a verified token to the consumer that it stands for. */
import { findClaim } from '#http/claims.ts';
import { type Claims, type Consumer, toPlainConsumer } from '#http/consumer.ts';
import type { ConsumerDirectory } from './consumer-directory.ts';

/** Which claims say what. A dot leads into an object, as in `realm_access.roles`; a claim with that very name comes first. */
export interface ClaimNames {
  readonly subject: string;
  readonly groups?: string | undefined;
  /** The first of them that is there counts. */
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
}

/** Names end up in fields and in lines of logs. */
const NOT_IN_NAME = /[^\x21\x23-\x5b\x5d-\x7e]/u;
const SUBJECT_LENGTH_MAX = 256;

/**
 * The consumer of a token: one of the configuration where one has this subject of this issuer, else one that exists only as
 * long as the token. The latter's name ends with the issuer, so it can be neither that of a consumer of the configuration, which
 * holds no `@`, nor that of somebody at another issuer. `undefined`: the token has no subject that could be a name.
 */
export function toTokenConsumer(
  claims: Claims,
  { issuer, names, directory }: { readonly issuer: string; readonly names: ClaimNames; readonly directory: ConsumerDirectory },
): Consumer | undefined {
  const subject = findClaim(claims, names.subject);
  if (!isConsumerName(subject)) return undefined;
  const name = `${subject}@${toIssuerName(issuer)}`;
  const known = directory.findSubject(name);
  const groups = names.groups === undefined ? [] : toTexts(findClaim(claims, names.groups));
  return {
    name: known?.name ?? name,
    groups: known === undefined ? groups : [...known.groups, ...groups],
    scopes: findTexts(claims, names.scopes),
    roles: findTexts(claims, names.roles),
    claims,
  };
}

/**
 * The same for somebody that a service of the configuration names: one of the configuration with the subject `NAME@SERVICE`, or
 * one with just this name. The text has to be one for which `isConsumerName` holds.
 */
export function toNamedConsumer(text: string, service: string, directory: ConsumerDirectory): Consumer {
  const name = `${text}@${service}`;
  return directory.findSubject(name) ?? toPlainConsumer(name, []);
}

/** Whether a text can be part of the name of a consumer. */
export function isConsumerName(subject: unknown): subject is string {
  return typeof subject === 'string' && subject !== '' && subject.length <= SUBJECT_LENGTH_MAX && !NOT_IN_NAME.test(subject);
}

/** As it stands in names: the issuer's address without its scheme. */
function toIssuerName(issuer: string): string {
  return issuer.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

/** RFC 6749 §3.3: scopes are written with spaces between them; others write a list. */
export function toTexts(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((text) => text !== '');
  return Array.isArray(value) ? value.filter((text): text is string => typeof text === 'string') : [];
}

function findTexts(claims: Claims, names: readonly string[]): readonly string[] {
  for (const name of names) {
    const value = findClaim(claims, name);
    if (value !== undefined) return toTexts(value);
  }
  return [];
}
