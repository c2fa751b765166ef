/** Of which requests a trace is taken, where nobody who is believed has decided that. */
import { runAtOnce } from '#base/slices.ts';
import type { TracingSettings } from '#config/tracing-schema.ts';
import type { ClientRequest } from '#http/exchange.ts';
import { compileRoutes } from '#routing/route-compiler.ts';
import { writeRouteImage } from '#routing/route-image-writer.ts';
import { RouteTable } from '#routing/route-table.ts';

interface CompiledRule {
  /** Of one route, which stands for the rule; `undefined`: every request. */
  readonly table: RouteTable | undefined;
  readonly routes: ReadonlySet<string> | undefined;
  readonly share: number;
}

export class TraceSampling {
  readonly #rules: readonly CompiledRule[] | undefined;
  readonly #share: number;
  readonly #chance: () => number;

  /** `chance`: numbers of at least 0 and below 1. */
  constructor({ rules, sample }: Pick<TracingSettings, 'rules' | 'sample'>, chance: () => number) {
    this.#rules = rules.length === 0 ? undefined : rules.map(compileRule);
    this.#share = sample;
    this.#chance = chance;
  }

  draw(request: ClientRequest, routeName: string | undefined): boolean {
    const share = this.#rules === undefined ? this.#share : this.#findShare(this.#rules, request, routeName);
    return share > 0 && (share === 1 || this.#chance() < share);
  }

  #findShare(rules: readonly CompiledRule[], request: ClientRequest, routeName: string | undefined): number {
    for (const { table, routes, share } of rules) {
      if (routes !== undefined && (routeName === undefined || !routes.has(routeName))) continue;
      if (table === undefined || table.lookup(request) !== undefined) return share;
    }
    return this.#share;
  }
}

/** A rule matches as a route does, so a table with one route says whether it does. */
function compileRule({ matches, routes, sample }: TracingSettings['rules'][number]): CompiledRule {
  const table =
    matches && new RouteTable(runAtOnce(writeRouteImage(runAtOnce(compileRoutes([{ name: 'rule', matches, priority: 0 }])))));
  return { table, routes: routes && new Set(routes), share: sample };
}
