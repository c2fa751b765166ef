/**
 * The cookies that keep clients at endpoints of the services of one route. None of these services sees them, its own or that
 * of another one: a request may go to any of them, to a fallback and to a mirror.
 */
import type { Affinity } from '#services/affinity.ts';
import type { Service } from '#services/service.ts';

/** `undefined`: there are none, and nothing has to be looked for. */
export function listAffinities(services: readonly Service[]): readonly Affinity[] | undefined {
  const affinities = services.map(({ affinity }) => affinity).filter((affinity) => affinity !== undefined);
  return affinities.length === 0 ? undefined : affinities;
}

/** The request's fields without these cookies; `undefined`: none of them is there. */
export function hideCookies(fields: readonly string[], affinities: readonly Affinity[]): string[] | undefined {
  let without: string[] | undefined;
  for (const affinity of affinities) without = affinity.hideCookie(without ?? fields) ?? without;
  return without;
}
