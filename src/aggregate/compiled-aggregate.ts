/** An aggregate as it runs: what is the same for every request is found out once for each snapshot. */
import type { Clock } from '#base/clock.ts';
import type { Keeper } from '#base/keeper.ts';
import type { TimeLimit } from '#http/upstream-call.ts';
import type { Expression } from '#pipeline/expression/expression.ts';
import { expressionLibrary } from '#pipeline/expression/expression-library.ts';
import { Mapping, toLiteral } from '#pipeline/mapping/mapping.ts';
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';
import { TextMapping } from '#pipeline/mapping/text-mapping.ts';
import type { StartServiceCall } from '#pipeline/service-call.ts';
import type { MappingReference, MappingText } from '#schema/mapping-node.ts';
import type { AggregateDefinition, CallDefinition, NamedText } from './aggregate-definition.ts';
import type { CallCounter } from './call-counts.ts';
import type { Compose, FunctionPlace } from './compose-function.ts';
import { KeptAnswers } from './kept-answers.ts';

export interface AggregateMeans {
  readonly clock: Clock;
  readonly keeper: Keeper;
  /** As in `PolicyServices`. */
  readonly later: (delayMs: number, run: () => void) => () => void;
  readonly findFunction: (place: FunctionPlace) => Compose;
  readonly findCounter: (call: string) => CallCounter | undefined;
  /** For the call with this index. */
  readonly startCall: (index: number) => StartServiceCall;
}

/** A value in a path: by itself, so that it is known which one is missing. */
export interface PathValue {
  readonly text: TextMapping;
  readonly reference: MappingReference;
}

export interface CompiledText {
  readonly name: string;
  readonly text: TextMapping;
}

export interface CompiledCall {
  readonly definition: CallDefinition;
  readonly start: StartServiceCall;
  readonly counter: CallCounter | undefined;
  readonly limit: TimeLimit;
  /** Indices of the calls that wait for it. */
  readonly dependents: readonly number[];
  readonly path: readonly (string | PathValue)[];
  /** Their names are encoded. */
  readonly query: readonly CompiledText[];
  readonly headers: readonly CompiledText[];
  readonly body: Mapping | undefined;
  readonly condition: Expression | Mapping | undefined;
  /** Fields that are the same each time. */
  readonly fixedFields: readonly string[];
  /** Of `each`. */
  readonly list: Mapping | undefined;
  /** What stands in for an answer that is missing. */
  readonly standIn: MappingValue | undefined;
  /** The answer may be given again, so that it is kept. */
  readonly isKept: boolean;
}

export interface CompiledAggregate {
  readonly definition: AggregateDefinition;
  readonly clock: Clock;
  readonly later: AggregateMeans['later'];
  readonly calls: readonly CompiledCall[];
  readonly indexByName: ReadonlyMap<string, number>;
  readonly limit: TimeLimit;
  readonly answer: Mapping | Compose;
  readonly headers: readonly CompiledText[];
  readonly kept: KeptAnswers;
}

export function compileAggregate(route: string, definition: AggregateDefinition, means: AggregateMeans): CompiledAggregate {
  const { calls, answer, keptBytesMax, timeoutMs } = definition;
  const setting = `routes.${route}.to.aggregate`;
  return {
    definition,
    clock: means.clock,
    later: means.later,
    calls: calls.map((call, index) => compileCall(call, { index, calls, setting, means })),
    indexByName: new Map(calls.map(({ name }, index) => [name, index])),
    limit: { ms: timeoutMs, setting: `${setting}.timeout` },
    answer: answer.kind === 'mapping' ? new Mapping(answer.node) : means.findFunction(answer),
    headers: compileTexts(definition.headers),
    // Answers are found by all that they were asked with, so that a configuration which asks otherwise finds none of them.
    kept: means.keeper.keep(`answers of the aggregate ${route} in ${keptBytesMax} bytes`, () => new KeptAnswers(keptBytesMax)),
  };
}

interface CallPlace {
  readonly index: number;
  readonly calls: readonly CallDefinition[];
  readonly setting: string;
  readonly means: AggregateMeans;
}

function compileCall(definition: CallDefinition, { index, calls, setting, means }: CallPlace): CompiledCall {
  const { name, timeoutMs, path, query, headers, body, each, cacheMs, optional } = definition;
  return {
    definition,
    start: means.startCall(index),
    counter: means.findCounter(name),
    limit: { ms: timeoutMs, setting: `${setting}.calls.${name}.timeout` },
    dependents: calls.flatMap(({ after }, other) => (after.includes(index) ? [other] : [])),
    path: path.parts.map((part) => (typeof part === 'string' ? part : { text: toText(part), reference: part })),
    query: query.map((parameter) => ({ name: encodeURIComponent(parameter.name), text: new TextMapping(parameter.value) })),
    headers: compileTexts(headers),
    body: body && new Mapping(body),
    condition: compileCondition(definition),
    fixedFields: toFixedFields(definition),
    list: each && new Mapping(each.list),
    standIn: optional?.value === undefined ? undefined : toLiteral(optional.value),
    isKept: cacheMs > 0 || (optional?.lastGoodMs ?? 0) > 0,
  };
}

function toText(reference: MappingReference): TextMapping {
  const text: MappingText = { source: reference.source, parts: [reference] };
  return new TextMapping(text);
}

function compileTexts(texts: readonly NamedText[]): CompiledText[] {
  return texts.map(({ name, value }) => ({ name, text: new TextMapping(value) }));
}

function compileCondition({ when }: CallDefinition): CompiledCall['condition'] {
  if (when === undefined) return undefined;
  return when.kind === 'expression' ? expressionLibrary.module.compile(when.text) : new Mapping(when.node);
}

function toFixedFields({ headers, body }: CallDefinition): string[] {
  const isSaid = (field: string) => headers.some(({ name }) => name === field);
  const fields: string[] = [];
  if (!isSaid('accept')) fields.push('accept', 'application/json');
  if (body !== undefined && !isSaid('content-type')) fields.push('content-type', 'application/json');
  return fields;
}
