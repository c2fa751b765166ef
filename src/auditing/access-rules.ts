/** What is weak in who may come, and how it is found out who asks. */
import { isMap, isText } from '#schema/forms.ts';
import { type Audited, type Block, type Door, firstDoors, isReadable, reachesServices, takesWrites } from './audited.ts';
import type { AuditRule, Weakness } from './finding.ts';

const guardMend =
  'write a policy that finds out who asks (`api-key`, `jwt`, …), `ip`, or `forward-auth`; or accept it, where the service does so itself';

export const accessRules: readonly AuditRule[] = [
  {
    id: 'open-writes',
    severity: 'medium',
    because: 'whoever reaches the gateway may change something, unless the service refuses it',
    mend: `${guardMend}; or name the methods in \`match\``,
    find: (audited) =>
      listOpen(audited)
        .filter(isWriting)
        .map(({ route }) => ({
          path: ['routes', route],
          what: `\`${route}\` takes every method, or ones that change something, of anybody`,
        })),
  },
  {
    id: 'open-route',
    severity: 'low',
    because: 'whoever reaches the gateway sees what the service says, unless it refuses that',
    mend: guardMend,
    find: (audited) =>
      listOpen(audited)
        .filter((door) => !isWriting(door))
        .map(({ route }) => ({ path: ['routes', route], what: `\`${route}\` answers anybody` })),
  },
  {
    id: 'only-watching',
    severity: 'medium',
    because: 'the policy logs what it would refuse, and lets it pass',
    mend: 'leave out `mode: report` once its reports are as they should be',
    find: (audited) =>
      findBlocks(
        audited,
        ({ settings }) => settings['mode'] === 'report',
        'mode',
        (name) => `\`${name}\` refuses nothing`,
      ),
  },
  {
    id: 'decision-fails-open',
    severity: 'high',
    because: 'whoever brings down the service that decides gets in',
    mend: 'leave out `onFailure: allow`',
    find: (audited) =>
      findBlocks(
        audited,
        ({ name, settings }) => (name === 'forward-auth' || name === 'opa') && settings['onFailure'] === 'allow',
        'onFailure',
        (name) => `\`${name}\` lets everything pass while its service does not answer`,
      ),
  },
  {
    id: 'any-audience',
    severity: 'medium',
    because: 'whoever is shown a token for another service of the same issuer can use it here',
    mend: 'write `audience`',
    find: (audited) =>
      audited.blocks.flatMap(({ name, settings, path }) => {
        const { issuers } = settings;
        if (name !== 'jwt' || !Array.isArray(issuers)) return [];
        const isAny = issuers.some((issuer) => isMap(issuer) && issuer['audience'] === undefined);
        return isAny ? [{ path, what: 'tokens count that were issued for others' }] : [];
      }),
  },
  {
    id: 'endless-token',
    severity: 'medium',
    because: 'a token that was stolen counts for ever',
    mend: 'leave out `requireExpiry: false`, or write `maxAge`',
    find: (audited) =>
      findBlocks(
        audited,
        ({ name, settings }) => name === 'jwt' && settings['requireExpiry'] === false && settings['maxAgeMs'] === undefined,
        'requireExpiry',
        () => 'tokens count that do not say until when',
      ),
  },
  {
    id: 'issuer-in-clear',
    severity: 'high',
    because: 'who sits on the way gives the gateway keys of his own, or reads its secret',
    mend: 'write an address that begins with `https://`',
    find: (audited) =>
      audited.blocks.flatMap((block) =>
        listServers(block)
          .filter(isReadable)
          .map((server) => ({ path: block.path, what: `\`${block.name}\` asks ${server} over plain HTTP` })),
      ),
  },
  {
    id: 'credential-in-query',
    severity: 'medium',
    because: 'addresses stand in logs, histories of browsers and `referer` fields',
    mend: 'take the credential from a field (`header`)',
    find: (audited) =>
      findBlocks(
        audited,
        ({ name, settings }) => ['api-key', 'jwt', 'introspection'].includes(name) && settings['query'] !== undefined,
        'query',
        (name) => `\`${name}\` takes credentials from the query`,
      ),
  },
  {
    id: 'endless-key',
    severity: 'low',
    because: 'a key that was lost counts until somebody notices',
    mend: 'write keys as `{ key: …, expires: DATE }`',
    find: ({ configuration }) =>
      Object.entries(configuration.consumers)
        .filter(([, { keys }]) => keys.some(({ expiresMs }) => expiresMs === undefined))
        .map(([name]) => ({ path: ['consumers', name, 'keys'], what: `\`${name}\` has keys that never expire` })),
  },
];

function listOpen(audited: Audited): Door[] {
  return firstDoors(audited.doors.filter((door) => reachesServices(door.settings.route) && !audited.isGuarded(door)));
}

/** An aggregate is composed of reading calls, nearly always. */
function isWriting({ settings: { route } }: Door): boolean {
  return route.to.kind === 'service' && takesWrites(route);
}

export function findBlocks(
  audited: Audited,
  isWeak: (block: Block) => boolean,
  setting: string,
  toText: (policy: string) => string,
): Weakness[] {
  return audited.blocks.filter(isWeak).map(({ name, path }) => ({ path: [...path, setting], what: toText(name) }));
}

/** Servers that are asked about tokens, or for some. */
function listServers({ name, settings }: Block): string[] {
  if (name === 'introspection') return [settings['endpoint']].filter(isText);
  if (name === 'upstream-auth') return listTokenServers(settings);
  if (name !== 'jwt' || !Array.isArray(settings['issuers'])) return [];
  return settings['issuers'].flatMap((issuer) => {
    const keys: unknown = isMap(issuer) ? issuer['keys'] : undefined;
    return isMap(keys) ? [keys['url'], keys['kind'] === 'discovery' ? keys['issuer'] : undefined].filter(isText) : [];
  });
}

function listTokenServers(settings: Readonly<Record<string, unknown>>): string[] {
  const credentials = isMap(settings['credentials']) ? Object.values(settings['credentials']) : [settings];
  return credentials.flatMap((credential) => {
    const server: unknown = isMap(credential) ? credential['server'] : undefined;
    return isMap(server) ? Object.values(server).filter(isText) : [];
  });
}
