/** What lets pages of others act in the name of those who look at them. */
import { isMap } from '#schema/forms.ts';
import type { Template } from '#schema/template.ts';
import { findBlocks } from './access-rules.ts';
import { type Audited, type Block, type Door, firstDoors, takesWrites, uniquePlaces } from './audited.ts';
import type { AuditRule } from './finding.ts';

/** Kinds of variables that hold what the author of a link writes. */
const CHOSEN_BY_LINK: ReadonlySet<string> = new Set(['capture', 'rest', 'parameter', 'path', 'query']);
/** In the place of others, such as the host of the request. */
const STANDS_FOR_OTHERS = 'host.example';

export const browserRules: readonly AuditRule[] = [
  {
    id: 'open-redirect',
    severity: 'high',
    because: 'a link to your host leads wherever its author likes',
    mend: 'end the host with a name of your own, such as `${path.shop}.example.com`',
    find: (audited) =>
      firstDoors(audited.doors).flatMap(({ route, settings }) => {
        const { to } = settings.route;
        return to.kind === 'redirect' && to.host !== undefined && isChosenByLink(to.host)
          ? [{ path: ['routes', route, 'to', 'redirect', 'host'], what: `\`${route}\` leads to a host that the link names` }]
          : [];
      }),
  },
  {
    id: 'no-csrf',
    severity: 'medium',
    because: 'a page of somebody else can have a browser change something in the name of its user',
    mend: 'write the policy `csrf`',
    find: (audited) =>
      uniquePlaces(
        audited.doors.flatMap((door) =>
          takesWrites(door.settings.route) && audited.findEnforced('csrf', door) === undefined
            ? listAmbient(audited, door).map(({ name, path }) => ({
                path,
                what: `\`${name}\` knows browsers by what they send by themselves with every request`,
              }))
            : [],
        ),
      ),
  },
  {
    id: 'insecure-cookie',
    severity: 'medium',
    because: 'who sits on the way reads the session, and uses it',
    mend: 'leave out `cookie.secure: false`',
    find: (audited) =>
      findBlocks(
        audited,
        ({ name, settings }) => name === 'oidc' && isMap(settings['cookie']) && settings['cookie']['secure'] === false,
        'cookie',
        () => 'browsers send the cookie of the session over plain HTTP too',
      ),
  },
  {
    id: 'cors-behind-fence',
    severity: 'medium',
    because: 'any page that somebody inside looks at reads what is meant for inside',
    mend: 'name the `origins`, or find out who asks',
    find: (audited) =>
      uniquePlaces(
        audited.doors.flatMap((door) => {
          const cors = audited.find('cors', door);
          const isOpen = cors?.settings['origins'] === '*' && audited.isFenced(door) && audited.findIdentities(door).length === 0;
          return isOpen
            ? [{ path: [...cors.path, 'origins'], what: 'every page may read answers that only some addresses get' }]
            : [];
        }),
      ),
  },
];

/** Names of hosts end with what says whose they are: a domain, such as `example.com`, and not a part of one, or `com` alone. */
function isChosenByLink({ parts }: Template): boolean {
  const last = parts.findLastIndex((part) => typeof part === 'object' && CHOSEN_BY_LINK.has(part.kind));
  const ending = parts.slice(last + 1).map((part) => (typeof part === 'string' ? part : STANDS_FOR_OTHERS));
  return last >= 0 && !/^\.[^.]+\.[^.]/.test(ending.join(''));
}

/** What browsers send by themselves. `lax` cookies do not go along with what a page of another site sends. */
function listAmbient(audited: Audited, door: Door): Block[] {
  return audited.findIdentities(door).filter(({ name, settings: { cookie } }) => {
    if (name === 'oidc') return isMap(cookie) && cookie['sameSite'] === 'none';
    return name === 'basic-auth' || name === 'client-certificate' || typeof cookie === 'string';
  });
}
