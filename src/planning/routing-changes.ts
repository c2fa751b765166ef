/**
 * Which requests get another route. Each way to match a route, of both configurations, gives a request; both tables are asked
 * about all of them, so what is lost, gained or taken over shows however it comes about.
 */
import { runAtOnce } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import { identifyingPolicyNames } from '#policies/registry.ts';
import type { Candidate } from '#routing/candidate.ts';
import { explainMatch } from '#routing/explanation.ts';
import type { MatchSubject } from '#routing/route-definition.ts';
import { writeRouteImage } from '#routing/route-image-writer.ts';
import { RouteTable } from '#routing/route-table.ts';
import { findRequestListener } from '#runtime/request-listener.ts';
import type { FoundChange } from './change.ts';
import type { Compared, ComparedSide } from './compared.ts';
import { EffectivePolicies } from './effective-policies.ts';
import { isSame, toComparableText } from './value-differences.ts';
import { formatWitness, toWitness } from './witness-requests.ts';

const EXAMPLES_MAX = 3;

/** The routes of one configuration, ready to be asked. */
class AskedRoutes {
  readonly configuration: Configuration;
  readonly listener: string;
  readonly candidates: readonly Candidate[];
  readonly #names: readonly string[];
  readonly #table: RouteTable;
  readonly #policies: EffectivePolicies;

  constructor({ configuration, compiledRoutes }: ComparedSide) {
    this.configuration = configuration;
    this.listener = findRequestListener(configuration.listeners);
    this.candidates = compiledRoutes.candidates;
    this.#names = Object.keys(configuration.routes);
    this.#table = new RouteTable(runAtOnce(writeRouteImage(compiledRoutes)));
    this.#policies = new EffectivePolicies(configuration);
  }

  find(subject: MatchSubject): string | undefined {
    const match = this.#table.lookup(subject);
    return match === undefined ? undefined : this.#names[match.routeIndex];
  }

  has(route: string): boolean {
    return Object.hasOwn(this.configuration.routes, route);
  }

  /** Whether others have a route of this name that asks for the same. */
  matchesAlike(route: string, { configuration }: AskedRoutes): boolean {
    return this.has(route) && isSame(this.configuration.routes[route]!.matches, configuration.routes[route]?.matches);
  }

  /** All that a request meets on a route, as one text. */
  effectOf(route: string): string {
    const { to, timeouts, retry, importance } = this.configuration.routes[route]!;
    return `${toComparableText([to, timeouts, retry, importance])}\n${this.#policies.textFor(route, undefined)}`;
  }

  destinationOf(route: string): string {
    return toComparableText(this.configuration.routes[route]!.to);
  }

  isOpen(route: string): boolean {
    return this.#policies
      .namesFor(route, undefined)
      .every((name) => !identifyingPolicyNames.has(name) || this.#policies.find(name, route, undefined).block === undefined);
  }

  /** In which step of the order a route goes ahead of another one. */
  explain(subject: MatchSubject, route: string, other: string): string | undefined {
    const { outranked } = explainMatch(this.candidates, subject, this.#names.indexOf(route));
    return outranked.find((each) => each.route === other)?.because;
  }
}

interface Move {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly subjects: MatchSubject[];
}

export function findRoutingChanges({ old, new: present }: Compared): FoundChange[] {
  const before = new AskedRoutes(old);
  const after = new AskedRoutes(present);
  const moves = new Map<string, Move>();
  const reached = new Set<string>();
  const rivals = new Map<string, string>();
  const note = (subject: MatchSubject, candidate: Candidate, isNew: boolean) => {
    const from = before.find(subject);
    const to = after.find(subject);
    if (to !== undefined) reached.add(to);
    if (isNew && to !== undefined && to !== candidate.routeName) rivals.set(candidate.routeName, to);
    if (from === to) return;
    const key = JSON.stringify([from, to]);
    const move = moves.get(key) ?? { from, to, subjects: [] };
    moves.set(key, move);
    if (move.subjects.length < EXAMPLES_MAX) move.subjects.push(subject);
  };
  for (const candidate of before.candidates) {
    const subject = toWitness(candidate, before.listener);
    if (subject !== undefined) note(subject, candidate, false);
  }
  for (const candidate of after.candidates) {
    // It would give the same request again.
    if (before.listener === after.listener && before.matchesAlike(candidate.routeName, after)) continue;
    const subject = toWitness(candidate, after.listener);
    if (subject !== undefined) note(subject, candidate, true);
  }
  const moved = [...moves.values()].map((move) => toChange(move, before, after));
  return [...moved, ...findUnreached(rivals, reached, before)];
}

/** A new route whose own requests all go elsewhere. */
function findUnreached(rivals: ReadonlyMap<string, string>, reached: ReadonlySet<string>, before: AskedRoutes): FoundChange[] {
  return [...rivals]
    .filter(([route]) => !reached.has(route) && !before.has(route))
    .map(([route, rival]) => ({
      grade: 'risky',
      what: `the new route \`${route}\` takes no request: \`${rival}\` is more specific`,
      because: 'somebody expects it to take some',
      path: ['routes', route],
    }));
}

function toChange(move: Move, before: AskedRoutes, after: AskedRoutes): FoundChange {
  const { from, to, subjects } = move;
  const examples = [...new Set(subjects.map((subject) => formatWitness(subject, after.listener)))];
  if (from === undefined) return { ...toGained(to!, after, before), examples };
  if (to === undefined) return { ...toLost(from, after), examples };
  return { ...toTaken({ from, to }, subjects[0]!, before, after), examples };
}

function toGained(route: string, after: AskedRoutes, before: AskedRoutes): FoundChange {
  const what = before.has(route)
    ? `\`${route}\` takes more requests than before`
    : `the new route \`${route}\` takes requests that got 404`;
  const because = after.isOpen(route)
    ? 'anybody may ask for what was not published before'
    : 'what was not published before is, for those who are known';
  return { grade: 'notable', what, because, path: ['routes', route] };
}

function toLost(route: string, after: AskedRoutes): FoundChange {
  const isGone = !after.has(route);
  return {
    grade: 'breaking',
    what: isGone
      ? `the route \`${route}\` is gone, and nothing else takes its requests`
      : `\`${route}\` takes fewer requests than before`,
    because: 'clients that ask for this get 404',
    path: isGone ? ['routes'] : ['routes', route, 'match'],
  };
}

function toTaken(
  { from, to }: { readonly from: string; readonly to: string },
  subject: MatchSubject,
  before: AskedRoutes,
  after: AskedRoutes,
): FoundChange {
  const path = ['routes', to];
  if (before.effectOf(from) === after.effectOf(to)) {
    const what = after.has(from) ? `\`${to}\` takes requests of \`${from}\`` : `\`${to}\` takes the place of \`${from}\``;
    return { grade: 'harmless', what, because: 'what happens to them is the same', path };
  }
  const isElsewhere = before.destinationOf(from) !== after.destinationOf(to);
  const because = isElsewhere ? 'they go to another place than before' : 'they go to the same place by other rules';
  if (!after.has(from))
    return { grade: 'risky', what: `the route \`${from}\` is gone, and its requests go to \`${to}\``, because, path };
  const reason = after.explain(subject, to, from);
  const why = reason === undefined ? '' : `: ${reason}`;
  return { grade: 'risky', what: `\`${to}\` takes requests that \`${from}\` had${why}`, because, path };
}
