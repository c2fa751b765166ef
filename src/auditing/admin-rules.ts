/** What is weak in how operators reach the gateway. */
import { hasTokens } from '#config/admin-tokens.ts';
import type { AdminConfiguration, Configuration } from '#config/configuration.ts';
import { isReachable } from '#net/loopback.ts';
import type { AuditRule, Weakness } from './finding.ts';

export const adminRules: readonly AuditRule[] = [
  {
    id: 'admin-in-clear',
    severity: 'high',
    because: 'who sits on the way reads the tokens of operators, and does what they may',
    mend: 'write `admin.tls`, or let `admin.address` be a loopback address',
    find: on(({ address, tls, ...admin }) =>
      isReachable(address) && tls === undefined && hasTokens(admin)
        ? [{ path: ['admin', 'address'], what: 'tokens of operators are sent over plain HTTP' }]
        : [],
    ),
  },
  {
    id: 'admin-apply-without-token',
    severity: 'medium',
    because: 'every program of this machine, also one that a service was made to run, may send requests elsewhere',
    mend: 'write `admin.tokens`',
    find: on((admin) =>
      admin.apply && !hasTokens(admin) && admin.tls?.clientCa === undefined
        ? [{ path: ['admin', 'apply'], what: 'the configuration may be replaced without a token' }]
        : [],
    ),
  },
  {
    id: 'admin-metrics-open',
    severity: 'low',
    because: 'metrics name routes and services, and tell how busy they are',
    mend: 'write `admin.protectMetrics: true` with `admin.tokens`, or let `admin.address` be one that only operators reach',
    find: on(({ address, protectMetrics }) =>
      isReachable(address) && !protectMetrics
        ? [{ path: ['admin', 'address'], what: '`/metrics` answers everybody who reaches the admin address' }]
        : [],
    ),
  },
  {
    id: 'admin-no-audit-file',
    severity: 'low',
    because: 'who changed what is forgotten when the process ends',
    mend: 'write `admin.audit: { file: PATH }`',
    find: on(({ address, audit, ...admin }) =>
      audit === undefined && isReachable(address) && (hasTokens(admin) || admin.tls?.clientCa !== undefined)
        ? [{ path: ['admin'], what: 'changes by operators are written nowhere' }]
        : [],
    ),
  },
];

function on(find: (admin: AdminConfiguration) => Weakness[]) {
  return ({ configuration: { admin } }: { readonly configuration: Configuration }) => (admin === undefined ? [] : find(admin));
}
