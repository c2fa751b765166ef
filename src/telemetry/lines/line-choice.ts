/** Which requests and connections have a line. */
import type { GatewayError } from '#base/errors.ts';
import type { FilterSettings, LineConditions, LineSettings, SampleSettings } from '#config/access-log/line-settings.ts';
import type { TcpConnection } from '#forward/tcp-connection.ts';
import type { Exchange, RouteLogging } from '#http/exchange.ts';
import type { PathPattern } from '#schema/path-pattern.ts';
import { matchesStatus } from '#schema/status-pattern.ts';

/** What is looked at. */
interface ChoiceSubject {
  /** 0: none. */
  readonly status: number;
  readonly durationMs: number;
  readonly route: string | undefined;
  readonly path: string | undefined;
  readonly method: string | undefined;
  readonly listener: string;
  readonly error: GatewayError | undefined;
}

type Condition = (subject: ChoiceSubject) => boolean;

const STATUS_FAILED_MIN = 500;

export class LineChoice {
  readonly #conditions: Condition | undefined;
  readonly #exceptions: Condition | undefined;
  readonly #takesFailed: boolean;
  readonly #sample: SampleSettings | undefined;
  readonly #sampledAlways: Condition | undefined;
  readonly #random: () => number;
  /** There is nothing to look at. */
  readonly #takesAll: boolean;

  constructor({ filter, sample }: Pick<LineSettings, 'filter' | 'sample'>, random: () => number) {
    const { except, errors, ...conditions }: FilterSettings = filter ?? {};
    this.#conditions = compileConditions(conditions);
    this.#exceptions = compileConditions(except ?? {});
    this.#takesFailed = errors === 'always';
    this.#sample = sample;
    this.#sampledAlways = compileConditions(sample?.always ?? {});
    this.#random = random;
    this.#takesAll = filter === undefined && sample === undefined;
  }

  takes(exchange: Exchange): boolean {
    const own = exchange.plan?.logging;
    if (own === undefined && this.#takesAll) return true;
    const { plan, request, status, error } = exchange;
    const subject: ChoiceSubject = {
      status,
      durationMs: exchange.finishedMs - exchange.startedMs,
      route: plan?.routeName,
      path: request.path,
      method: request.method,
      listener: request.listener,
      error,
    };
    return this.#decide(subject, own);
  }

  takesTcp({ listener, startedMs, finishedMs, error }: TcpConnection): boolean {
    if (this.#takesAll) return true;
    const nothing = { status: 0, route: undefined, path: undefined, method: undefined };
    return this.#decide({ ...nothing, listener, durationMs: finishedMs - startedMs, error }, undefined);
  }

  /** What a route says of its own lines stands in the place of what the log says of their number. */
  #decide(subject: ChoiceSubject, own: RouteLogging | undefined): boolean {
    if (own?.share === 0 && !own.keepsFailed) return false;
    if (this.#exceptions?.(subject) === true) return false;
    const hasFailed = isFailure(subject);
    if (hasFailed && this.#takesFailed) return true;
    if (this.#conditions?.(subject) === false) return false;
    const share = own?.share ?? this.#sample?.share ?? 1;
    if (share === 1) return true;
    if (hasFailed && (own === undefined ? this.#sample?.errors === 'always' : own.keepsFailed)) return true;
    return this.#sampledAlways?.(subject) === true || this.#random() < share;
  }
}

/** The gateway or a service is to blame. A client that leaves is no failure, nor one that is refused. */
function isFailure({ status, error }: ChoiceSubject): boolean {
  return status >= STATUS_FAILED_MIN || (error !== undefined && error.kind.side !== 'client');
}

/** All of them hold. `undefined`: there are none. */
function compileConditions(settings: LineConditions): Condition | undefined {
  const { status, slowerThan, route, path, method, listener } = settings;
  const all: Condition[] = [];
  if (listener !== undefined) all.push((subject) => listener.includes(subject.listener));
  if (status !== undefined) all.push((subject) => status.some((pattern) => matchesStatus(pattern, subject.status)));
  if (slowerThan !== undefined) all.push(({ durationMs }) => durationMs >= slowerThan);
  if (method !== undefined) all.push((subject) => subject.method !== undefined && method.includes(subject.method));
  if (route !== undefined) all.push((subject) => subject.route !== undefined && route.includes(subject.route));
  if (path !== undefined)
    all.push((subject) => subject.path !== undefined && path.some((one) => matchesPath(one, subject.path!)));
  return all.length === 0 ? undefined : (subject) => all.every((condition) => condition(subject));
}

function matchesPath({ segments, isPrefix }: PathPattern, path: string): boolean {
  const asked = path === '/' ? [] : path.slice(1).split('/');
  if (isPrefix ? asked.length < segments.length : asked.length !== segments.length) return false;
  return segments.every((segment, i) => ('literal' in segment ? segment.literal === asked[i] : asked[i] !== ''));
}
