/**
 * A text as the library `yaml` reads it, with the place of each value. Slow, by a tree of the whole, and what our own reading is
 * compared with.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { SourceDocument } from '#config/document.ts';
import type { Finding, Issue, IssuePath } from '#config/issue.ts';

/** Uses of anchors in one file. An alias of an alias multiplies; beyond this a small file would become a huge value. */
const ALIAS_COUNT_MAX = 10_000;
/** Messages of the parser that speak of itself rather than of the document. */
const EXPLAINED_ERRORS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  TAB_AS_INDENT: 'a line is indented with a tab; YAML takes only spaces',
  MULTIPLE_DOCS: 'a second document begins here; a configuration is one, so leave out the `---`',
  NON_STRING_KEY: 'a key must be text',
};
const MERGE_KEY = '<<';

/** As `readDocument` does it, by the tree of the library. */
export function readByLibrary(file: string, text: string): SourceDocument {
  const lineCounter = new LineCounter();
  // `uniqueKeys` would compare each key with all others of its map; `findDuplicateKeys` looks at each once.
  const document = parseDocument(text, { lineCounter, uniqueKeys: false, stringKeys: true, merge: true, prettyErrors: false });
  const toIssueAt = ({ path, code, severity = 'error', message }: Finding, offset: number): Issue => {
    const { line, col } = lineCounter.linePos(offset);
    return { path, code, severity, message, file, line, column: col };
  };
  const { value, problems } = readValue(document);
  const issues = [
    ...problems.map(({ offset, message }) => toIssueAt({ path: [], code: 'syntax', message }, offset)),
    ...findDuplicateKeys(document).map((duplicate) => toIssueAt(explainDuplicate(duplicate, lineCounter), duplicate.offset)),
  ];
  const locator = new Locator(document);
  return {
    file,
    text,
    value,
    issues,
    toIssue: (finding) => toIssueAt(finding, locator.find(finding.path, finding.pointAt ?? 'value')),
  };
}

interface SyntaxProblem {
  readonly offset: number;
  readonly message: string;
}

function readValue(document: Document.Parsed): { readonly value: unknown; readonly problems: readonly SyntaxProblem[] } {
  const problems = [...document.errors, ...document.warnings].map(toSyntaxProblem);
  // What an alias stands for is looked for only while the value is made, and an error then has no place.
  if (problems.length === 0) problems.push(...findUnknownAliases(document));
  if (problems.length > 0) return { value: undefined, problems };
  try {
    return { value: document.toJS({ maxAliasCount: ALIAS_COUNT_MAX }), problems };
  } catch (error) {
    return { value: undefined, problems: [{ offset: 0, message: error instanceof Error ? error.message : String(error) }] };
  }
}

function toSyntaxProblem({ code, message, pos }: YAMLError): SyntaxProblem {
  const explained = EXPLAINED_ERRORS[code] ?? `${message.charAt(0).toLowerCase()}${message.slice(1)}`;
  return { offset: pos[0], message: explained };
}

function findUnknownAliases(document: Document): SyntaxProblem[] {
  const anchors = new Set<string>();
  const problems: SyntaxProblem[] = [];
  visit(document, {
    Alias(_, alias) {
      if (anchors.has(alias.source)) return;
      problems.push({
        offset: startOf(alias),
        message: `the alias \`*${alias.source}\` has no anchor \`&${alias.source}\` before it`,
      });
    },
    Value(_, value) {
      if (value.anchor !== undefined) anchors.add(value.anchor);
    },
  });
  return problems;
}

function explainDuplicate({ path, firstOffset }: DuplicateKey, lineCounter: LineCounter): Finding {
  const { line } = lineCounter.linePos(firstOffset);
  return {
    path,
    code: 'duplicate-key',
    message: `the key \`${path.at(-1)}\` is here a second time; the first is in line ${line}`,
  };
}

interface DuplicateKey {
  readonly path: IssuePath;
  readonly offset: number;
  readonly firstOffset: number;
}

function findDuplicateKeys(document: Document): DuplicateKey[] {
  const found: DuplicateKey[] = [];
  visit(document, {
    Map(_, map, ancestors) {
      const offsets = new Map<string, number>();
      for (const pair of map.items) {
        const key = toKey(pair);
        const offset = startOf(pair.key);
        const firstOffset = offsets.get(key);
        if (firstOffset === undefined) offsets.set(key, offset);
        else found.push({ path: [...toPath(ancestors, map), key], offset, firstOffset });
      }
    },
  });
  return found;
}

function toPath(ancestors: readonly unknown[], node: unknown): (string | number)[] {
  return ancestors.flatMap((ancestor, depth): (string | number)[] => {
    if (isPair(ancestor)) return [toKey(ancestor)];
    return isSeq(ancestor) ? [ancestor.items.indexOf(ancestors[depth + 1] ?? node)] : [];
  });
}

/** Finds the place of a path. Only asked for paths with issues; the keys of a map are indexed at the first question. */
class Locator {
  readonly #document: Document;
  readonly #pairsByMap = new WeakMap<YAMLMap, Map<string, Pair>>();

  constructor(document: Document) {
    this.#document = document;
  }

  /** The offset of the deepest part of the path that exists. */
  find(path: IssuePath, pointAt: 'key' | 'value'): number {
    let node = this.#resolve(this.#document.contents);
    let offset = startOf(node);
    for (const [depth, step] of path.entries()) {
      if (isSeq(node)) {
        const item = typeof step === 'number' ? node.items[step] : undefined;
        if (item === undefined) return offset;
        offset = startOf(item);
        node = this.#resolve(item);
      } else {
        const pair = isMap(node) ? this.#pairs(node).get(String(step)) : undefined;
        if (pair === undefined) return offset;
        const isKeyMeant = depth === path.length - 1 ? pointAt === 'key' : true;
        node = this.#resolve(pair.value);
        const isEmpty = node === null || (isScalar(node) && node.value === null && (node.source ?? '') === '');
        // A map begins with its first key: what is missing in it is better shown at the key that holds the map.
        offset = isKeyMeant || isEmpty || (isMap(node) && !node.flow) ? startOf(pair.key) : startOf(pair.value);
      }
    }
    return offset;
  }

  #resolve(node: unknown): unknown {
    return isAlias(node) ? (node as Alias).resolve(this.#document) : node;
  }

  #pairs(map: YAMLMap): Map<string, Pair> {
    const known = this.#pairsByMap.get(map);
    if (known !== undefined) return known;
    const pairs = new Map<string, Pair>();
    this.#pairsByMap.set(map, pairs);
    for (const pair of map.items) pairs.set(toKey(pair), pair);
    const merged = this.#resolve(pairs.get(MERGE_KEY)?.value);
    for (const source of isSeq(merged) ? merged.items : [merged]) {
      const sourceMap = this.#resolve(source);
      if (!isMap(sourceMap)) continue;
      for (const [key, pair] of this.#pairs(sourceMap)) if (!pairs.has(key)) pairs.set(key, pair);
    }
    return pairs;
  }
}

function toKey(pair: Pair): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key);
}

function startOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}
