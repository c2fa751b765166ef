/** What is weak where the gateway listens. */
import type { ListenerConfiguration } from '#config/configuration.ts';
import { isReachable } from '#net/loopback.ts';
import { type Audited, type Door, isBehindProxy, isWide, nameRoutes } from './audited.ts';
import type { AuditRule, Weakness } from './finding.ts';

/** They show nothing that could be used a second time. */
const SIGNING: ReadonlySet<string> = new Set(['hmac', 'client-certificate', 'any-of']);

export const listenerRules: readonly AuditRule[] = [
  {
    id: 'forgeable-address',
    severity: 'high',
    because: 'clients may write the address that `ip`, limits, logs and services see',
    mend: 'name the addresses of your proxies in `trustedProxies` or `proxyProtocol.from`',
    find: ({ configuration }) => openListeners(configuration.listeners).flatMap(findWideTrust),
  },
  {
    id: 'credentials-in-clear',
    severity: 'high',
    because: 'who sits on the way reads keys, passwords and tokens, and uses them',
    mend: 'give the listener `tls`, or the policy `https-redirect`; behind a proxy that ends TLS, write `trustedProxies`',
    find: (audited) => findPlainListeners(audited, (doors) => doors.filter((door) => showsCredentials(audited, door))),
  },
  {
    id: 'plain-http',
    severity: 'medium',
    because: 'who sits on the way reads and changes everything',
    mend: 'give the listener `tls`, or the policy `https-redirect`; behind a proxy that ends TLS, write `trustedProxies`',
    // Where credentials are shown, the other rule has said it.
    find: (audited) =>
      findPlainListeners(audited, (doors) => (doors.some((door) => showsCredentials(audited, door)) ? [] : doors)),
  },
  {
    id: 'no-hsts',
    severity: 'low',
    because: 'the first request of a browser may go over plain HTTP, where somebody can take it',
    mend: 'write the policy `hsts`',
    find: (audited) =>
      byListener(audited, ({ tls }) => tls !== undefined && tls.clientCertificates?.mode !== 'required').flatMap(
        ([listener, doors]) => {
          const without = doors.filter((door) => !(Number(audited.find('hsts', door)?.settings['maxAgeDays'] ?? 0) > 0));
          return toWeaknesses(listener, without, 'browsers are not told to ask over `https` alone');
        },
      ),
  },
  {
    id: 'unused-client-certificate',
    severity: 'medium',
    because: 'who shows no certificate gets as far as who does',
    mend: 'write the policy `client-certificate` for the routes, or `mode: required`',
    find: (audited) =>
      byListener(audited, ({ tls }) => {
        const asked = tls?.clientCertificates;
        return asked?.mode === 'optional' && asked.forward === undefined;
      }).flatMap(([listener, doors]) => {
        const isUsed = doors.some((door) => audited.findIdentities(door).some(({ name }) => name === 'client-certificate'));
        const path = ['listeners', listener, 'tls', 'clientCertificates'];
        return isUsed
          ? []
          : [{ path, what: `\`${listener}\` asks for certificates, which no policy looks at and no service sees` }];
      }),
  },
  {
    id: 'no-client-connection-limit',
    severity: 'low',
    because: 'one client may hold all connections that there are, and keep everybody else out',
    mend: 'write `maxConnectionsPerClient`',
    find: ({ configuration }) =>
      openListeners(configuration.listeners)
        .filter(([, listener]) => listener.maxConnectionsPerClient === undefined && !isBehindProxy(listener))
        .map(([name]) => ({ path: ['listeners', name], what: `\`${name}\` takes any number of connections of one address` })),
  },
];

function openListeners(listeners: Readonly<Record<string, ListenerConfiguration>>): [string, ListenerConfiguration][] {
  return Object.entries(listeners).filter(([, { address }]) => isReachable(address));
}

function findWideTrust([name, { trustedProxies, proxyProtocol }]: [string, ListenerConfiguration]): Weakness[] {
  const lists = [
    { path: ['listeners', name, 'trustedProxies'], cidrs: trustedProxies },
    { path: ['listeners', name, 'proxyProtocol', 'from'], cidrs: proxyProtocol?.from ?? [] },
  ];
  return lists.flatMap(({ path, cidrs }) =>
    cidrs.flatMap((cidr, i) =>
      isWide(cidr) ? [{ path: [...path, i], what: `\`${name}\` believes ${cidr}, which anybody may ask from` }] : [],
    ),
  );
}

function showsCredentials(audited: Audited, door: Door): boolean {
  return audited.findIdentities(door).some(({ name }) => !SIGNING.has(name));
}

function findPlainListeners(audited: Audited, choose: (doors: Door[]) => Door[]): Weakness[] {
  return byListener(audited, (listener) => listener.tls === undefined && !isBehindProxy(listener)).flatMap(([listener, doors]) =>
    toWeaknesses(listener, choose(doors), 'requests come over plain HTTP'),
  );
}

/** Doors by listener. */
function byListener({ doors }: Audited, isMeant: (listener: ListenerConfiguration) => boolean): [string, Door[]][] {
  const meant = doors.filter(({ settings }) => isMeant(settings.listener));
  return Object.entries(Object.groupBy(meant, ({ listener }) => listener)) as [string, Door[]][];
}

function toWeaknesses(listener: string, doors: readonly Door[], what: string): Weakness[] {
  if (doors.length === 0) return [];
  return [{ path: ['listeners', listener], what: `${what} through \`${listener}\`: ${nameRoutes(doors)}` }];
}
