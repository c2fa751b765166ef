/** Finds the path template of a document that a request's path is an instance of: what is written out goes before `{name}`. */

export interface PathMatch<Value> {
  readonly value: Value;
  /** Names of the template's expressions, and the texts that stand in their places, still percent-encoded. */
  readonly names: readonly string[];
  readonly texts: readonly string[];
}

interface Expression<Value> {
  /** What stands around and between the names: one more than there are names. */
  readonly fixed: readonly string[];
  readonly node: PathNode<Value>;
}

interface PathNode<Value> {
  readonly literals: Map<string, PathNode<Value>>;
  /** Those with most fixed text first. */
  readonly expressions: Expression<Value>[];
  end: { readonly value: Value; readonly names: readonly string[] } | undefined;
}

const EXPRESSION = /\{([^{}]*)\}/g;

export class PathTree<Value> {
  readonly #root: PathNode<Value> = createNode();

  /** False: a template that stands for the same paths is there already. */
  add(template: string, value: Value): boolean {
    let node = this.#root;
    for (const segment of toSegments(template)) node = segment.includes('{') ? stepInto(node, segment) : stepTo(node, segment);
    if (node.end !== undefined) return false;
    node.end = { value, names: listTemplateNames(template) };
    return true;
  }

  find(path: string): PathMatch<Value> | undefined {
    return findBelow(this.#root, toSegments(path), 0, []);
  }
}

export function listTemplateNames(template: string): string[] {
  return [...template.matchAll(EXPRESSION)].map((match) => match[1]!);
}

/** Visits each node of the tree once at most, since each stands at one depth. */
function findBelow<Value>(
  node: PathNode<Value>,
  segments: readonly string[],
  at: number,
  texts: readonly string[],
): PathMatch<Value> | undefined {
  if (at === segments.length) return node.end && { ...node.end, texts };
  const segment = segments[at]!;
  const literal = node.literals.get(segment);
  const found = literal && findBelow(literal, segments, at + 1, texts);
  if (found !== undefined) return found;
  for (const { fixed, node: next } of node.expressions) {
    const values = matchSegment(fixed, segment);
    const match = values && findBelow(next, segments, at + 1, [...texts, ...values]);
    if (match !== undefined) return match;
  }
  return undefined;
}

/** Each expression takes as little as it can, and at least one character. */
function matchSegment(fixed: readonly string[], segment: string): string[] | undefined {
  if (!segment.startsWith(fixed[0]!)) return undefined;
  const values: string[] = [];
  let from = fixed[0]!.length;
  for (let i = 1; i < fixed.length; i++) {
    const text = fixed[i]!;
    const isLast = i === fixed.length - 1;
    const end = isLast ? segment.length - text.length : segment.indexOf(text, from + 1);
    if (end <= from || (isLast && !segment.endsWith(text))) return undefined;
    values.push(segment.slice(from, end));
    from = end + text.length;
  }
  return values;
}

function stepTo<Value>(node: PathNode<Value>, segment: string): PathNode<Value> {
  const known = node.literals.get(segment);
  if (known !== undefined) return known;
  const made = createNode<Value>();
  node.literals.set(segment, made);
  return made;
}

function stepInto<Value>(node: PathNode<Value>, segment: string): PathNode<Value> {
  const fixed = segment.split(EXPRESSION).filter((_, i) => i % 2 === 0);
  const known = node.expressions.find((other) => other.fixed.join('{}') === fixed.join('{}'));
  if (known !== undefined) return known.node;
  const made = { fixed, node: createNode<Value>() };
  node.expressions.push(made);
  node.expressions.sort((one, other) => other.fixed.join('').length - one.fixed.join('').length);
  return made.node;
}

function toSegments(path: string): string[] {
  return path.split('/').slice(1);
}

function createNode<Value>(): PathNode<Value> {
  return { literals: new Map(), expressions: [], end: undefined };
}
