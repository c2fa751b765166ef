/** What holds for every request of a kind, tried with many of them. The first that breaks it is shown, and the plain ones are tried first. */
import type { Decision } from '#rehearsal/decision.ts';
import { type CallSite, noteCallSite, toFailure } from './expectation-failed.ts';
import {
  answers,
  describeAnswer,
  type ExpectedAnswer,
  type ExpectedRequest,
  fitsPath,
  isRefused,
  type Matcher,
  matchesRoute,
  reaches,
  sends,
} from './matcher.ts';
import type { RequestVariant } from './request-variants.ts';

export interface PropertyHost {
  listVariants(): readonly RequestVariant[];
  /** Patterns that the path must fit once it is read; `undefined`: any will do. */
  readonly paths: readonly string[] | undefined;
  decide(variant: RequestVariant): Promise<Decision>;
  /** Before so many more requests: what limits count begins anew. */
  passTime(): void;
  checkService(name: string): void;
  checkRoute(name: string): void;
}

export interface PropertyReport {
  /** How many requests were tried. */
  readonly requests: number;
}

/** Requests that share a limit, between two of its windows. */
const BETWEEN_WINDOWS = 50;

/** `everyRequest(...)`: say `never()` or `always()`, and what. */
export class PropertyCheck {
  readonly #host: PropertyHost;

  constructor(host: PropertyHost) {
    this.#host = host;
  }

  never(): Property {
    return new Property(this.#host, 'never');
  }

  always(): Property {
    return new Property(this.#host, 'always');
  }
}

export class Property {
  readonly #host: PropertyHost;
  readonly #quantifier: 'never' | 'always';

  constructor(host: PropertyHost, quantifier: 'never' | 'always') {
    this.#host = host;
    this.#quantifier = quantifier;
  }

  /** One of these services is asked. */
  toReach(...services: [string, ...string[]]): Promise<PropertyReport> {
    for (const service of services) this.#host.checkService(service);
    return this.#try(reaches(services), noteCallSite(this.toReach));
  }

  toMatchRoute(route: string): Promise<PropertyReport> {
    this.#host.checkRoute(route);
    return this.#try(matchesRoute(route), noteCallSite(this.toMatchRoute));
  }

  /** As for `expectRoute`. With `never()`, also what a service would read that decodes and resolves paths by itself. */
  toSend(expected: ExpectedRequest): Promise<PropertyReport> {
    const asServicesMayRead = this.#quantifier === 'never';
    return this.#try(sends(expected, { asServicesMayRead }), noteCallSite(this.toSend));
  }

  toBeRefused(by?: string | number): Promise<PropertyReport> {
    return this.#try(isRefused(by), noteCallSite(this.toBeRefused));
  }

  toAnswer(expected: ExpectedAnswer): Promise<PropertyReport> {
    return this.#try(answers(expected), noteCallSite(this.toAnswer));
  }

  /** Whatever else a test wants to hold. */
  toSatisfy(wish: string, holds: (decision: Decision) => boolean): Promise<PropertyReport> {
    const findMiss: Matcher['findMiss'] = (decision) =>
      holds(decision) ? undefined : { because: describeAnswer(decision), expected: true, actual: false };
    return this.#try({ wish, findMiss }, noteCallSite(this.toSatisfy));
  }

  async #try({ wish, findMiss }: Matcher, site: CallSite): Promise<PropertyReport> {
    const { paths } = this.#host;
    let requests = 0;
    for (const [i, variant] of this.#host.listVariants().entries()) {
      if (i % BETWEEN_WINDOWS === 0) this.#host.passTime();
      const decision = await this.#host.decide(variant);
      // What leads out of the paths in question is a request for something else.
      if (paths !== undefined && !paths.some((path) => fitsPath(toPlainPattern(path), decision.request.path))) continue;
      requests += 1;
      const miss = findMiss(decision);
      if ((miss === undefined) === (this.#quantifier === 'always')) continue;
      throw toFailure(this.#explain(variant, decision, { wish, requests, because: miss?.because }), {
        site,
        expected: `${this.#quantifier} ${wish}`,
        actual: describeAnswer(decision),
      });
    }
    if (requests > 0) return { requests };
    throw toFailure('no request fits what `everyRequest` asks for, so the check says nothing', {
      site,
      expected: 'requests',
      actual: 0,
    });
  }

  #explain(
    { method, host, target }: RequestVariant,
    decision: Decision,
    { wish, requests, because }: { readonly wish: string; readonly requests: number; readonly because: string | undefined },
  ): string {
    const { path } = decision.request;
    const sent = decision.sent.map(({ request }) => `  sent to \`${request.service}\`: ${request.method} ${request.path}`);
    return [
      `expected every request ${this.#quantifier} to ${wish}, and number ${requests} does${this.#quantifier === 'never' ? '' : ' not'}:`,
      `  ${method} ${target}   host ${host}`,
      ...(path === target ? [] : [`  read as ${path}`]),
      `  ${because ?? describeAnswer(decision)}`,
      ...sent,
      `  as a test of its own: expectRoute('${method}', ${JSON.stringify(`http://${host}${target}`)})`,
    ].join('\n');
  }
}

/** A capture is any one segment; with what is behind it, it is enough to fit the beginning. */
function toPlainPattern(path: string): string {
  const capture = path.indexOf('/:');
  return capture < 0 ? path : `${path.slice(0, capture)}/*`;
}
