/** What a match asks beyond host and path. The table, the tie check and the explanation all use the predicates here. */
import { type AddressSet, compileAddressSet } from '#base/address-set.ts';
import type { MatchDefinition, MatchSubject, ValueCondition } from './route-definition.ts';
import { findInCookies, findInFields, findInQuery, type ValueOutcome, ValueTest } from './value-test.ts';

/** In the order in which they are checked: what is cheap and most often decisive comes first. */
export type MatchCondition =
  | { readonly kind: 'method' | 'listener'; readonly allowed: readonly string[] }
  | { readonly kind: 'header' | 'query' | 'cookie'; readonly name: string; readonly test: ValueTest }
  | { readonly kind: 'client-ip'; readonly allowed: readonly string[]; readonly addresses: AddressSet };

type ValueKind = 'header' | 'query' | 'cookie';

export function compileMatchConditions(match: MatchDefinition): readonly MatchCondition[] {
  const conditions: MatchCondition[] = [];
  if (match.methods !== undefined && match.methods.length > 0) conditions.push({ kind: 'method', allowed: match.methods });
  if (match.listeners !== undefined && match.listeners.length > 0)
    conditions.push({ kind: 'listener', allowed: match.listeners });
  pushValueConditions(conditions, 'header', match.headers);
  pushValueConditions(conditions, 'query', match.query);
  pushValueConditions(conditions, 'cookie', match.cookies);
  if (match.clientIps !== undefined && match.clientIps.length > 0) {
    conditions.push({ kind: 'client-ip', allowed: match.clientIps, addresses: compileAddressSet(match.clientIps) });
  }
  return conditions;
}

function pushValueConditions(
  conditions: MatchCondition[],
  kind: ValueKind,
  wanted: Readonly<Record<string, ValueCondition>> | undefined,
): void {
  for (const [name, condition] of Object.entries(wanted ?? {})) {
    conditions.push({ kind, name: kind === 'header' ? name.toLowerCase() : name, test: new ValueTest(condition) });
  }
}

function holds(condition: MatchCondition, subject: MatchSubject): boolean {
  switch (condition.kind) {
    case 'method':
      return condition.allowed.includes(subject.method);
    case 'listener':
      return condition.allowed.includes(subject.listener);
    case 'header':
    case 'query':
    case 'cookie':
      return condition.test.accepts(findValue(condition.kind, condition.name, condition.test, subject));
    case 'client-ip':
      return condition.addresses.has(subject.clientAddress);
  }
}

function findValue(kind: ValueKind, name: string, test: ValueTest, subject: MatchSubject): ValueOutcome {
  switch (kind) {
    case 'header':
      return findInFields(subject.fields, name, test);
    case 'query':
      return findInQuery(subject.query, name, test);
    case 'cookie':
      return findInCookies(subject.fields, name, test);
  }
}

/** The first condition that the request does not meet. */
export function findFailing(conditions: readonly MatchCondition[], subject: MatchSubject): MatchCondition | undefined {
  for (let index = 0; index < conditions.length; index += 1) {
    const condition = conditions[index]!;
    if (!holds(condition, subject)) return condition;
  }
  return undefined;
}

/**
 * Whether provably no request meets both lists. A request that repeats a header with two values could meet two
 * `equals`; that is the client's doing and no reason to refuse the natural way to split by header.
 */
export function areDisjoint(left: readonly MatchCondition[], right: readonly MatchCondition[]): boolean {
  return left.some((one) => right.some((other) => exclude(one, other)));
}

function exclude(one: MatchCondition, other: MatchCondition): boolean {
  switch (one.kind) {
    case 'method':
    case 'listener':
      return other.kind === one.kind && !one.allowed.some((value) => other.allowed.includes(value));
    case 'header':
    case 'query':
    case 'cookie':
      return other.kind === one.kind && other.name === one.name && one.test.excludes(other.test);
    case 'client-ip':
      return other.kind === one.kind && !one.addresses.overlaps(other.addresses);
  }
}

/** A condition in words: `method is GET or HEAD`. */
export function describeCondition(condition: MatchCondition): string {
  switch (condition.kind) {
    case 'method':
    case 'listener':
      return `${condition.kind} is ${toAlternatives(condition.allowed)}`;
    case 'header':
    case 'query':
    case 'cookie':
      return `${toSubjectName(condition.kind)} '${condition.name}' is ${toWish(condition.test)}`;
    case 'client-ip':
      return `client address is in ${toAlternatives(condition.allowed)}`;
  }
}

/** Why a condition does not hold, in words: `method is GET, wants POST`. */
export function describeFailure(condition: MatchCondition, subject: MatchSubject): string {
  switch (condition.kind) {
    case 'method':
      return `method is ${subject.method}, wants ${toAlternatives(condition.allowed)}`;
    case 'listener':
      return `listener is ${subject.listener}, wants ${toAlternatives(condition.allowed)}`;
    case 'header':
    case 'query':
    case 'cookie': {
      // The value itself may be a secret and is not repeated.
      const outcome = findValue(condition.kind, condition.name, condition.test, subject);
      const state = outcome === 'absent' ? 'is absent' : condition.test.wantsAbsence ? 'is present' : 'has another value';
      return `${toSubjectName(condition.kind)} '${condition.name}' ${state}, wants ${toWish(condition.test)}`;
    }
    case 'client-ip':
      return `client address is ${subject.clientAddress}, wants one in ${toAlternatives(condition.allowed)}`;
  }
}

function toSubjectName(kind: ValueKind): string {
  return kind === 'query' ? 'query parameter' : kind;
}

function toWish(test: ValueTest): string {
  if (test.wantsAbsence) return 'absent';
  if (test.equals !== undefined) return `'${test.equals}'`;
  return test.regexSource === undefined ? 'present' : `a match of ${test.regexSource}`;
}

/** `A`, `A or B`, `A, B or C`. */
function toAlternatives(values: readonly string[]): string {
  if (values.length < 2) return values.join();
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}
