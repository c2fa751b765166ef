/** Why a request got the route it got, for messages of tests: what outranks the route that was meant, and what came close. */
import { runAtOnce } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import type { LoadedConfiguration } from '#config/load.ts';
import { listRouteDefinitions } from '#config/route-definitions.ts';
import type { Candidate } from '#routing/candidate.ts';
import { explainMatch } from '#routing/explanation.ts';
import { compileRoutes } from '#routing/route-compiler.ts';
import type { MatchSubject } from '#routing/route-definition.ts';

/** Of each list; what is further away is no help. */
const LINES_MAX = 3;

export class RouteExplainer {
  readonly #configuration: Configuration;
  readonly #toIssue: LoadedConfiguration['toIssue'];
  #candidates: readonly Candidate[] | undefined;

  constructor(configuration: Configuration, toIssue: LoadedConfiguration['toIssue']) {
    this.#configuration = configuration;
    this.#toIssue = toIssue;
  }

  /** Lines for a person; those of the route that was meant come first. */
  explain(subject: MatchSubject, route: string | undefined, meant: readonly string[]): string[] {
    this.#candidates ??= runAtOnce(compileRoutes(listRouteDefinitions(this.#configuration))).candidates;
    const names = Object.keys(this.#configuration.routes);
    const routeIndex = route === undefined ? undefined : names.indexOf(route);
    const { chosen, outranked, nearMisses } = explainMatch(this.#candidates, subject, routeIndex);
    const lines: string[] = [];
    if (chosen !== undefined) lines.push(`route ${this.#name(chosen.route)}, because ${chosen.because.join(', ')}`);
    const meantFirst = <Each extends { readonly route: string }>(list: readonly Each[]) =>
      list.toSorted((one, other) => Number(meant.includes(other.route)) - Number(meant.includes(one.route))).slice(0, LINES_MAX);
    for (const other of meantFirst(outranked)) lines.push(`outranked: ${this.#name(other.route)}: ${other.because}`);
    for (const miss of meantFirst(nearMisses))
      lines.push(`near miss: ${this.#name(miss.route)} ${miss.host ?? ''}${miss.path}: ${miss.because}`);
    return lines;
  }

  /** `FILE:LINE:COLUMN` of a route, where the configuration has a text. */
  placeOf(route: string): string | undefined {
    const { file, line, column } = this.#toIssue({ path: ['routes', route], code: 'conflict', message: '', pointAt: 'key' });
    return line === undefined ? undefined : `${file}:${line}:${column ?? 1}`;
  }

  #name(route: string): string {
    const place = this.placeOf(route);
    return place === undefined ? `\`${route}\`` : `\`${route}\` (${place})`;
  }
}
