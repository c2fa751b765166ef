/** What is weak on the way to services, and in what is kept of their answers. */
import type { ServiceConfiguration } from '#config/configuration.ts';
import { isLoopbackHost } from '#net/loopback.ts';
import { isMap, isText } from '#schema/forms.ts';
import { type Audited, type Door, uniquePlaces } from './audited.ts';
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
          // One for the whole route is shown to nobody who only stands in, or is sent copies.
          const services = isMap(credentials)
            ? [...listServices(door), ...listOthers(audited, door)].filter((name) => Object.hasOwn(credentials, name))
            : listServices(door);
          return toWeaknesses(audited, { services, what: 'the credential of `upstream-auth`', path: block.path });
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
        audited.doors.flatMap((door) => {
          const services = [...listServices(door), ...listOthers(audited, door)];
          return audited
            .findIdentities(door)
            .filter(({ name, settings }) => name !== 'hmac' && settings['forward'] !== undefined && settings['forward'] !== false)
            .flatMap(({ name, path }) => toWeaknesses(audited, { services, what: `what clients show to \`${name}\``, path }));
        }),
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

/** Names of the services that a route leads to. */
function listServices({ settings: { route } }: Door): string[] {
  return route.to.kind === 'service' ? route.to.services.map(({ service }) => service) : [];
}

/** Names of those that get its requests besides: what stands in for them, and what is sent copies. */
function listOthers(audited: Audited, door: Door): string[] {
  const { to } = door.settings.route;
  if (to.kind !== 'service') return [];
  const standIn = to.fallback?.to.kind === 'service' ? to.fallback.to.service : undefined;
  return [standIn, audited.find('mirror', door)?.settings['to']].filter(isText);
}

interface Sent extends Weakness {
  /** Those that get it. */
  readonly services: readonly string[];
}

function toWeaknesses({ configuration }: Audited, { services, what, path }: Sent): Weakness[] {
  const service = services.find((name) => {
    const found = configuration.services[name];
    return found !== undefined && isInClear(found);
  });
  return service === undefined ? [] : [{ path, what: `${what} goes to \`${service}\` over plain HTTP` }];
}

/** Of endpoints that are found while the gateway runs nothing is known. */
function isInClear({ endpoints = [] }: ServiceConfiguration): boolean {
  return endpoints.some(({ url }) => url.scheme === 'http' && url.path === undefined && !isLoopbackHost(url.host));
}
