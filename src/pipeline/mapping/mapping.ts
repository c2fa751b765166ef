/**
 * Composes JSON from the values that references stand for. What is not touched goes into the result byte for byte as it was
 * written. Compiled once for a snapshot; a run has limits for all that it does.
 */
import { assert } from '#base/assert.ts';
import type { MappingCondition, MappingNode, MappingText } from '#schema/mapping-node.ts';
import { JsonDocument, readJson } from '#wire/json/json-document.ts';
import { toJsonName } from '#wire/json/json-name.ts';
import { JsonWriter } from '#wire/json/json-writer.ts';
import { type MappingProblem, MappingRun, type MappingScope } from './mapping-run.ts';
import { MadeList, MadeObject, MadeText, type MappingValue, type ValueMember } from './mapping-value.ts';
import * as operators from './operators.ts';
import { compileReference } from './read-reference.ts';

export interface MappedJson {
  readonly pieces: readonly Buffer[];
  readonly byteLength: number;
}

/** A result with a place that something else comes to. */
export interface MappedAround {
  readonly before: readonly Buffer[];
  readonly after: readonly Buffer[];
  readonly byteLength: number;
}

type Evaluate = (run: MappingRun) => MappingValue | undefined;
type Holds = (run: MappingRun) => boolean;
/** Names of the items of every `$each` around, from the outside in. */
type Items = readonly string[];

export class Mapping {
  readonly #evaluate: Evaluate;

  constructor(node: MappingNode) {
    this.#evaluate = compileNode(node, []);
  }

  /** What is missing as a whole is `null`. */
  run(scope: MappingScope, bytesMax: number): MappedJson | MappingProblem {
    const run = new MappingRun(scope, bytesMax);
    const value = this.#evaluate(run);
    if (run.problem !== undefined) return run.problem;
    const writer = new JsonWriter(bytesMax);
    if (value === undefined) writer.writeText('null');
    else value.writeTo(writer);
    if (writer.isOver) return { problem: 'too-large', at: 'the whole' };
    return { pieces: writer.finish(), byteLength: writer.byteLength };
  }

  /** Around a `ComingValue` that the scope gives; for mappings that `passesWhole` says yes to. */
  runAround(scope: MappingScope, bytesMax: number): MappedAround | MappingProblem {
    const run = new MappingRun(scope, bytesMax);
    const value = this.#evaluate(run);
    if (run.problem !== undefined) return run.problem;
    const writer = new JsonWriter(bytesMax);
    value?.writeTo(writer);
    const { gap } = writer;
    if (writer.isOver || gap === undefined) return { problem: 'too-large', at: 'the whole' };
    const pieces = writer.finish();
    return { before: pieces.slice(0, gap), after: pieces.slice(gap), byteLength: writer.byteLength };
  }

  /** The value itself, for who does something else with it than write it as JSON. */
  evaluate(scope: MappingScope, bytesMax: number): { readonly value: MappingValue | undefined } | MappingProblem {
    const run = new MappingRun(scope, bytesMax);
    const value = this.#evaluate(run);
    return run.problem ?? { value };
  }
}

/** A value that a configuration names. */
export function toLiteral(json: string): MappingValue {
  const document = readJson(Buffer.from(json));
  assert(document instanceof JsonDocument, 'literals are written by ourselves');
  return document.root;
}

function compileNode(node: MappingNode, items: Items): Evaluate {
  const compile = (inner: MappingNode): Evaluate => compileNode(inner, items);
  switch (node.kind) {
    case 'literal': {
      const literal = toLiteral(node.json);
      return () => literal;
    }
    case 'reference':
      return compileReference(node.reference, items);
    case 'text':
      return compileText(node.text, items);
    case 'map':
      return compileMap(node.members.map(({ name, node: inner }) => [new MadeText(name), compile(inner)] as const));
    case 'list': {
      const compiled = node.items.map(compile);
      return (run) => new MadeList(compiled.map((evaluate) => evaluate(run) ?? NULL));
    }
    case 'default': {
      const compiled = node.of.map(compile);
      return (run) => findFirst(run, compiled);
    }
    case 'if': {
      const holds = compileCondition(node.when, items);
      const whenTrue = compile(node.whenTrue);
      const otherwise = node.otherwise && compile(node.otherwise);
      return (run) => (holds(run) ? whenTrue(run) : otherwise?.(run));
    }
    case 'each':
      return compileEach(node, items);
    default:
      return compileOperator(node, compile);
  }
}

const NULL = toLiteral('null');

type OperatorNode = Exclude<
  MappingNode,
  { readonly kind: 'literal' | 'reference' | 'text' | 'map' | 'list' | 'default' | 'if' | 'each' }
>;

const makers = { toText: operators.toText, toNumber: operators.toNumber, count: operators.count } as const;

/** Those that have nothing but values to work on. */
function compileOperator(node: OperatorNode, compile: (node: MappingNode) => Evaluate): Evaluate {
  switch (node.kind) {
    case 'pick':
    case 'omit': {
      const from = compile(node.from);
      const names = node.names.map(toJsonName);
      const choose = node.kind === 'pick' ? operators.pick : operators.omit;
      return (run) => choose(run, from(run), names);
    }
    case 'rename': {
      const from = compile(node.from);
      const names = new Map(Object.entries(node.names).map(([name, to]) => [name, new MadeText(to)]));
      return (run) => operators.rename(run, from(run), names);
    }
    case 'merge':
    case 'concat': {
      const compiled = node.of.map(compile);
      const unite = node.kind === 'merge' ? operators.merge : operators.concat;
      return (run) => unite(run, evaluateAll(run, compiled));
    }
    case 'flatten': {
      const from = compile(node.from);
      return (run) => operators.flatten(run, from(run), node.separator);
    }
    case 'group': {
      const from = compile(node.from);
      const by = toJsonName(node.by);
      return (run) => operators.group(run, from(run), by);
    }
    case 'join': {
      const from = compile(node.from);
      const other = compile(node.with);
      const rules = { ...node, fromName: toJsonName(node.fromName), withName: toJsonName(node.withName) };
      return (run) => operators.join(run, from(run), other(run), rules);
    }
    case 'mergeBy': {
      const lists = node.lists.map(compile);
      const by = toJsonName(node.by);
      return (run) => operators.mergeBy(run, evaluateAll(run, lists), by);
    }
    case 'toText':
    case 'toNumber':
    case 'count': {
      const from = compile(node.from);
      const make = makers[node.kind];
      return (run) => make(run, from(run));
    }
    default:
      return node satisfies never;
  }
}

function evaluateAll(run: MappingRun, compiled: readonly Evaluate[]): (MappingValue | undefined)[] {
  return compiled.map((evaluate) => evaluate(run));
}

function findFirst(run: MappingRun, compiled: readonly Evaluate[]): MappingValue | undefined {
  for (const evaluate of compiled) {
    const value = evaluate(run);
    if (operators.isThere(value)) return value;
  }
  return undefined;
}

/** Members that are missing are left out. */
function compileMap(members: readonly (readonly [name: MappingValue, evaluate: Evaluate])[]): Evaluate {
  return (run) => {
    const made: ValueMember[] = [];
    for (const [name, evaluate] of members) {
      const value = evaluate(run);
      if (value !== undefined) made.push({ name, value });
    }
    return new MadeObject(made);
  };
}

function compileEach(node: Extract<MappingNode, { kind: 'each' }>, items: Items): Evaluate {
  const list = compileNode(node.in, items);
  const inside = [...items, node.as];
  const evaluate = compileNode(node.do, inside);
  const holds = node.when && compileCondition(node.when, inside);
  return (run) => {
    const found = operators.itemsOf(run, list(run), '$each');
    if (found === undefined) return undefined;
    const made: MappingValue[] = [];
    for (const item of found) {
      run.items.push(item);
      if (holds === undefined || holds(run)) made.push(evaluate(run) ?? NULL);
      run.items.pop();
      if (run.problem !== undefined) return undefined;
    }
    return new MadeList(made);
  };
}

function compileText({ parts, source }: MappingText, items: Items): Evaluate {
  const compiled = parts.map((part) => (typeof part === 'string' ? part : compileReference(part, items)));
  return (run) => {
    let text = '';
    for (const part of compiled) {
      const value = typeof part === 'string' ? undefined : part(run);
      const piece = typeof part === 'string' ? part : operators.isThere(value) ? value.text : '';
      if (!run.spendText(piece.length, source)) return undefined;
      text += piece;
    }
    return new MadeText(text);
  };
}

function compileCondition(condition: MappingCondition, items: Items): Holds {
  switch (condition.kind) {
    case 'exists': {
      const value = compileNode(condition.value, items);
      return (run) => operators.isThere(value(run));
    }
    case 'in': {
      const value = compileNode(condition.value, items);
      const wanted = condition.values.map(toLiteral);
      return (run) => operators.isOneOf(run, value(run), wanted);
    }
    case 'not': {
      const holds = compileCondition(condition.condition, items);
      return (run) => !holds(run);
    }
    case 'all':
    case 'any': {
      const compiled = condition.conditions.map((inner) => compileCondition(inner, items));
      return condition.kind === 'all'
        ? (run) => compiled.every((holds) => holds(run))
        : (run) => compiled.some((holds) => holds(run));
    }
    default:
      return condition satisfies never;
  }
}
