import { type CallSite, noteCallSite } from './expectation-failed.ts';
import {
  answers,
  type ExpectedAnswer,
  type ExpectedRequest,
  hasHeader,
  isRefused,
  type Matcher,
  matchesRoute,
  reaches,
  redirectsTo,
  sends,
  type TextPattern,
} from './matcher.ts';

/** One thing that is expected, and where the test says so. */
export interface Check {
  readonly matcher: Matcher;
  readonly isNegated: boolean;
  readonly site: CallSite;
}

/** Sends the request once and looks at what came of it. */
export interface ExpectationHost {
  /** `mistake`: what the test has asked for cannot be. */
  settle(checks: readonly Check[], mistake: unknown): Promise<void>;
  /** Throws where there is no such service or route. */
  checkService(name: string): void;
  checkRoute(name: string): void;
  toSplit(shares: Readonly<Record<string, number>>): Matcher;
}

/**
 * What a request is expected to meet. All that is said of it in one statement is looked at for one request. It is a promise:
 * one that is not awaited and fails is still an unhandled rejection, so that no expectation is lost.
 */
export class RouteExpectation extends Promise<void> {
  readonly #checks: Check[];
  readonly #mistakes: unknown[];
  readonly #host: ExpectationHost;
  #isNegated = false;

  constructor(host: ExpectationHost) {
    const checks: Check[] = [];
    const mistakes: unknown[] = [];
    // Everything that is said in the same statement is there by then.
    super((resolve, reject) => {
      queueMicrotask(() => {
        host.settle(checks, mistakes[0]).then(resolve, reject);
      });
    });
    this.#checks = checks;
    this.#mistakes = mistakes;
    this.#host = host;
  }

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** The opposite of what follows. */
  get not(): this {
    this.#isNegated = !this.#isNegated;
    return this;
  }

  /** One of these services is asked. */
  toReach(...services: [string, ...string[]]): this {
    this.#lookAtServices(services);
    return this.#add(reaches(services), this.toReach);
  }

  toMatchRoute(route: string): this {
    this.#look(() => this.#host.checkRoute(route));
    return this.#add(matchesRoute(route), this.toMatchRoute);
  }

  /** No route takes it: the answer is 404. */
  toMatchNoRoute(): this {
    return this.#add(matchesRoute(undefined), this.toMatchNoRoute);
  }

  toRedirectTo(location: TextPattern, status?: number): this {
    return this.#add(redirectsTo(location, status), this.toRedirectTo);
  }

  /** A code such as `GH_API_KEY_MISSING`, a status, or the name of a policy; whichever, when nothing is given. */
  toBeRefused(by?: string | number): this {
    return this.#add(isRefused(by), this.toBeRefused);
  }

  toAnswer(expected: ExpectedAnswer): this {
    return this.#add(answers(expected), this.toAnswer);
  }

  /** The answer has such a field. */
  withHeader(name: string, value?: TextPattern): this {
    return this.#add(hasHeader(name, value), this.withHeader);
  }

  /** What a service would have been sent. */
  toSend(expected: ExpectedRequest): this {
    if (expected.service !== undefined) this.#lookAtServices([expected.service]);
    return this.#add(sends(expected), this.toSend);
  }

  /** Its route divides requests so, in percent. */
  toSplit(shares: Readonly<Record<string, number>>): this {
    this.#lookAtServices(Object.keys(shares));
    return this.#add(this.#host.toSplit(shares), this.toSplit);
  }

  #lookAtServices(services: readonly string[]): void {
    this.#look(() => {
      for (const service of services) this.#host.checkService(service);
    });
  }

  /** Thrown here, a mistake would leave a promise behind that nobody awaits. */
  #look(check: () => void): void {
    try {
      check();
    } catch (mistake) {
      this.#mistakes.push(mistake);
    }
  }

  #add(matcher: Matcher, called: (...given: never[]) => unknown): this {
    this.#checks.push({ matcher, isNegated: this.#isNegated, site: noteCallSite(called) });
    this.#isNegated = false;
    return this;
  }
}
