/** What is weak in how much anybody may ask for. */
import { isMap } from '#schema/forms.ts';
import { findBlocks } from './access-rules.ts';
import { type Audited, type Block, type Door, firstDoors, reachesServices, takesWrites, uniquePlaces } from './audited.ts';
import type { AuditRule } from './finding.ts';

const COUNTING = ['rate-limit', 'quota'];
const BODY_BYTES_LARGE = 1024 ** 3;

export const limitRules: readonly AuditRule[] = [
  {
    id: 'evadable-limit',
    severity: 'medium',
    because: 'a client that writes something else there each time is never refused',
    mend: 'count `by` `ip`, `consumer` or a claim, or find out who asks first',
    find: (audited) =>
      uniquePlaces(
        audited.doors.flatMap((door) =>
          COUNTING.flatMap((name) => {
            const block = audited.findEnforced(name, door);
            const part = block === undefined || audited.knowsWhoAsks(door) ? undefined : findChosenPart(block);
            return block === undefined || part === undefined
              ? []
              : [{ path: [...block.path, 'by'], what: `\`${name}\` counts by a ${part}, which clients choose themselves` }];
          }),
        ),
      ),
  },
  {
    id: 'limit-fails-open',
    severity: 'low',
    because: 'whoever keeps the store busy asks as often as he likes',
    mend: 'write `onFailure: local`, or `refuse`',
    find: (audited) =>
      findBlocks(
        audited,
        ({ name, settings }) => COUNTING.includes(name) && settings['onFailure'] === 'allow',
        'onFailure',
        (name) => `\`${name}\` counts nothing while the store is away`,
      ),
  },
  {
    id: 'no-rate-limit',
    severity: 'low',
    because: 'one client may ask as often as it likes, and go through all ids that there could be',
    mend: 'write the policy `rate-limit` for the route, or once for the gateway',
    find: (audited) =>
      listWithout(audited, COUNTING).map(({ route }) => ({
        path: ['routes', route],
        what: `\`${route}\` has no limit of requests`,
      })),
  },
  {
    id: 'no-body-limit',
    severity: 'low',
    because: 'the service has to cope with bodies of any length',
    mend: 'write the policy `request-size` with `body`',
    find: (audited) =>
      firstDoors(audited.doors.filter((door) => takesBodies(door) && !hasBodyLimit(audited, door))).map(({ route }) => ({
        path: ['routes', route],
        what: `\`${route}\` takes bodies of any length, or above 1 GiB`,
      })),
  },
];

function listWithout(audited: Audited, policies: readonly string[]): Door[] {
  const isLimited = (door: Door) => policies.some((name) => audited.findEnforced(name, door) !== undefined);
  return firstDoors(audited.doors.filter((door) => reachesServices(door.settings.route) && !isLimited(door)));
}

function takesBodies({ settings: { route } }: Door): boolean {
  return route.to.kind === 'service' && takesWrites(route);
}

function hasBodyLimit(audited: Audited, door: Door): boolean {
  const body = audited.findEnforced('request-size', door)?.settings['body'];
  return typeof body === 'number' && body <= BODY_BYTES_LARGE;
}

function findChosenPart({ settings: { by } }: Block): string | undefined {
  const parts: unknown[] = Array.isArray(by) ? by : [];
  const kinds = parts.map((part) => (isMap(part) ? part['kind'] : undefined));
  return kinds.includes('header') ? 'header field' : kinds.includes('cookie') ? 'cookie' : undefined;
}
