/** Reads what a verified token says. The token is the issuer's word; what stands in a claim may be whatever its subject chose. */
import type { Claims } from './consumer.ts';

/** `undefined` where there is none. Only own properties count: a token may name any. */
export function findClaim(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Claims)[name];
  }
  return value;
}

/** Whether a claim is one of the values, or a list that holds one. */
export function hasClaimValue(claim: unknown, values: readonly unknown[]): boolean {
  return values.includes(claim) || (Array.isArray(claim) && claim.some((item) => values.includes(item)));
}

/** A claim as one text: lists with a space between their items. `undefined` where there is none, or a whole map. */
export function readClaimText(claims: Claims | undefined, path: string): string | undefined {
  const value = claims === undefined ? undefined : findClaim(claims, path);
  if (!Array.isArray(value)) return toText(value);
  const texts = value.map(toText);
  return texts.includes(undefined) ? undefined : texts.join(' ');
}

function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
