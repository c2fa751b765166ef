/** A slow matcher that is written down straight from the rules and shares no code with the route table. */
import type { MatchDefinition, MatchSubject, PathPattern, PathRegex, RouteDefinition } from '#routing/route-definition.ts';

/** A route that fits a request. */
export interface Fit {
  /** Compared from the left; higher is more specific. */
  readonly rank: readonly number[];
  readonly name: string;
  readonly captures: readonly string[];
  readonly rest: string;
}

/** The best of all fits; among equals the first. */
export function findSlowly(routes: readonly RouteDefinition[], asked: MatchSubject): Fit | undefined {
  const fits = routes.flatMap((route) =>
    route.matches.flatMap((match) =>
      fitMatch(match, asked).map((fit) => ({ ...fit, name: route.name, rank: [...fit.rank, route.priority] })),
    ),
  );
  return fits.reduce<Fit | undefined>(
    (best, fit) => (best === undefined || isBetter(fit.rank, best.rank) ? fit : best),
    undefined,
  );
}

export function isBetter(left: readonly number[], right: readonly number[]): boolean {
  const index = left.findIndex((value, position) => value !== (right[position] ?? 0));
  return index >= 0 && left[index]! > (right[index] ?? 0);
}

function fitMatch(match: MatchDefinition, asked: MatchSubject): Omit<Fit, 'name'>[] {
  const conditions = [
    match.methods?.includes(asked.method),
    match.listeners?.includes(asked.listener),
    ...Object.entries(match.headers ?? {}).map(([name, condition]) => {
      const values = asked.fields.filter((_, index) => index % 2 === 1 && asked.fields[index - 1] === name);
      return 'equals' in condition
        ? values.includes(condition.equals)
        : values.length > 0 === ('present' in condition && condition.present);
    }),
    ...Object.entries(match.query ?? {}).map(([name, condition]) => {
      const values = new URLSearchParams(asked.query).getAll(name);
      return 'equals' in condition ? values.includes(condition.equals) : values.length > 0;
    }),
  ].filter((condition) => condition !== undefined);
  if (conditions.includes(false)) return [];
  const hostRanks = (match.hosts ?? ['']).map((host) => rankHost(host, asked.host)).filter((rank) => rank !== undefined);
  const pathFits = (match.paths ?? [{ source: '/*', segments: [], isPrefix: true }]).flatMap((path) => fitPath(path, asked.path));
  return hostRanks.flatMap((hostRank) =>
    pathFits.map(({ rank, captures, rest }) => ({ rank: [hostRank, ...rank, conditions.length], captures, rest })),
  );
}

function rankHost(pattern: string, host: string): number | undefined {
  if (pattern === '') return 0;
  if (pattern === host) return 1000;
  return pattern.startsWith('*') && host.endsWith(pattern.slice(1)) && host.length >= pattern.length ? pattern.length : undefined;
}

/** Rank: kind, literal segments, captured segments, no star, then one number per segment for the leftmost literal. */
const RANK_SEGMENTS = 8;

function fitPath(path: PathPattern | PathRegex, asked: string): { rank: number[]; captures: string[]; rest: string }[] {
  const padding = (kinds: number[]) => [...kinds, ...new Array<number>(RANK_SEGMENTS - kinds.length).fill(0)];
  if ('regex' in path) {
    return new RegExp(`^(${path.regex})$`).test(asked) ? [{ rank: [1, 0, 0, 0, ...padding([])], captures: [], rest: '' }] : [];
  }
  const parts = asked === '/' ? [] : asked.slice(1).split('/');
  const { segments, isPrefix } = path;
  if (parts.length < segments.length || (!isPrefix && parts.length > segments.length)) return [];
  const captures: string[] = [];
  for (const [index, segment] of segments.entries()) {
    if ('literal' in segment && segment.literal !== parts[index]) return [];
    if ('capture' in segment && parts[index] === '') return [];
    if ('capture' in segment) captures.push(parts[index]!);
  }
  const kinds = segments.map((segment) => ('literal' in segment ? 1 : 0));
  const literals = kinds.filter((kind) => kind === 1).length;
  const kind = isPrefix && segments.length === 0 ? 0 : !isPrefix && literals === segments.length ? 3 : 2;
  const rank = [kind, literals, captures.length, isPrefix ? 0 : 1, ...padding(kinds)];
  return [{ rank, captures, rest: parts.slice(segments.length).join('/') }];
}
