/** What is weak on the way to services, and in what is kept of their answers. */
import type { ServiceConfiguration } from '#config/configuration.ts';
import { isLoopbackHost } from '#net/loopback.ts';
import { isMap } from '#schema/forms.ts';
import { type Audited, type Door, listServices, uniquePlaces } from './audited.ts';
import type { AuditRule, Weakness } from './finding.ts';

export const serviceRules: readonly AuditRule[] = [
  {
    id: 'unverified-service',
    severity: 'high',
    because: 'who sits on the way reads and changes everything',
    mend: 'leave out `verify: dangerously-off`, and name the authority of the service in `tls.ca`',
    find: ({ configuration }) =>
      Object.entries(configuration.services)
        .filter(([, { tls }]) => tls?.verify === 'dangerously-off')
        .map(([name]) => ({ path: ['services', name, 'tls', 'verify'], what: `certificates of \`${name}\` are not verified` })),
  },
  {
    id: 'upstream-credential-in-clear',
    severity: 'medium',
    because: 'who sits on the way reads what the gateway proves itself with, and asks the service in its place',
    mend: 'write `https` endpoints for the service',
    find: (audited) =>
      uniquePlaces(
        audited.doors.flatMap((door) => {
          const block = audited.find('upstream-auth', door);
          if (block === undefined) return [];
          const { credentials } = block.settings;
          const services = isMap(credentials) ? Object.keys(credentials) : undefined;
          return toWeaknesses(audited, { door, services, what: 'the credential of `upstream-auth`', path: block.path });
        }),
      ),
  },
  {
    id: 'forwarded-credential-in-clear',
    severity: 'low',
    because: 'who sits between the gateway and the service reads the credentials of clients',
    mend: 'write `https` endpoints for the service, or `forward: false` where it does not look at the credential',
    find: (audited) =>
      uniquePlaces(
        audited.doors.flatMap((door) =>
          audited
            .findIdentities(door)
            .filter(({ name, settings }) => name !== 'hmac' && settings['forward'] !== undefined && settings['forward'] !== false)
            .flatMap(({ name, path }) => toWeaknesses(audited, { door, what: `what clients show to \`${name}\``, path })),
        ),
      ),
  },
  {
    id: 'shared-answers',
    severity: 'medium',
    because: 'what one consumer may see is shown to all others',
    mend: 'leave out `perConsumer: false`; accept it where the answers are the same for everybody',
    find: (audited) =>
      uniquePlaces(
        audited.doors.flatMap((door) => {
          const cache = audited.find('cache', door);
          return cache?.settings['perConsumer'] === false && audited.findIdentities(door).length > 0
            ? [{ path: [...cache.path, 'perConsumer'], what: 'consumers share the answers that are kept' }]
            : [];
        }),
      ),
  },
];

interface Sent extends Weakness {
  readonly door: Door;
  /** Those that get it; `undefined`: all that the route leads to. */
  readonly services?: readonly string[] | undefined;
}

function toWeaknesses({ configuration }: Audited, { door, services, what, path }: Sent): Weakness[] {
  const service = listServices(door.settings.route).find((name) => {
    const found = configuration.services[name];
    return found !== undefined && isInClear(found) && (services?.includes(name) ?? true);
  });
  return service === undefined ? [] : [{ path, what: `${what} goes to \`${service}\` over plain HTTP` }];
}

/** Of endpoints that are found while the gateway runs nothing is known. */
function isInClear({ endpoints = [] }: ServiceConfiguration): boolean {
  return endpoints.some(({ url }) => url.scheme === 'http' && url.path === undefined && !isLoopbackHost(url.host));
}
