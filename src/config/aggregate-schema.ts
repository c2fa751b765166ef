/** What the calls of an aggregate say of each other: which wait for which, and what nobody could mean. */
import { z } from 'zod';
import type { AggregateDefinition, CallDefinition, NamedText } from '#aggregate/aggregate-definition.ts';
import { orderCalls } from '#aggregate/call-graph.ts';
import { limits } from '#base/limits.ts';
import { listReferences, type MappingNode, type MappingReference, type MappingText } from '#schema/mapping-node.ts';
import { listWords, quote } from '#schema/quote.ts';
import { suggestWord } from '#schema/suggest.ts';
import { type WrittenAggregate, type WrittenCall, writtenAggregate } from './written-aggregate.ts';

/** RFC 3986 §3.3: it would end the path, or the line that it stands in. */
const NOT_IN_PATH = /[^!-~]/;

type Path = readonly (string | number)[];

interface Problem {
  readonly path: Path;
  readonly message: string;
}

/** A reference, and where it stands in the aggregate. */
interface Use {
  readonly reference: MappingReference;
  readonly path: Path;
}

export interface AggregateDestination extends AggregateDefinition {
  readonly kind: 'aggregate';
  /** By the name of a call, what it says about further attempts beyond what its service says. */
  readonly retries: Readonly<Record<string, WrittenCall['retry']>>;
}

type AggregateReading =
  | { readonly destination: AggregateDestination; readonly problems: readonly [] }
  | { readonly destination: undefined; readonly problems: readonly Problem[] };

export const aggregateSchema = writtenAggregate.transform((written, context): AggregateDestination => {
  const { problems, destination } = readAggregate(written);
  if (destination !== undefined) return destination;
  for (const { path, message } of problems) context.issues.push({ code: 'custom', path: [...path], message, input: written });
  return z.NEVER;
});

function readAggregate(written: WrittenAggregate): AggregateReading {
  const calls = Object.entries(written.calls);
  const names = calls.map(([name]) => name);
  const usesOfCalls = calls.map(([name, call]) => listCallUses(call, ['calls', name]));
  const usesOfAnswer = listAnswerUses(written);
  const loops = new Set(calls.filter(([, { each }]) => each !== undefined).map(([name]) => name));
  const allUses = [...usesOfCalls.flat(), ...usesOfAnswer];
  const after = calls.map(([name, call], index) => listAwaited(usesOfCalls[index]!, call, { name, names }));
  const problems = [
    ...findCountProblems(names),
    ...allUses.flatMap((use) => findUseProblems(use, names, loops)),
    ...calls.flatMap(([name, call], index) => findCallProblems(name, call, { names, uses: usesOfCalls[index]! })),
    ...findCycle(after, names),
    ...findPartialFieldProblems(written),
  ];
  if (problems.length > 0) return { destination: undefined, problems };
  const read = new Set(allUses.flatMap(({ reference }) => readBodyOwner(reference) ?? []));
  const destination: AggregateDestination = {
    kind: 'aggregate',
    calls: calls.map(([name, call], index) =>
      toCall(name, call, { after: after[index]!, isRead: written.compose !== undefined || read.has(name), written }),
    ),
    retries: Object.fromEntries(calls.map(([name, { retry }]) => [name, retry])),
    ...toAnswer(written),
    requestBytesMax:
      written.compose !== undefined || allUses.some(({ reference }) => isRequestBody(reference)) ? written.requestMax : undefined,
  };
  return { destination, problems: [] };
}

function listCallUses(call: WrittenCall, at: Path): Use[] {
  const { path, query = {}, headers = {}, body, each, when } = call;
  return [
    ...toUses(path, [...at, 'path']),
    ...Object.entries(query).flatMap(([name, value]) => toUses(value, [...at, 'query', name])),
    ...Object.entries(headers).flatMap(([name, value]) => toUses(value, [...at, 'headers', name])),
    ...(body === undefined ? [] : toUses(body, [...at, 'body'])),
    ...(each === undefined ? [] : toUses(each.list, [...at, 'each'])),
    // It was read as a part of something larger.
    ...(when?.kind === 'mapping' ? toUses(when.node, []).map(({ reference }) => ({ reference, path: [...at, 'when'] })) : []),
  ];
}

function listAnswerUses({ answer, headers = {} }: WrittenAggregate): Use[] {
  return [
    ...(answer === undefined ? [] : toUses(answer, ['answer'])),
    ...Object.entries(headers).flatMap(([name, value]) => toUses(value, ['headers', name])),
  ];
}

function toUses(mapping: MappingNode | MappingText, at: Path): Use[] {
  return listReferences(mapping).map((reference) => ({ reference, path: [...at, ...reference.at] }));
}

/** `calls`, NAME and what of it, where a reference is about a call. */
function readCallRoot(reference: MappingReference): readonly string[] | undefined {
  if (reference.shape !== 'json' && reference.shape !== 'text') return undefined;
  return reference.root[0] === 'calls' ? reference.root : undefined;
}

function readBodyOwner(reference: MappingReference): string | undefined {
  const root = readCallRoot(reference);
  return root?.[2] === 'body' ? root[1] : undefined;
}

function isRequestBody(reference: MappingReference): boolean {
  return reference.shape === 'json' && reference.root[0] === 'body';
}

function isItem(reference: MappingReference): boolean {
  return reference.shape === 'json' && reference.root[0] === 'item';
}

interface CallNames {
  readonly name: string;
  readonly names: readonly string[];
}

/** Indices, in order, each once. Names that do not exist are a problem of their own. */
function listAwaited(uses: readonly Use[], { after = [] }: WrittenCall, { names }: CallNames): number[] {
  const awaited = [...uses.flatMap(({ reference }) => readCallRoot(reference)?.[1] ?? []), ...after];
  const indices = new Set(awaited.map((name) => names.indexOf(name)).filter((index) => index >= 0));
  return [...indices].toSorted((one, other) => one - other);
}

function findCountProblems(names: readonly string[]): Problem[] {
  if (names.length === 0) return [{ path: ['calls'], message: 'there is no call; give at least one' }];
  if (names.length <= limits.aggregateCallsMax) return [];
  return [{ path: ['calls'], message: `there are ${names.length} calls; at most ${limits.aggregateCallsMax}` }];
}

function findUseProblems({ reference, path }: Use, names: readonly string[], loops: ReadonlySet<string>): Problem[] {
  const root = readCallRoot(reference);
  const name = root?.[1];
  // Without any call, that alone is the mistake.
  if (root === undefined || name === undefined || names.length === 0) return [];
  if (!names.includes(name)) return [{ path, message: `\`\${${reference.source}}\`: ${explainMissingCall(name, names)}` }];
  if (!loops.has(name) || root[2] === 'body') return [];
  const message = `\`\${${reference.source}}\`: the call \`${name}\` is made for each item, so it has many answers; only their bodies can be used, as the list \`\${calls.${name}.body}\``;
  return [{ path, message }];
}

function explainMissingCall(name: string, names: readonly string[]): string {
  const suggestion = suggestWord(name, names);
  if (suggestion !== undefined) return `there is no call \`${name}\`; did you mean \`${suggestion}\`?`;
  return `there is no call \`${name}\`; there ${names.length === 1 ? 'is' : 'are'} ${listWords(names, 'and')}`;
}

function findCallProblems(
  name: string,
  { path, after = [], each, body, method }: WrittenCall,
  { names, uses }: { readonly names: readonly string[]; readonly uses: readonly Use[] },
): Problem[] {
  const at = ['calls', name];
  const problems: Problem[] = [];
  if (path.parts.some((part) => typeof part === 'string' && NOT_IN_PATH.test(part)))
    problems.push({
      path: [...at, 'path'],
      message: `${quote(path.source)}: write what is not visible ASCII percent-encoded, such as \`%20\` for a space`,
    });
  for (const [index, other] of after.entries())
    if (!names.includes(other)) problems.push({ path: [...at, 'after', index], message: explainMissingCall(other, names) });
  if (each === undefined)
    for (const { reference, path: usePath } of uses)
      if (isItem(reference))
        problems.push({
          path: usePath,
          message: `\`\${${reference.source}}\` is an item of \`each\`, which this call does not have`,
        });
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    problems.push({ path: [...at, 'method'], message: `${method} has no body; use another method, or leave \`body\` out` });
  return problems;
}

function findCycle(after: readonly (readonly number[])[], names: readonly string[]): Problem[] {
  const order = orderCalls(after);
  if ('stages' in order) return [];
  const shown = order.cycle.map((index) => names[index]!);
  const path = ['calls', shown[0]!];
  if (shown.length === 2) return [{ path, message: `the call \`${shown[0]}\` waits for its own answer` }];
  return [{ path, message: `these calls wait for each other, so that none of them could begin: ${shown.join(' → ')}` }];
}

function findPartialFieldProblems({ answer, partialField }: WrittenAggregate): Problem[] {
  if (answer === undefined || partialField === undefined) return [];
  const path = ['partialField'];
  if (answer.kind === 'list' || answer.kind === 'literal' || answer.kind === 'text')
    return [{ path, message: 'the answer is no map, so nothing can be added to it' }];
  if (answer.kind !== 'map' || !answer.members.some(({ name }) => name === partialField)) return [];
  return [{ path, message: `the answer has a member \`${partialField}\` already` }];
}

interface CallFacts {
  readonly after: readonly number[];
  readonly isRead: boolean;
  readonly written: WrittenAggregate;
}

function toCall(name: string, call: WrittenCall, { after, isRead, written }: CallFacts): CallDefinition {
  const { service, body, method, forward, when, cache, optional, expect, pass = [] } = call;
  return {
    name,
    service,
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    path: withRequired(call.path),
    query: toNamedTexts(call.query).map(({ name, value }) => ({ name, value: withEncoded(value) })),
    headers: toNamedTexts(call.headers),
    forward: forward ?? written.forward,
    body,
    when,
    after,
    timeoutMs: call.timeout,
    cacheMs: cache ?? 0,
    optional: optional && {
      value: optional.value === undefined ? undefined : JSON.stringify(optional.value),
      lastGoodMs: optional.lastGood ?? 0,
    },
    each: toEach(call.each),
    expect,
    pass,
    answerBytesMax: call.answerMax,
    isRead,
  };
}

/** Without one of its values it would be another path. */
function withRequired({ source, parts }: MappingText): MappingText {
  return { source, parts: parts.map((part) => (typeof part === 'string' ? part : { ...part, isRequired: true })) };
}

/** What stands there is a value like those that references give: nothing in it ends the parameter. */
function withEncoded({ source, parts }: MappingText): MappingText {
  return { source, parts: parts.map((part) => (typeof part === 'string' ? encodeURIComponent(part) : part)) };
}

function toNamedTexts(texts: Readonly<Record<string, MappingText>> = {}): NamedText[] {
  return Object.entries(texts).map(([name, value]) => ({ name, value }));
}

function toEach(each: WrittenCall['each']): CallDefinition['each'] {
  return each && { list: each.list, itemsMax: each.max, atOnceMax: each.atOnce, beyond: each.beyond };
}

function toAnswer(written: WrittenAggregate): Omit<AggregateDefinition, 'calls' | 'requestBytesMax'> {
  const { answer, compose, status, headers, timeout, answerMax, partialField, etag, kept } = written;
  return {
    // One of them is there.
    answer: compose === undefined ? { kind: 'mapping', node: answer! } : { kind: 'function', ...compose },
    status,
    headers: toNamedTexts(headers),
    timeoutMs: timeout,
    answerBytesMax: answerMax,
    partialField,
    hasEtag: etag,
    keptBytesMax: kept,
  };
}
