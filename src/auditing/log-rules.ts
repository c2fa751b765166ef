/** What is weak on the way to where logs go. */
import { isLoopbackHost } from '#net/loopback.ts';
import type { AuditRule } from './finding.ts';

export const logRules: readonly AuditRule[] = [
  {
    id: 'log-password-in-clear',
    severity: 'medium',
    because: 'who sits on the way reads the password, and does in the cluster what the gateway may',
    mend: 'write `tls` beside `sasl`, or a mechanism that does not show the password, such as `scram-sha-512`',
    find: ({ configuration: { accessLog } }) =>
      (accessLog === false ? [] : accessLog.logs).flatMap(({ to }, i) =>
        to.kind === 'kafka' &&
        to.sasl?.mechanism === 'plain' &&
        to.tls === undefined &&
        to.brokers.some(({ host }) => !isLoopbackHost(host))
          ? [
              {
                path: ['accessLog', 'to', i, 'kafka', 'sasl'],
                what: `the password of \`${to.sasl.username}\` is shown without TLS`,
              },
            ]
          : [],
      ),
  },
];
