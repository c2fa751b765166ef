/** From a document, a file with a schema, or a schema in the configuration to a contract, or to all that is wrong with it. */
import { hash } from 'node:crypto';
import {
  type ContractIndex,
  type OperationEntry,
  type PathEntry,
  type SchemaUse,
  toSchemaLine,
} from '#pipeline/contract/contract.ts';
import { writeContractImage } from '#pipeline/contract/contract-image.ts';
import { PathTree } from '#pipeline/contract/path-tree.ts';
import { patternLibrary } from '#pipeline/expression/pattern-library.ts';
import type { ContractSource } from '#schema/contract-source.ts';
import { isMap, isText } from '#schema/forms.ts';
import { type ApiDocument, type ApiOperation, readApiDocument } from './api-document.ts';
import { type Fault, type ReadFiles, readDocumentFiles } from './document-files.ts';
import { toAnswerRules, toRequestRules } from './operation-rules.ts';
import { References } from './references.ts';
import { type ConverterFaults, type Dialect, SchemaConverter } from './schema-converter.ts';
import { SchemaJudge } from './schema-judge.ts';
import { toTextShape } from './schema-shape.ts';

export interface ContractReading {
  /** `undefined` where there are faults. */
  readonly image: SharedArrayBuffer | undefined;
  readonly document: ApiDocument | undefined;
  readonly faults: readonly Fault[];
  /** Patterns that cannot be matched in linear time. */
  readonly patternFaults: readonly Fault[];
  readonly files: ReadFiles;
}

/** The file that a schema of the configuration is said to be in. */
const INLINE_FILE = 'inline';

export async function readContract(source: ContractSource): Promise<ContractReading> {
  const files = source.form === 'inline' ? toInlineFiles(source.text) : await readDocumentFiles(source.file);
  const found: ConverterFaults = { faults: [], patternFaults: [] };
  const none = { image: undefined, document: undefined, patternFaults: [], files };
  if (files.problems.length > 0) return { ...none, faults: [] };
  await patternLibrary.load();
  if (source.form !== 'openapi') {
    const file = source.form === 'inline' ? INLINE_FILE : source.file;
    const { index, lines } = readSchemaFile(file, files, found);
    return finish({ index, lines, found, files, document: undefined });
  }
  const document = readApiDocument(source.file, files, found.faults);
  if (document === undefined) return { ...none, faults: found.faults };
  const { index, lines } = readOperations(document, files, found);
  return finish({ index, lines, found, files, document });
}

function finish(read: {
  readonly index: ContractIndex;
  readonly lines: readonly unknown[];
  readonly found: ConverterFaults;
  readonly files: ReadFiles;
  readonly document: ApiDocument | undefined;
}): ContractReading {
  const { index, lines, found, files, document } = read;
  const faults = distinct(found.faults);
  const image = faults.length === 0 ? writeContractImage([index, ...lines]) : undefined;
  return { image, document, faults, patternFaults: distinct(found.patternFaults), files };
}

function readOperations(
  document: ApiDocument,
  files: ReadFiles,
  found: ConverterFaults,
): { readonly index: ContractIndex; readonly lines: readonly unknown[] } {
  const { references, dialect, operations, title } = document;
  const converter = new SchemaConverter(references, (file) => dialectOf(files, file, dialect), found);
  const means = { document, converter, faults: found.faults };
  const rules = operations.map((operation) => ({
    operation,
    request: toRequestRules(operation, means),
    answers: toAnswerRules(operation, means),
  }));
  found.faults.push(...findEqualPaths(operations));
  const shared = toLines(converter, found);
  const firstLine = toSchemaLine(shared.length);
  const entries = rules.map(({ operation }, i) => ({
    operation,
    entry: { name: operation.name, requestLine: firstLine + 2 * i, answersLine: firstLine + 2 * i + 1 },
  }));
  const index: ContractIndex = {
    title,
    digest: files.digest,
    paths: toPaths(entries),
    root: undefined,
    schemaCount: shared.length,
    asksForEvaluated: asksForEvaluated(converter),
  };
  return { index, lines: [...shared, ...rules.flatMap(({ request, answers }) => [request, answers])] };
}

function toPaths(entries: readonly { readonly operation: ApiOperation; readonly entry: OperationEntry }[]): PathEntry[] {
  // Operations of one path may have servers of their own.
  const groups = Map.groupBy(entries, ({ operation: { path, bases } }) => JSON.stringify([path, bases]));
  return [...groups.values()].map((group) => {
    const { path, bases } = group[0]!.operation;
    const operations = group.map(({ operation, entry }) => [operation.method, entry]);
    return { template: path, bases, operations: Object.fromEntries(operations) };
  });
}

/** OpenAPI 3.1 §4.8.8.1: templates that differ only in names are the same. */
function findEqualPaths(operations: readonly ApiOperation[]): Fault[] {
  const tree = new PathTree<string>();
  const paths = new Map(operations.map((operation) => [operation.path, operation]));
  return [...paths].flatMap(([path, { place }]) =>
    tree.add(path, path)
      ? []
      : [{ place: { file: place.file, steps: ['paths', path] }, message: 'another path stands for the same' }],
  );
}

function readSchemaFile(
  file: string,
  files: ReadFiles,
  found: ConverterFaults,
): { readonly index: ContractIndex; readonly lines: readonly unknown[] } {
  const references = new References(files, (fault) => found.faults.push(fault));
  const converter = new SchemaConverter(references, (other) => dialectOf(files, other, '2020-12'), found);
  const place = { file, steps: [] };
  const value = files.values.get(file);
  const use = converter.convert(value, place);
  const shape = toTextShape(value, place, references);
  const shared = toLines(converter, found);
  const index = {
    title: file,
    digest: files.digest,
    paths: [],
    root: { use, shape },
    schemaCount: shared.length,
    asksForEvaluated: asksForEvaluated(converter),
  };
  return { index, lines: shared };
}

/** All schemas are looked at by the schema of schemas. */
function toLines({ roots, shared }: SchemaConverter, found: ConverterFaults): SchemaUse[] {
  const judge = new SchemaJudge();
  for (const { schema, place } of [...shared, ...roots]) found.faults.push(...judge.findFaults(schema, place));
  return shared.map(({ schema, uses }) => ({ schema, uses }));
}

function asksForEvaluated({ roots, shared }: SchemaConverter): boolean {
  return [...roots, ...shared].some(({ schema }) => /"unevaluated(?:Properties|Items)":/.test(JSON.stringify(schema)));
}

/** A file that says itself what it is written in is read as that. */
function dialectOf({ values }: ReadFiles, file: string, otherwise: Dialect): Dialect {
  const root = values.get(file);
  if (!isMap(root)) return otherwise;
  const { $schema, openapi } = root;
  if (isText(openapi)) return openapi.startsWith('3.0.') ? 'openapi-3.0' : '2020-12';
  if (!isText($schema)) return otherwise;
  return /draft-0[3-7]/.test($schema) ? 'legacy' : '2020-12';
}

function toInlineFiles(text: string): ReadFiles {
  const value: unknown = JSON.parse(text);
  return {
    values: new Map([[INLINE_FILE, value]]),
    texts: new Map([[INLINE_FILE, text]]),
    asked: [],
    problems: [],
    digest: hash('sha256', text),
  };
}

/** What is referred to several times is wrong once. */
function distinct(faults: readonly Fault[]): Fault[] {
  const known = new Map(faults.map((fault) => [JSON.stringify(fault), fault]));
  return [...known.values()];
}
