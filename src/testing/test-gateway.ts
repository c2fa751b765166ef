/** What a test file works with: a gateway without sockets that it asks, and that says what it has found. */
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Configuration } from '#config/configuration.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { formatIssue } from '#config/issue.ts';
import { type LoadedConfiguration, loadConfiguration, loadConfigurationValue } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import type { AssumedIdentity } from '#rehearsal/assumed-identity.ts';
import { type Decision, type DecisionSnapshot, toSnapshot } from '#rehearsal/decision.ts';
import { RehearsalMistake } from '#rehearsal/rehearsal-mistake.ts';
import { RehearsedGateway, type RehearsedRequest } from '#rehearsal/rehearsed-gateway.ts';
import { type Stub, toStubFunction } from '#rehearsal/stub-answer.ts';
import type { MatchSubject } from '#routing/route-definition.ts';
import { parseDuration } from '#schema/duration-text.ts';
import { suggestWord } from '#schema/suggest.ts';
import { type CoverageRecord, findCoverageFolder, writeCoverage } from './coverage-report.ts';
import { noteCallSite, toFailure, toTestPlace } from './expectation-failed.ts';
import { describeAnswer, type Matcher } from './matcher.ts';
import { PropertyCheck } from './property-check.ts';
import { listVariants, type RequestVariant, type VariantOptions } from './request-variants.ts';
import { RouteCoverage } from './route-coverage.ts';
import { type Check, RouteExpectation } from './route-expectation.ts';
import { RouteExplainer } from './route-explainer.ts';

export interface OpenRoutesOptions {
  /** What `${env:NAME}` sees. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The time at which the tests begin, which stands still until `advance`. */
  readonly nowMs: number;
  /** Arguments of the test file. */
  readonly args: readonly string[];
  readonly cwd: string;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Sent as JSON, with its content type. */
  readonly json?: unknown;
  /** The first one that reads requests, when not given. */
  readonly listener?: string;
  /** `127.0.0.1` when not given. */
  readonly clientAddress?: string;
}

export interface EveryRequestOptions extends VariantOptions, Omit<RequestOptions, 'body' | 'json'> {}

/** Many expectations are sent at the same time, and each has its own. */
export class TestGateway implements AsyncDisposable {
  readonly #rehearsal: RehearsedGateway;
  readonly #loaded: LoadedConfiguration;
  readonly #coverage: RouteCoverage;
  readonly #explainer: RouteExplainer;
  readonly #identity: AssumedIdentity | undefined;

  private constructor(parts: TestGatewayParts) {
    this.#rehearsal = parts.rehearsal;
    this.#loaded = parts.loaded;
    this.#coverage = parts.coverage;
    this.#explainer = parts.explainer;
    this.#identity = parts.identity;
  }

  static async open(configuration: GatewayInput | string | URL, options: OpenRoutesOptions): Promise<TestGateway> {
    const { env, nowMs, args, cwd } = options;
    const file = configuration instanceof URL ? fileURLToPath(configuration) : configuration;
    const load = { policies: policyOrder, env, ...(typeof file === 'string' && { shownAs: toShownName(file, cwd) }) };
    const loaded = typeof file === 'string' ? await loadConfiguration(file, load) : await loadConfigurationValue(file, cwd, load);
    const rehearsal = await RehearsedGateway.open(loaded, { startMs: nowMs });
    if (!(rehearsal instanceof RehearsedGateway))
      throw new RehearsalMistake(
        ['the configuration is refused:', ...rehearsal.issues.map(formatIssue), ...rehearsal.reasons].join('\n'),
      );
    const { configuration: whole } = rehearsal;
    const coverage = new RouteCoverage(whole);
    const explainer = new RouteExplainer(whole, loaded.toIssue);
    const gateway = new TestGateway({ rehearsal, loaded, coverage, explainer, identity: undefined });
    const folder = findCoverageFolder(args);
    if (folder !== undefined) process.once('exit', () => writeCoverage(folder, gateway.coverage()));
    return gateway;
  }

  get configuration(): Configuration {
    return this.#rehearsal.configuration;
  }

  /** Says what a service answers from now on. One that nothing is said of answers 200 with nothing. */
  stub(service: string, stub: Stub): this {
    this.#checkName('service', service, Object.keys(this.configuration.services));
    this.#rehearsal.stubs.set(service, toStubFunction(stub));
    return this;
  }

  /** The same for a server that is no service, such as an issuer of tokens: whatever begins with this URL. */
  stubUrl(start: string, stub: Stub): this {
    this.#rehearsal.urlStubs.set(start, toStubFunction(stub));
    return this;
  }

  /**
   * The same gateway, asked by a consumer. Where a policy would find out who asks, it finds this one, without a credential. The
   * configuration knows the consumer, or `details` say what a token would.
   */
  as(consumer: string, details?: Omit<AssumedIdentity, 'name'>): TestGateway {
    if (details === undefined) this.#checkName('consumer', consumer, this.#listConsumers());
    const identity = { name: consumer, ...details };
    return new TestGateway({
      rehearsal: this.#rehearsal,
      loaded: this.#loaded,
      coverage: this.#coverage,
      explainer: this.#explainer,
      identity,
    });
  }

  /** Lets time pass, for limits, caches and whatever else goes by it: `1m`, or milliseconds. */
  async advance(time: string | number): Promise<void> {
    const ms = typeof time === 'number' ? time : parseDuration(time);
    if (ms === undefined || !(ms >= 0))
      throw new RehearsalMistake(`${JSON.stringify(time)} is not a duration; write one such as \`500ms\`, \`5s\` or \`1m\``);
    await this.#rehearsal.clock.advance(ms);
  }

  /** What a request is expected to meet: `await gateway.expectRoute('GET', '/orders/5').toReach('orders')`. */
  expectRoute(method: string, url: string, options: RequestOptions = {}): RouteExpectation {
    const site = noteCallSite(this.expectRoute);
    return new RouteExpectation({
      settle: async (checks, mistake) => {
        if (mistake !== undefined) throw mistake;
        if (checks.length === 0)
          throw toFailure('nothing is expected of the request; say what, such as `.toReach(SERVICE)`', {
            site,
            expected: 'an expectation',
            actual: undefined,
          });
        const { decision, subject } = await this.#decide(this.#toRequest(method, url, options));
        for (const check of checks) this.#judge(check, decision, subject);
      },
      checkService: (name) => this.#checkName('service', name, Object.keys(this.configuration.services)),
      checkRoute: (name) => this.#checkName('route', name, Object.keys(this.configuration.routes)),
      toSplit: (shares) => this.#toSplit(shares),
    });
  }

  /** What would happen to a request, for whatever a test wants to look at itself. */
  async decide(method: string, url: string, options: RequestOptions = {}): Promise<Decision> {
    return (await this.#decide(this.#toRequest(method, url, options))).decision;
  }

  /** The whole decision as plain JSON, without what differs from run to run: for `t.assert.snapshot` or `deepEqual`. */
  async snapshot(method: string, url: string, options: RequestOptions = {}): Promise<DecisionSnapshot> {
    return toSnapshot(await this.decide(method, url, options));
  }

  /** Something that is to hold for many requests: `await gateway.everyRequest().never().toReach('internal')`. */
  everyRequest(options: EveryRequestOptions = {}): PropertyCheck {
    const { headers, listener, clientAddress } = options;
    const given = {
      ...(headers && { headers }),
      ...(listener !== undefined && { listener }),
      ...(clientAddress !== undefined && { clientAddress }),
    };
    return new PropertyCheck({
      paths: options.paths,
      listVariants: () => listVariants(this.configuration, options),
      // They would cover everything, whatever they say.
      decide: async (variant) => (await this.#rehearsal.decide(this.#toVariantRequest(variant, given))).decision,
      passTime: () => this.#rehearsal.clock.jump(WINDOW_MS),
      checkService: (name) => this.#checkName('service', name, Object.keys(this.configuration.services)),
      checkRoute: (name) => this.#checkName('route', name, Object.keys(this.configuration.routes)),
    });
  }

  /** What has been covered so far. */
  coverage(): CoverageRecord {
    const points = [...this.#coverage.points].map(([id, { kind, label, path, isCovered }]) => ({
      id,
      kind,
      label,
      place: this.#toPlace(path),
      isCovered,
    }));
    return { configuration: this.#loaded.files[0] ?? 'configuration', points, unstubbed: [...this.#rehearsal.unstubbed] };
  }

  async close(): Promise<void> {
    await this.#rehearsal.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #decide(request: RehearsedRequest): ReturnType<RehearsedGateway['decide']> {
    const rehearsed = await this.#rehearsal.decide(request);
    this.#coverage.note(rehearsed.decision, rehearsed.subject);
    return rehearsed;
  }

  #toRequest(method: string, url: string, { json, headers = {}, ...rest }: RequestOptions): RehearsedRequest {
    if (rest.listener !== undefined) this.#checkName('listener', rest.listener, Object.keys(this.configuration.listeners));
    const asJson = json === undefined ? {} : { body: JSON.stringify(json) };
    const typed = json === undefined || 'content-type' in headers ? headers : { ...headers, 'content-type': 'application/json' };
    return { ...rest, ...asJson, headers: typed, method, url, as: this.#identity };
  }

  /** As it stands in the request line: nothing reads it before the gateway does. */
  #toVariantRequest({ method, host, target }: RequestVariant, given: RequestOptions): RehearsedRequest {
    return { ...given, headers: { ...given.headers, host }, method, url: target, as: this.#identity };
  }

  #judge({ matcher, isNegated, site }: Check, decision: Decision, subject: MatchSubject | undefined): void {
    const miss = matcher.findMiss(decision);
    if ((miss === undefined) !== isNegated) return;
    const { method, url, host, path } = decision.request;
    const lines = [`expected ${method} ${url} ${isNegated ? 'not ' : ''}to ${matcher.wish}`];
    const place = toTestPlace(site);
    if (place !== undefined) lines.push(`  in ${place}`);
    lines.push(`  but ${miss?.because ?? describeAnswer(decision)}`);
    lines.push(
      `  host ${host === '' ? '(none)' : host}, path ${path === '' ? '(refused)' : path}, asked by ${decision.consumer ?? 'nobody that is known'}`,
    );
    if (decision.refusal?.status === 401 && this.#identity === undefined)
      lines.push("  say who asks with `gateway.as('CONSUMER')`, or give a credential in `headers`");
    const meant = this.#listMeant(miss?.expected);
    if (subject !== undefined) lines.push(...this.#explainer.explain(subject, decision.route, meant).map((line) => `  ${line}`));
    throw toFailure(lines.join('\n'), {
      site,
      expected: miss?.expected ?? `not ${matcher.wish}`,
      actual: miss?.actual ?? matcher.wish,
    });
  }

  /** Routes that an expectation speaks of: by name, or because they lead to the service. */
  #listMeant(expected: unknown): string[] {
    const names = new Set(Array.isArray(expected) ? expected : [expected]);
    return Object.entries(this.configuration.routes).flatMap(([name, { to }]) => {
      const leadsThere = to.kind === 'service' && to.services.some(({ service }) => names.has(service));
      return names.has(name) || leadsThere ? [name] : [];
    });
  }

  #toSplit(shares: Readonly<Record<string, number>>): Matcher {
    return {
      wish: `be divided: ${formatShares(shares)}`,
      findMiss: ({ route }) => {
        const actual = route === undefined ? {} : this.#sharesOf(route);
        const isSame = [...new Set([...Object.keys(shares), ...Object.keys(actual)])].every(
          (name) => Math.abs((shares[name] ?? 0) - (actual[name] ?? 0)) < PERCENT_TOLERANCE,
        );
        if (isSame) return undefined;
        return {
          because: route === undefined ? 'no route takes it' : `\`${route}\` divides: ${formatShares(actual)}`,
          expected: shares,
          actual,
        };
      },
    };
  }

  #sharesOf(route: string): Record<string, number> {
    const to = this.configuration.routes[route]?.to;
    if (to?.kind !== 'service') return {};
    const sum = to.services.reduce((total, { weight }) => total + weight, 0);
    return Object.fromEntries(to.services.map(({ service, weight }) => [service, (weight / sum) * 100]));
  }

  #listConsumers(): string[] {
    return Object.keys(this.configuration.consumers);
  }

  #toPlace(path: readonly (string | number)[]): string | undefined {
    const { file, line, column } = this.#loaded.toIssue({ path, code: 'conflict', message: '', pointAt: 'key' });
    return line === undefined ? undefined : `${file}:${line}:${column ?? 1}`;
  }

  #checkName(kind: 'service' | 'route' | 'consumer' | 'listener', name: string, known: readonly string[]): void {
    if (known.includes(name)) return;
    const suggestion = suggestWord(name, known);
    const hint = kind === 'consumer' ? "; give what a token would say, such as `as(NAME, { scopes: ['orders:read'] })`" : '';
    throw new RehearsalMistake(
      `the configuration has no ${kind} \`${name}\`${suggestion === undefined ? hint : `; did you mean \`${suggestion}\`?`}`,
    );
  }
}

interface TestGatewayParts {
  readonly rehearsal: RehearsedGateway;
  readonly loaded: LoadedConfiguration;
  readonly coverage: RouteCoverage;
  readonly explainer: RouteExplainer;
  readonly identity: AssumedIdentity | undefined;
}

/** As short as it can be said. */
function toShownName(file: string, cwd: string): string {
  const shown = relative(cwd, resolve(cwd, file));
  return shown.startsWith('..') ? file : shown;
}

/** Longer than the windows of usual limits. */
const WINDOW_MS = 3_600_000;
const PERCENT_TOLERANCE = 0.1;

function formatShares(shares: Readonly<Record<string, number>>): string {
  return Object.entries(shares)
    .map(([name, percent]) => `${name} ${Math.round(percent * 10) / 10} %`)
    .join(', ');
}
