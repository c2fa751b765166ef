/** What names a configuration: a digest of what it says, without its secrets, so that gateways that run the same have the same. */
import type { Configuration } from '#config/configuration.ts';

/** As much of the hash as people and logs use. */
const SHORT_HASH_LENGTH = 12;

/** Yields between parts. Keys are in order, so that it does not matter in which order routes are written. */
export function* hashConfiguration({ services, routes, ...head }: Configuration): Generator<undefined, string, void> {
  // Importing the module loads far more than is needed here.
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
  hash.update(toCanonicalText(head));
  for (const [kind, parts] of Object.entries({ services, routes })) {
    for (const [name, part] of Object.entries(parts).sort(byName)) {
      hash.update(`\n${kind} ${JSON.stringify(name)} ${toCanonicalText(part)}`);
      yield;
    }
  }
  return hash.digest('hex');
}

export function toShortHash(hash: string): string {
  return hash.slice(0, SHORT_HASH_LENGTH);
}

function byName([left]: [string, unknown], [right]: [string, unknown]): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Secrets print as `[redacted]`. */
function toCanonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(byName));
  });
}
