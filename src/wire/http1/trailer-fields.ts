import { isForwardingName } from './field-names.ts';
import { withoutNamed } from './message-head.ts';

/**
 * Fields that mean something only before the body (RFC 9110 §6.5.1): request modifiers, authentication, control data of
 * answers, the form of the content. A recipient that merges trailers into the head would obey them unchecked, because
 * policies have looked at the head alone.
 */
const headOnly: ReadonlySet<string> = new Set(
  (
    'age authorization cache-control content-encoding content-language content-location content-range content-type cookie ' +
    'date expires if-match if-modified-since if-none-match if-range if-unmodified-since location max-forwards pragma ' +
    'proxy-authenticate proxy-authentication-info range retry-after set-cookie trailer vary warning www-authenticate x-api-key'
  ).split(' '),
);

/** The trailer fields that may be passed on, or `undefined` when none is left. */
export function keepTrailerFields(
  fields: readonly string[],
  connectionNames: readonly string[] | undefined,
): string[] | undefined {
  const named = connectionNames === undefined ? fields : withoutNamed(fields, connectionNames);
  const kept: string[] = [];
  for (let i = 0; i < named.length; i += 2) {
    const name = named[i]!;
    if (!headOnly.has(name) && !isForwardingName(name)) kept.push(name, named[i + 1]!);
  }
  return kept.length === 0 ? undefined : kept;
}
