/** What is doubtful about the admin address: it does no harm by itself, so it is warned of. */
import { isReachable } from '#net/loopback.ts';
import { hasTokens } from './admin-tokens.ts';
import type { Configuration } from './configuration.ts';
import type { Finding } from './issue.ts';

export function findAdminWarnings({ admin }: Pick<Configuration, 'admin'>): Finding[] {
  if (admin === undefined || !isReachable(admin.address) || !hasTokens(admin) || admin.tls !== undefined) return [];
  const message =
    'others can reach the address, and tokens are sent to it in clear; write `admin.tls`, or let the address be a loopback address';
  return [{ path: ['admin', 'address'], code: 'conflict', severity: 'warning', message }];
}
