/** Which parts of a configuration the requests of tests have gone through: routes, alternatives, shares, fallbacks, and what policies decide. */
import { runAtOnce } from '#base/slices.ts';
import type { Configuration, RouteConfiguration } from '#config/configuration.ts';
import type { IssuePath } from '#config/issue.ts';
import { policyDefinitions } from '#policies/registry.ts';
import type { Decision } from '#rehearsal/decision.ts';
import type { Candidate } from '#routing/candidate.ts';
import { explainMatch } from '#routing/explanation.ts';
import { compileRoutes } from '#routing/route-compiler.ts';
import type { MatchDefinition, MatchSubject } from '#routing/route-definition.ts';

export type CoverageKind = 'route' | 'alternative' | 'share' | 'fallback' | 'policy';

/** Something that a request can go through. */
export interface CoveragePoint {
  readonly kind: CoverageKind;
  /** `packages-canary: alternative 2` */
  readonly label: string;
  readonly path: IssuePath;
  isCovered: boolean;
}

/** One way to match a route, as a table of its own. */
interface Alternative {
  readonly id: string;
  readonly candidates: readonly Candidate[];
}

export class RouteCoverage {
  readonly points = new Map<string, CoveragePoint>();
  readonly #configuration: Configuration;
  readonly #alternatives = new Map<string, readonly Alternative[]>();

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
    for (const [name, route] of Object.entries(configuration.routes)) this.#addRoute(name, route);
    this.#addBlocks('all routes', ['policies'], configuration.policies);
    for (const [name, { policies }] of Object.entries(configuration.listeners))
      this.#addBlocks(`listener ${name}`, ['listeners', name, 'policies'], policies);
  }

  note(decision: Decision, subject: MatchSubject | undefined): void {
    const { route, services, fallback, policies, refusal } = decision;
    const { listener } = decision.request;
    for (const { policy, decision: said } of policies) {
      if (said === 'pass') this.#cover(this.#toBlockId(policy, route, listener, 'passes'));
      if (said === 'refuse') this.#cover(this.#toBlockId(policy, route, listener, 'refuses'));
    }
    // Bodies are looked at behind the phases that say so.
    if (refusal?.policy !== undefined) this.#cover(this.#toBlockId(refusal.policy, route, listener, 'refuses'));
    if (route === undefined) return;
    this.#cover(`route ${route}`);
    for (const service of services) this.#cover(`share ${route} ${service}`);
    if (fallback !== undefined) this.#cover(`fallback ${route}`);
    if (subject !== undefined) this.#coverAlternatives(route, subject);
  }

  #cover(id: string): void {
    const point = this.points.get(id);
    if (point !== undefined) point.isCovered = true;
  }

  #add(id: string, point: Omit<CoveragePoint, 'isCovered'>): void {
    this.points.set(id, { ...point, isCovered: false });
  }

  #addRoute(name: string, { matches, priority, to, policies }: RouteConfiguration): void {
    const path = ['routes', name];
    this.#add(`route ${name}`, { kind: 'route', label: name, path });
    const alternatives = listAlternatives(matches);
    if (alternatives.length > 1) {
      const compiled = alternatives.map(({ match, at, label }, i) => {
        const id = `alternative ${name} ${i}`;
        this.#add(id, { kind: 'alternative', label: `${name}: ${label}`, path: [...path, 'match', ...at] });
        return { id, candidates: runAtOnce(compileRoutes([{ name, matches: [match], priority }])).candidates };
      });
      this.#alternatives.set(name, compiled);
    }
    if (to.kind === 'service') {
      const shares = to.services.filter(({ weight }) => weight > 0);
      if (shares.length > 1)
        for (const { service, weight } of shares)
          this.#add(`share ${name} ${service}`, {
            kind: 'share',
            label: `${name}: ${service} (weight ${weight})`,
            path: [...path, 'to'],
          });
      if (to.fallback !== undefined)
        this.#add(`fallback ${name}`, { kind: 'fallback', label: `${name}: fallback`, path: [...path, 'to', 'fallback'] });
    }
    this.#addBlocks(`route ${name}`, [...path, 'policies'], policies);
  }

  /** Of policies that may refuse a client. */
  #addBlocks(place: string, path: IssuePath, blocks: RouteConfiguration['policies']): void {
    for (const { name, errors } of policyDefinitions) {
      const block = blocks?.[name];
      if (block === undefined || block === false) continue;
      if (!Object.values(errors).some(({ kind }) => kind.side === 'client' && kind.status < 500)) continue;
      for (const outcome of ['passes', 'refuses'])
        this.#add(`${place} ${name} ${outcome}`, {
          kind: 'policy',
          label: `${place}: ${name} ${outcome === 'passes' ? 'lets pass' : 'refuses'}`,
          path: [...path, name],
        });
    }
  }

  /** The route has the last word on a policy, then the listener. */
  #toBlockId(policy: string, route: string | undefined, listener: string, outcome: 'passes' | 'refuses'): string {
    const { routes, listeners } = this.#configuration;
    if (route !== undefined && routes[route]?.policies?.[policy] !== undefined) return `route ${route} ${policy} ${outcome}`;
    if (listeners[listener]?.policies?.[policy] !== undefined) return `listener ${listener} ${policy} ${outcome}`;
    return `all routes ${policy} ${outcome}`;
  }

  #coverAlternatives(route: string, subject: MatchSubject): void {
    for (const { id, candidates } of this.#alternatives.get(route) ?? []) {
      if (this.points.get(id)?.isCovered !== true && explainMatch(candidates, subject, 0).chosen !== undefined) this.#cover(id);
    }
  }
}

interface WrittenAlternative {
  readonly match: MatchDefinition;
  readonly at: IssuePath;
  readonly label: string;
}

/** Each match of a list, and each path of one. */
function listAlternatives(matches: readonly MatchDefinition[]): WrittenAlternative[] {
  return matches.flatMap((match, i): WrittenAlternative[] => {
    const at = matches.length > 1 ? [i] : [];
    const { paths = [] } = match;
    const which = matches.length > 1 ? `alternative ${i + 1}` : 'path';
    if (paths.length < 2) return [{ match, at, label: which }];
    return paths.map((path, j) => ({
      match: { ...match, paths: [path] },
      at: [...at, 'path', j],
      label: `${which} ${'source' in path ? path.source : path.regex}`,
    }));
  });
}
