/** A route table as the gateway has it: compiled and written into an image, and looked up there. */
import { runAtOnce } from '#base/slices.ts';
import { type Explanation, explainMatch } from '#routing/explanation.ts';
import { compileRoutes, type RouteTie } from '#routing/route-compiler.ts';
import type { MatchSubject, RouteDefinition } from '#routing/route-definition.ts';
import { writeRouteImage } from '#routing/route-image-writer.ts';
import { type RouteMatch, RouteTable } from '#routing/route-table.ts';

export interface CompiledTable {
  readonly table: RouteTable;
  readonly ties: readonly RouteTie[];
  /** The name of the route instead of its position. */
  lookup(subject: MatchSubject): FoundRoute | undefined;
  explain(subject: MatchSubject): Explanation;
}

export interface FoundRoute extends Omit<RouteMatch, 'routeIndex'> {
  readonly name: string;
}

export function compileTable(definitions: readonly RouteDefinition[]): CompiledTable {
  const compiled = runAtOnce(compileRoutes(definitions));
  const table = new RouteTable(runAtOnce(writeRouteImage(compiled)));
  return {
    table,
    ties: compiled.ties,
    lookup(subject) {
      const match = table.lookup(subject);
      if (match === undefined) return undefined;
      const { routeIndex, ...found } = match;
      return { name: definitions[routeIndex]!.name, ...found };
    },
    explain: (subject) => explainMatch(compiled.candidates, subject, table.lookup(subject)?.routeIndex),
  };
}
