/** What becomes of policies on routes that are in both configurations: added, removed, tighter or looser. */
import { identifyingPolicyNames, policyDefinitions } from '#policies/registry.ts';
import type { FoundChange, Grade } from './change.ts';
import type { Compared } from './compared.ts';
import { EffectivePolicies, type EffectivePolicy, listPolicyPlaces } from './effective-policies.ts';
import { type Difference, findDifferences, isPlainList, isSame } from './value-differences.ts';

/** What a policy is to a client: it asks who is there (`access`), counts (`limit`), looks at messages (`form`), or refuses nothing. */
type Guard = 'access' | 'limit' | 'form' | 'none';
type Direction = 'tighter' | 'looser' | 'different';

const guards: ReadonlyMap<string, Guard> = new Map(policyDefinitions.map((definition) => [definition.name, toGuard(definition)]));

/** By what it refuses clients with. Who answers preflights refuses no more than browsers would. */
function toGuard({ name, errors, answersPreflights }: (typeof policyDefinitions)[number]): Guard {
  const kinds = Object.values(errors).map(({ kind }) => kind);
  const statuses = new Set(kinds.filter(({ side, status }) => side === 'client' && status < 500).map(({ status }) => status));
  if (identifyingPolicyNames.has(name) || statuses.has(401) || (statuses.has(403) && answersPreflights !== true)) return 'access';
  if (statuses.has(429)) return 'limit';
  return statuses.size > 0 ? 'form' : 'none';
}

/** Settings that let more pass when they hold more, or are larger. */
const looserWhenMore =
  /^(?:allow|groups|roles|origins|methods|audience|algorithms|anyOf|limit|burst|max\w*|body|head|fields|windowBurst)$/;
/** And those that let less pass. */
const tighterWhenMore = /^(?:deny|allOf|window\w*)$/;

const grading: Readonly<Record<Guard, Readonly<Record<'added' | 'removed' | Direction, readonly [Grade, string]>>>> = {
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
  for (const route of Object.keys(present.configuration.routes)) {
    if (!Object.hasOwn(old.configuration.routes, route)) continue;
    for (const listener of places)
      for (const policy of new Set([...before.namesFor(route, listener), ...after.namesFor(route, listener)])) {
        const was = before.find(policy, route, listener);
        const is = after.find(policy, route, listener);
        if (isSameBlock(was, is)) continue;
        const key = JSON.stringify([policy, was.path, is.path, was.block === undefined, is.block === undefined]);
        const known = changes.get(key) ?? { policy, before: was, after: is, routes: new Set<string>() };
        known.routes.add(route);
        changes.set(key, known);
      }
  }
  return [...changes.values()].map((change) => toChange(change, compared));
}

function toChange({ policy, before, after, routes }: PolicyChange, compared: Compared): FoundChange {
  const guard = guards.get(policy) ?? 'none';
  const where = describeRoutes([...routes]);
  if (after.block === undefined) {
    const [grade, because] = grading[guard].removed;
    const how = after.from === undefined ? 'is gone from' : `is switched off at ${describePlace(after)} for`;
    return { grade, what: `\`${policy}\` ${how} ${where}`, because, path: after.from === undefined ? before.path : after.path };
  }
  if (before.block === undefined) {
    const [grade, because] = grading[guard].added;
    return { grade, what: `\`${policy}\` is new on ${where}, from ${describePlace(after)}`, because, path: after.path };
  }
  const direction = findDirection(before.block, after.block);
  const [grade, because] = grading[guard][direction];
  const moved = before.path.join() === after.path.join() ? '' : ` (${describePlace(after)} overrides ${describePlace(before)})`;
  const how = guard === 'none' || direction === 'different' ? 'is different' : `is ${direction}`;
  const details = compared.describe(before.path, after.path);
  return { grade, what: `\`${policy}\` ${how} on ${where}${moved}`, because, path: after.path, details };
}

function describeRoutes(routes: readonly string[]): string {
  if (routes.length === 1) return `the route \`${routes[0]}\``;
  const shown = routes.slice(0, 3).map((name) => `\`${name}\``);
  return `${routes.length.toLocaleString('en')} routes (${shown.join(', ')}${routes.length > shown.length ? ', …' : ''})`;
}

function describePlace({ from, path }: EffectivePolicy): string {
  if (from === 'route') return `the route \`${path[1]}\``;
  return from === 'listener' ? `the listener \`${path[1]}\`` : 'the gateway';
}

/** Whether everything that differs points the same way. */
function findDirection(before: unknown, after: unknown): Direction {
  const directions = new Set(findDifferences(before, after).flatMap(toDirection));
  const [first, ...others] = directions;
  return first === undefined || others.length > 0 ? 'different' : first;
}

function toDirection({ path, before, after }: Difference): Direction[] {
  const name = path.filter((step) => typeof step === 'string').at(-1) ?? '';
  // A text beside numbers that says the same.
  if (name === 'name') return [];
  if (name === 'mode') return [after === 'enforce' ? 'tighter' : 'looser'];
  const isLooserWhenMore = looserWhenMore.test(name);
  if (!isLooserWhenMore && !tighterWhenMore.test(name)) return ['different'];
  const grows = findGrowth(before, after, isLooserWhenMore);
  return [grows === undefined ? 'different' : grows === isLooserWhenMore ? 'looser' : 'tighter'];
}

/** `isOpenWhenMissing`: without such a list, everything is allowed. */
function findGrowth(before: unknown, after: unknown, isOpenWhenMissing: boolean): boolean | undefined {
  if (typeof before === 'number' && typeof after === 'number') return after > before;
  if (before === undefined && isPlainList(after)) return !isOpenWhenMissing;
  if (after === undefined && isPlainList(before)) return isOpenWhenMissing;
  if (!isPlainList(before) || !isPlainList(after)) return undefined;
  const added = after.some((item) => !before.includes(item));
  const removed = before.some((item) => !after.includes(item));
  return added === removed ? undefined : added;
}
