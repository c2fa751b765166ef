/**
 * Policies of routes that answer paths of their own, such as those of a login, which none of these routes takes: requests to
 * them would never come to the policy. At the gateway and at listeners they come without a route.
 */
import { compileAnchoredRegex } from '#routing/anchored-regex.ts';
import type { MatchDefinition, PathPattern, PathRegex } from '#routing/route-definition.ts';
import { listWords } from '#schema/quote.ts';
import type { Configuration } from '../configuration.ts';
import type { Finding } from '../issue.ts';
import type { ConfigurablePolicy } from './policy-blocks.ts';

export function findUnreachedPaths({ routes }: Configuration, policies: readonly ConfigurablePolicy[]): Finding[] {
  return policies.flatMap(({ name: policy, ownPaths }) => {
    if (ownPaths === undefined) return [];
    const users = Object.entries(routes).filter(([, route]) => (route.policies?.[policy] ?? false) !== false);
    return users.flatMap(([name, route]): Finding[] => {
      // Another route may have the paths, with the same settings.
      const isTaken = (path: string) => users.some(([, { matches }]) => matches.some((match) => takesPath(match, path)));
      const unreached = ownPaths(route.policies?.[policy]).filter((path) => !isTaken(path));
      if (unreached.length === 0) return [];
      const message = `no route with this policy takes ${listWords(unreached, 'and')}; add the paths to \`match\`, or move the policy to the listener`;
      return [{ path: ['routes', name, 'policies', policy], code: 'conflict', severity: 'warning', message }];
    });
  });
}

function takesPath({ paths }: MatchDefinition, path: string): boolean {
  return paths === undefined || paths.some((pattern) => matchesPath(pattern, path));
}

function matchesPath(pattern: PathPattern | PathRegex, path: string): boolean {
  if ('regex' in pattern) return compileAnchoredRegex(pattern.regex).test(path);
  const asked = path.slice(1).split('/');
  const { segments, isPrefix } = pattern;
  const isLongEnough = isPrefix ? asked.length >= segments.length : asked.length === segments.length;
  return isLongEnough && segments.every((segment, index) => 'capture' in segment || segment.literal === asked[index]);
}
