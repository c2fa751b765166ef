/** What lets pages of others act in the name of those who look at them. */
import { isMap } from '#schema/forms.ts';
import type { Template } from '#schema/template.ts';
import { findBlocks } from './access-rules.ts';
import { type Audited, type Block, type Door, takesWrites, uniquePlaces } from './audited.ts';
import type { AuditRule } from './finding.ts';

export const browserRules: readonly AuditRule[] = [
  {
    id: 'open-redirect',
    severity: 'high',
    because: 'a link to your host leads wherever its author likes',
    mend: 'end the host with a name of your own, such as `${path.shop}.example.com`',
    find: ({ configuration }) =>
      Object.entries(configuration.routes).flatMap(([name, { to }]) =>
        to.kind === 'redirect' && to.host !== undefined && isChosenByLink(to.host)
          ? [{ path: ['routes', name, 'to', 'redirect', 'host'], what: `\`${name}\` leads to a host that the link names` }]
          : [],
      ),
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
            ? listCookies(audited, door).map(({ name, path }) => ({
                path,
                what: `\`${name}\` knows browsers by a cookie that they send with every request`,
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

/** Names of hosts end with what says whose they are. */
function isChosenByLink({ parts }: Template): boolean {
  const last = parts.at(-1);
  return typeof last === 'object' && ['capture', 'rest', 'parameter', 'path', 'query'].includes(last.kind);
}

/** `lax` cookies do not go along with what a page of another site sends. */
function listCookies(audited: Audited, door: Door): Block[] {
  return audited.findIdentities(door).filter(({ name, settings: { cookie } }) => {
    if (name === 'oidc') return isMap(cookie) && cookie['sameSite'] === 'none';
    return typeof cookie === 'string';
  });
}
