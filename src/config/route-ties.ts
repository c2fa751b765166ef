/** Routes of which nobody could say which one takes a request that both match. */
import type { CompiledRoutes } from '#routing/route-compiler.ts';
import type { Finding } from './issue.ts';

/** Every pair of routes that tie, at the later one. */
export function findRouteTies({ ties }: CompiledRoutes): Finding[] {
  return ties.map(({ first, second, reason }) => ({
    path: ['routes', second, 'match'],
    code: 'conflict',
    message: `the routes \`${first}\` and \`${second}\` tie: ${reason}; narrow one of them, or give one a higher \`priority\``,
  }));
}
