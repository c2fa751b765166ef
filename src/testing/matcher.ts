/** What may be expected of a decision, each as a sentence and a question. Expectations and property checks ask the same. */
import { isDeepStrictEqual } from 'node:util';
import type { Decision, ServiceExchange } from '#rehearsal/decision.ts';
import { readJson } from '#rehearsal/decision.ts';

export interface Matcher {
  /** Behind "expected GET /orders to" or "never": `reach the service orders`. */
  readonly wish: string;
  /** Why the decision is not as wished; `undefined`: it is. */
  readonly findMiss: (decision: Decision) => Miss | undefined;
}

export interface Miss {
  readonly because: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** A text is compared as a whole. */
export type TextPattern = string | RegExp;

export interface ExpectedAnswer {
  readonly status?: number;
  /** By name; what is not named may be anything. */
  readonly headers?: Readonly<Record<string, TextPattern>>;
  /** What the body holds as JSON: objects may have more members than are named. */
  readonly json?: unknown;
  readonly text?: TextPattern;
}

export interface ExpectedRequest {
  readonly service?: string;
  readonly method?: string;
  /** A path, or one with `/*` at the end for everything at and below it. */
  readonly path?: TextPattern;
  readonly query?: TextPattern;
  readonly host?: string;
  /** By name; `false`: the service must not see such a field. */
  readonly headers?: Readonly<Record<string, TextPattern | false>>;
  /** As for answers. */
  readonly json?: unknown;
  readonly body?: TextPattern;
}

export function reaches(services: readonly string[]): Matcher {
  const names = services.map((name) => `\`${name}\``).join(' or ');
  return {
    wish: `reach the service ${names}`,
    findMiss: (decision) =>
      decision.services.some((service) => services.includes(service))
        ? undefined
        : { because: describeReached(decision), expected: services, actual: decision.services },
  };
}

export function matchesRoute(route: string | undefined): Matcher {
  return {
    wish: route === undefined ? 'match no route' : `match the route \`${route}\``,
    findMiss: (decision) =>
      decision.route === route ? undefined : { because: describeRoute(decision), expected: route, actual: decision.route },
  };
}

export function redirectsTo(location: TextPattern, status: number | undefined): Matcher {
  return {
    wish: `redirect to ${location}${status === undefined ? '' : ` with ${status}`}`,
    findMiss: (decision) => {
      const actual = decision.headers['location'];
      const isRedirect = decision.status >= 300 && decision.status < 400 && typeof actual === 'string';
      if (isRedirect && fitsText(location, actual) && (status === undefined || status === decision.status)) return undefined;
      const because = isRedirect
        ? `it redirects to ${actual} with ${decision.status}`
        : `there is no redirect: ${describeAnswer(decision)}`;
      return { because, expected: String(location), actual: actual ?? decision.status };
    },
  };
}

/** `refusal`: a code of an error, a status, or the name of the policy that refuses. */
export function isRefused(refusal: string | number | undefined): Matcher {
  return {
    wish: refusal === undefined ? 'be refused' : `be refused ${typeof refusal === 'number' ? 'with' : 'by'} ${refusal}`,
    findMiss: (decision) => {
      const actual = decision.refusal;
      if (actual !== undefined && (refusal === undefined || [actual.code, actual.policy, decision.status].includes(refusal)))
        return undefined;
      return { because: describeAnswer(decision), expected: refusal, actual: actual?.code ?? decision.status };
    },
  };
}

export function answers(expected: ExpectedAnswer): Matcher {
  return {
    wish: `answer ${describeExpected(expected)}`,
    findMiss: (decision) => {
      const { status, headers = {}, json, text } = expected;
      if (status !== undefined && status !== decision.status)
        return { because: describeAnswer(decision), expected: status, actual: decision.status };
      for (const [name, pattern] of Object.entries(headers)) {
        const miss = findHeaderMiss(decision, name, pattern);
        if (miss !== undefined) return miss;
      }
      if (json !== undefined) return findJsonMiss('the body', json, decision.body);
      if (text === undefined || fitsText(text, decision.body)) return undefined;
      return { because: `the body is ${JSON.stringify(decision.body)}`, expected: String(text), actual: decision.body };
    },
  };
}

export function hasHeader(name: string, pattern: TextPattern | undefined): Matcher {
  return {
    wish: `answer with the field ${name}${pattern === undefined ? '' : `: ${pattern}`}`,
    findMiss: (decision) => findHeaderMiss(decision, name, pattern),
  };
}

/** `isCareful`: also what a service would read that decodes and resolves a path on its own. */
export function sends(expected: ExpectedRequest, { asServicesMayRead = false } = {}): Matcher {
  return {
    wish: `send ${describeExpected(expected)}`,
    findMiss: ({ sent, ...decision }) => {
      const ofService = sent.filter(({ request }) => expected.service === undefined || request.service === expected.service);
      if (ofService.length === 0)
        return {
          because: `nothing was sent${expected.service === undefined ? '' : ` to \`${expected.service}\``}: ${describeAnswer({ sent, ...decision })}`,
          expected,
          actual: [],
        };
      const misses = ofService.map((each) => findRequestMiss(expected, each, asServicesMayRead));
      return misses.includes(undefined) ? undefined : misses.at(-1);
    },
  };
}

function findRequestMiss(expected: ExpectedRequest, { request }: ServiceExchange, mayRead: boolean): Miss | undefined {
  const { method, path, query, host, headers = {}, json, body } = expected;
  const to = `to \`${request.service}\``;
  if (method !== undefined && method !== request.method)
    return { because: `the method ${to} is ${request.method}`, expected: method, actual: request.method };
  if (path !== undefined && !fitsPath(path, request.path) && !(mayRead && fitsPath(path, readCarelessly(request.path))))
    return { because: `the path ${to} is ${request.path}`, expected: String(path), actual: request.path };
  if (query !== undefined && !fitsText(query, request.query))
    return { because: `the query ${to} is ${JSON.stringify(request.query)}`, expected: String(query), actual: request.query };
  if (host !== undefined && host !== request.host)
    return { because: `the host ${to} is ${request.host}`, expected: host, actual: request.host };
  for (const [name, pattern] of Object.entries(headers)) {
    const value = request.headers[name.toLowerCase()];
    if (pattern === false ? value === undefined : value !== undefined && fitsText(pattern, value)) continue;
    const because = `the field ${name} ${to} ${value === undefined ? 'is not there' : `is ${JSON.stringify(value)}`}`;
    return { because, expected: String(pattern), actual: value };
  }
  if (json !== undefined) return findJsonMiss(`the body ${to}`, json, request.body);
  if (body === undefined || fitsText(body, request.body)) return undefined;
  return { because: `the body ${to} is ${JSON.stringify(request.body)}`, expected: String(body), actual: request.body };
}

/** As a service reads a path that decodes it first and resolves it afterwards, which is what attacks count on. */
export function readCarelessly(path: string): string {
  const decoded = path.replaceAll(/%2[fF]|%5[cC]|\\/g, '/').replaceAll(/%2[eE]/g, '.');
  const segments: string[] = [];
  for (const segment of decoded.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') segments.pop();
    else segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

export function fitsPath(pattern: TextPattern, path: string): boolean {
  if (typeof pattern !== 'string' || !pattern.endsWith('/*')) return fitsText(pattern, path);
  const start = pattern.slice(0, -2);
  return path === start || path.startsWith(`${start}/`);
}

function fitsText(pattern: TextPattern, text: string): boolean {
  return typeof pattern === 'string' ? pattern === text : pattern.test(text);
}

function findHeaderMiss({ headers }: Decision, name: string, pattern: TextPattern | undefined): Miss | undefined {
  const value = headers[name.toLowerCase()];
  const values = value === undefined ? [] : typeof value === 'string' ? [value] : value;
  if (values.length > 0 && (pattern === undefined || values.some((one) => fitsText(pattern, one)))) return undefined;
  const because = value === undefined ? `the answer has no field ${name}` : `the field ${name} is ${JSON.stringify(value)}`;
  return { because, expected: pattern === undefined ? `a field ${name}` : String(pattern), actual: value };
}

function findJsonMiss(what: string, expected: unknown, text: string): Miss | undefined {
  const actual = readJson(text);
  const at = findDifference(expected, actual, '');
  if (at === undefined) return undefined;
  return { because: `${what} differs at ${at === '' ? 'its top' : at}: ${JSON.stringify(actual)}`, expected, actual };
}

/** Where `actual` lacks something of `expected`; `undefined`: nowhere. */
function findDifference(expected: unknown, actual: unknown, at: string): string | undefined {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return at;
    for (const [i, item] of expected.entries()) {
      const found = findDifference(item, actual[i], `${at}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof expected !== 'object' || expected === null) return isDeepStrictEqual(expected, actual) ? undefined : at;
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) return at;
  for (const [name, value] of Object.entries(expected)) {
    const found = findDifference(value, Reflect.get(actual, name), at === '' ? name : `${at}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function describeReached(decision: Decision): string {
  const { services } = decision;
  if (services.length === 0) return `no service was asked: ${describeAnswer(decision)}`;
  return `it reached ${services.map((name) => `\`${name}\``).join(', then ')}: ${describeAnswer(decision)}`;
}

function describeRoute({ route }: Decision): string {
  return route === undefined ? 'no route takes it' : `it matches \`${route}\``;
}

/** What a client gets, and whose word that is. */
export function describeAnswer(decision: Decision): string {
  const { route, status, refusal, services, fallback } = decision;
  const where = route === undefined ? '' : ` on the route \`${route}\``;
  if (refusal !== undefined) {
    const who = refusal.policy === undefined ? '' : ` by the policy \`${refusal.policy}\``;
    return `it is refused with ${refusal.status} ${refusal.code}${who}${where}. ${refusal.help}`;
  }
  const whose = services.length === 0 ? 'of the gateway itself' : `of \`${services.at(-1)}\``;
  return `the answer is ${status} ${whose}${where}${fallback === undefined ? '' : `, because of ${fallback}`}`;
}

function describeExpected(expected: object): string {
  return Object.entries(expected)
    .map(([name, value]) => `${name} ${value instanceof RegExp ? String(value) : JSON.stringify(value, showRegExp)}`)
    .join(', ');
}

function showRegExp(_key: string, value: unknown): unknown {
  return value instanceof RegExp ? String(value) : value;
}
