/** What becomes of policies on routes that are in both configurations: added, removed, tighter or looser. */
import { identifyingPolicyNames, policyDefinitions } from '#policies/registry.ts';
import { type FoundChange, type Grade, grades } from './change.ts';
import { type Direction, findDirections } from './change-direction.ts';
import type { Compared } from './compared.ts';
import { formatCount } from './count-text.ts';
import { EffectivePolicies, type EffectivePolicy, listPolicyPlaces } from './effective-policies.ts';
import { isSame } from './value-differences.ts';

/** What a policy is to a client: it asks who is there (`access`), counts (`limit`), looks at messages (`form`), or refuses nothing. */
type Guard = 'access' | 'limit' | 'form' | 'none';

const guards: ReadonlyMap<string, Guard> = new Map(policyDefinitions.map((definition) => [definition.name, toGuard(definition)]));

/** By what it refuses clients with. Who answers preflights refuses no more than browsers would. */
function toGuard({ name, errors, answersPreflights }: (typeof policyDefinitions)[number]): Guard {
  const kinds = Object.values(errors).map(({ kind }) => kind);
  const statuses = new Set(kinds.filter(({ side, status }) => side === 'client' && status < 500).map(({ status }) => status));
  if (identifyingPolicyNames.has(name) || statuses.has(401) || (statuses.has(403) && answersPreflights !== true)) return 'access';
  if (statuses.has(429)) return 'limit';
  return statuses.size > 0 ? 'form' : 'none';
}

type Graded = readonly [grade: Grade, because: string];

const grading: Readonly<Record<Guard, Readonly<Record<'added' | 'removed' | Direction, Graded>>>> = {
  access: {
    added: ['breaking', 'requests that passed may be refused'],
    removed: ['risky', 'requests that were refused pass'],
    tighter: ['breaking', 'requests that passed may be refused'],
    looser: ['risky', 'requests that were refused pass'],
    different: ['risky', 'it decides who may come, and decides differently'],
  },
  limit: {
    added: ['risky', 'clients that ask often may be refused'],
    removed: ['risky', 'nothing keeps clients from asking as often as they like'],
    tighter: ['risky', 'clients that ask often may be refused'],
    looser: ['notable', 'clients may ask more often'],
    different: ['risky', 'it counts in another way'],
  },
  form: {
    added: ['risky', 'requests that passed as they were may be refused or changed'],
    removed: ['risky', 'services get what was refused or changed before'],
    tighter: ['risky', 'requests that passed may be refused'],
    looser: ['notable', 'requests that were refused pass'],
    different: ['risky', 'requests may be refused or changed in another way'],
  },
  none: {
    added: ['notable', 'it refuses nothing'],
    removed: ['notable', 'it refused nothing'],
    tighter: ['notable', 'it refuses nothing'],
    looser: ['notable', 'it refuses nothing'],
    different: ['notable', 'it refuses nothing'],
  },
};

/** One change of one block, with all routes that it reaches. */
interface PolicyChange {
  readonly policy: string;
  readonly before: EffectivePolicy;
  readonly after: EffectivePolicy;
  readonly routes: Set<string>;
}

/** No route has this name, so that only what the gateway and listeners say applies. */
const NO_ROUTE = '';

export function findPolicyChanges(compared: Compared): FoundChange[] {
  const { old, new: present } = compared;
  const before = new EffectivePolicies(old.configuration);
  const after = new EffectivePolicies(present.configuration);
  // What a route says itself is there once; everything else serves many routes, and its text is made once.
  const isSameBlock = (was: EffectivePolicy, is: EffectivePolicy) =>
    was.from === 'route' || is.from === 'route'
      ? isSame(was.block, is.block)
      : before.textOf(was.block) === after.textOf(is.block);
  const changes = new Map<string, PolicyChange>();
  const places = listPolicyPlaces(old.configuration, present.configuration);
  const namesFor = (route: string, listener: string | undefined) =>
    new Set([...before.namesFor(route, listener), ...after.namesFor(route, listener)]);
  const shared = places.map((listener) => ({
    listener,
    // Of those that many routes share, few are different.
    differing: [...namesFor(NO_ROUTE, listener)].filter(
      (policy) => !isSameBlock(before.find(policy, NO_ROUTE, listener), after.find(policy, NO_ROUTE, listener)),
    ),
  }));
  for (const route of Object.keys(present.configuration.routes)) {
    if (!Object.hasOwn(old.configuration.routes, route)) continue;
    const isSameRoute = old.configuration.routes[route]?.policies === present.configuration.routes[route]?.policies;
    for (const { listener, differing } of shared)
      for (const policy of isSameRoute ? differing : namesFor(route, listener)) {
        const was = before.find(policy, route, listener);
        const is = after.find(policy, route, listener);
        if (isSameBlock(was, is)) continue;
        const key = JSON.stringify([policy, was.path, is.path, was.block === undefined, is.block === undefined]);
        const known = changes.get(key) ?? { policy, before: was, after: is, routes: new Set<string>() };
        known.routes.add(route);
        changes.set(key, known);
      }
  }
  return [...changes.values()].flatMap((change) => toChange(change, compared) ?? []);
}

/** `undefined`: nothing becomes of it. */
function toChange({ policy, before, after, routes }: PolicyChange, compared: Compared): FoundChange | undefined {
  const guard = guards.get(policy) ?? 'none';
  const where = describeRoutes([...routes]);
  const refused = refuses(before.block);
  const isRefusing = refuses(after.block);
  // What only reports refuses nothing, whatever else it is.
  const graded = grading[refused || isRefusing ? guard : 'none'];
  if (after.block === undefined) {
    const [grade, because] = graded.removed;
    const how = after.from === undefined ? 'is gone from' : `is switched off at ${describePlace(after)} for`;
    return { grade, what: `\`${policy}\` ${how} ${where}`, because, path: after.from === undefined ? before.path : after.path };
  }
  if (before.block === undefined) {
    const [grade, because] = graded.added;
    return { grade, what: `\`${policy}\` is new on ${where}, from ${describePlace(after)}`, because, path: after.path };
  }
  const moved = before.path.join() === after.path.join() ? '' : ` (${describePlace(after)} overrides ${describePlace(before)})`;
  const details = compared.describe(before.path, after.path);
  if (refused !== isRefusing) {
    const [grade, because] = isRefusing ? graded.added : graded.removed;
    const how = isRefusing ? 'refuses now, and does not only report,' : 'only reports';
    return { grade, what: `\`${policy}\` ${how} on ${where}${moved}`, because, path: after.path, details };
  }
  const directions = findDirections(before.block, after.block);
  if (directions.length === 0) return undefined;
  const [grade, because] = findWorst(directions.map((direction) => graded[direction]));
  const how = guard === 'none' || directions.length > 1 || directions[0] === 'different' ? 'is different' : `is ${directions[0]}`;
  return { grade, what: `\`${policy}\` ${how} on ${where}${moved}`, because, path: after.path, details };
}

function refuses(block: unknown): boolean {
  return block !== undefined && !(typeof block === 'object' && block !== null && Reflect.get(block, 'mode') === 'report');
}

function findWorst(graded: readonly Graded[]): Graded {
  return graded.toSorted(([one], [other]) => grades.indexOf(one) - grades.indexOf(other))[0]!;
}

function describeRoutes(routes: readonly string[]): string {
  if (routes.length === 1) return `the route \`${routes[0]}\``;
  const shown = routes.slice(0, 3).map((name) => `\`${name}\``);
  return `${formatCount(routes.length)} routes (${shown.join(', ')}${routes.length > shown.length ? ', …' : ''})`;
}

function describePlace({ from, path }: EffectivePolicy): string {
  if (from === 'route') return `the route \`${path[1]}\``;
  return from === 'listener' ? `the listener \`${path[1]}\`` : 'the gateway';
}
