/**
 * The language of expressions: CEL, with what a request offers as variables (docs/decisions/0031-expressions.md). Loads the
 * library, so it is loaded itself by `import()`, and only where there is an expression.
 */
import { type ASTNode, Environment, EvaluationError, ParseError, TypeError as TypeMistake } from '@marcbachmann/cel-js';
import { assert } from '#base/assert.ts';
import { AskingConsumer, AskingRequest, NotThere } from './asking.ts';
import { type Expression, type ExpressionMistake, ExpressionOutcome } from './expression.ts';
import { needsPatterns, patternLibrary } from './pattern-library.ts';

/** Steps of an expression: as many as a page of rules has, and few enough that reading them costs nobody anything. */
const NODES_MAX = 1_000;
const DEPTH_MAX = 50;
const LITERAL_ITEMS_MAX = 1_000;

const LOOPS = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
/** Ours, in the place of the library's `matches`, whose regular expressions backtrack. */
const LINEAR_MATCHES = 'matchesInLinearTime';

type Pattern = ReturnType<(typeof patternLibrary)['module']['compile']>;

interface NodeMistake {
  readonly node: Pick<ASTNode, 'start'>;
  readonly problem: string;
}

/** Making one takes some milliseconds, so whoever compiles several expressions keeps it. */
export class ExpressionLanguage {
  readonly #environment: Environment;
  /** Those that stand in expressions, so there are few. */
  readonly #patterns = new Map<string, Pattern>();

  constructor() {
    this.#environment = createEnvironment((text, pattern) => this.#patterns.get(pattern)!.test(text));
  }

  /** Of an expression that `findMistake` has nothing to say about, and whose libraries are loaded. */
  compile(text: string): Expression {
    const parsed = withPath(this.#environment, undefined).parse(text);
    assert(this.#useLinearMatches(parsed.ast, false) === undefined, 'expressions are checked before they are compiled');
    assert(parsed.check().valid, 'expressions are checked before they are compiled');
    return (variables) => {
      try {
        return parsed(variables) === true ? ExpressionOutcome.holds : ExpressionOutcome.fails;
      } catch (thrown) {
        return ExpressionOutcome.failed(explainFailure(thrown, text));
      }
    };
  }

  /** `captures`: the names that `path` has; `undefined` where they are not known. */
  async findMistake(text: string, captures: readonly string[] | undefined): Promise<ExpressionMistake | undefined> {
    if (needsPatterns(text)) await patternLibrary.load();
    try {
      const parsed = withPath(this.#environment, captures).parse(text);
      const mistake = this.#useLinearMatches(parsed.ast, false);
      if (mistake !== undefined) return toMistake(text, mistake.node.start, mistake.problem);
      const checked = parsed.check();
      if (!checked.valid) return toFoundMistake(text, checked.error);
      if (checked.type === 'bool' || checked.type === 'dyn') return undefined;
      return toMistake(text, 0, `it gives a value of the type ${checked.type}, not true or false`);
    } catch (thrown) {
      return toFoundMistake(text, thrown);
    }
  }

  /**
   * Has `matches` use expressions that take linear time, compiled once. Loops inside loops are refused: what a client sends
   * decides how often a loop runs.
   */
  #useLinearMatches(node: ASTNode, isInLoop: boolean): NodeMistake | undefined {
    if (node.op !== 'rcall') return this.#findIn(listNodes(node.args), isInLoop);
    const [name, receiver, args] = node.args;
    const isLoop = LOOPS.has(name);
    if (isLoop && isInLoop) return { node, problem: `\`${name}\` stands inside another loop, which could take long` };
    if (name === LINEAR_MATCHES) return { node, problem: `unknown function \`${LINEAR_MATCHES}\`` };
    const mistake = name === 'matches' ? this.#readPattern(node, args[0]) : undefined;
    return mistake ?? this.#findIn([receiver], isInLoop) ?? this.#findIn(args, isInLoop || isLoop);
  }

  #findIn(nodes: readonly ASTNode[], isInLoop: boolean): NodeMistake | undefined {
    for (const node of nodes) {
      const mistake = this.#useLinearMatches(node, isInLoop);
      if (mistake !== undefined) return mistake;
    }
    return undefined;
  }

  #readPattern(call: ASTNode, pattern: ASTNode | undefined): NodeMistake | undefined {
    if (pattern?.op !== 'value' || typeof pattern.args !== 'string')
      return { node: pattern ?? call, problem: 'the pattern of `matches` must be a text that stands there' };
    try {
      if (!this.#patterns.has(pattern.args)) this.#patterns.set(pattern.args, patternLibrary.module.compile(pattern.args));
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
      return { node: pattern, problem: `the pattern of \`matches\` is wrong: ${reason}` };
    }
    // The library has no way to replace a function of its own; a call is found by its name when it is checked.
    (call.args as unknown[])[0] = LINEAR_MATCHES;
    return undefined;
  }
}

function createEnvironment(matches: (text: string, pattern: string) => boolean): Environment {
  const limits = {
    maxAstNodes: NODES_MAX,
    maxDepth: DEPTH_MAX,
    maxListElements: LITERAL_ITEMS_MAX,
    maxMapEntries: LITERAL_ITEMS_MAX,
  };
  return new Environment({ limits })
    .registerType('Request', {
      ctor: AskingRequest,
      fields: {
        method: 'string',
        path: 'string',
        query: 'map<string, string>',
        headers: 'map<string, string>',
        host: 'string',
        scheme: 'string',
        clientAddress: 'string',
        listener: 'string',
        protocol: 'string',
      },
    })
    .registerType('Consumer', {
      ctor: AskingConsumer,
      fields: {
        name: 'string',
        groups: 'list<string>',
        scopes: 'list<string>',
        roles: 'list<string>',
        claims: 'map<string, dyn>',
      },
    })
    .registerVariable('request', 'Request')
    .registerVariable('consumer', 'Consumer')
    .registerVariable('route', 'string')
    .registerVariable('now', 'google.protobuf.Timestamp')
    .registerOperator('Consumer == null', (consumer: AskingConsumer) => consumer.isNobody)
    .registerFunction(`string.${LINEAR_MATCHES}(string): bool`, matches, { async: false });
}

function withPath(environment: Environment, captures: readonly string[] | undefined): Environment {
  if (captures === undefined) return environment.clone().registerVariable('path', 'map<string, string>');
  const fields = Object.fromEntries(captures.map((name) => [name, 'string']));
  return environment.clone().registerVariable({ name: 'path', schema: fields });
}

/** The nodes among the operands of another one, which come alone, in lists, and in pairs. */
function listNodes(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(listNodes);
  return typeof args === 'object' && args !== null && 'op' in args ? [args as ASTNode] : [];
}

function toFoundMistake(text: string, thrown: unknown): ExpressionMistake {
  if (!isCelError(thrown)) return toMistake(text, 0, thrown instanceof Error ? thrown.message : String(thrown));
  const { summary } = thrown;
  return toMistake(text, thrown.range?.start ?? 0, summary.slice(0, 1).toLowerCase() + summary.slice(1));
}

function toMistake(text: string, start: number, problem: string): ExpressionMistake {
  const before = text.slice(0, start).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1, problem };
}

/** For the log. Texts of the library may hold what a client sent, such as a credential; what the operator wrote does not. */
function explainFailure(thrown: unknown, text: string): string {
  if (!isCelError(thrown)) return thrown instanceof NotThere ? thrown.message : 'it fails';
  const { start, end } = thrown.range ?? { start: 0, end: 0 };
  const reason = thrown.code.replaceAll('_', ' ');
  return end > start ? `${reason}: ${text.slice(start, end)}` : reason;
}

function isCelError(thrown: unknown): thrown is ParseError | TypeMistake | EvaluationError {
  return thrown instanceof ParseError || thrown instanceof TypeMistake || thrown instanceof EvaluationError;
}
