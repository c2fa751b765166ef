/**
 * Aggregates beside the documents of the services that they call: whether there is such an operation, and whether its answer has what
 * is referred to. Only what a document says for certain is a mistake.
 */
import type { CallDefinition } from '#aggregate/aggregate-definition.ts';
import type { AggregateDestination } from '#config/aggregate-schema.ts';
import type { Configuration } from '#config/configuration.ts';
import type { Finding, IssuePath } from '#config/issue.ts';
import { isMap } from '#schema/forms.ts';
import type { MappingNode, MappingReference, MappingText } from '#schema/mapping-node.ts';
import { listReferences } from '#schema/mapping-node.ts';
import { quote } from '#schema/quote.ts';
import { suggestWord } from '#schema/suggest.ts';
import { type ApiDocument, type ApiOperation, below, readApiDocument } from './api-document.ts';
import { type Fault, formatFaults, readDocumentFiles } from './document-files.ts';
import type { Located } from './references.ts';
import { findMember, findSchemaAt } from './schema-members.ts';

/** Mistakes of one document that are told; they tend to have one cause. */
const FAULTS_TOLD_MAX = 20;

interface Use {
  readonly reference: MappingReference;
  readonly path: IssuePath;
}

export async function findReferenceMistakes({ services, routes }: Configuration): Promise<Finding[]> {
  const documents = new Map<string, ApiDocument>();
  const findings: Finding[] = [];
  for (const [name, { openapi }] of Object.entries(services)) {
    const read = openapi === undefined ? undefined : await readDocument(openapi);
    if (read === undefined) continue;
    if ('messages' in read) findings.push(...read.messages.map((message) => toFinding(['services', name, 'openapi'], message)));
    else documents.set(name, read);
  }
  for (const [name, { to }] of Object.entries(routes))
    if (to.kind === 'aggregate') findings.push(...checkAggregate(to, ['routes', name, 'to', 'aggregate'], documents));
  return findings;
}

async function readDocument(file: string): Promise<ApiDocument | { readonly messages: readonly string[] }> {
  const files = await readDocumentFiles(file);
  if (files.problems.length > 0) return { messages: files.problems.slice(0, FAULTS_TOLD_MAX) };
  const faults: Fault[] = [];
  const document = readApiDocument(file, files, faults);
  return document ?? { messages: formatFaults(faults, files).slice(0, FAULTS_TOLD_MAX) };
}

function toFinding(path: IssuePath, message: string): Finding {
  return { path, code: 'invalid-value', message };
}

function checkAggregate(aggregate: AggregateDestination, at: IssuePath, documents: ReadonlyMap<string, ApiDocument>): Finding[] {
  const findings: Finding[] = [];
  /** Of the answer of each call, where its document has one. */
  const answers = new Map<string, DescribedAnswer>();
  for (const call of aggregate.calls) {
    const document = documents.get(call.service);
    if (document === undefined) continue;
    const operation = findOperation(document, call);
    if (operation === undefined) {
      const message = `the document of the service \`${call.service}\` has no operation ${call.method} ${call.path.source}`;
      findings.push(toFinding([...at, 'calls', call.name, 'path'], message));
      continue;
    }
    const schema = findAnswerSchema(document, operation, call);
    if (schema !== undefined) answers.set(call.name, { document, schema: call.each === undefined ? schema : toListOf(schema) });
  }
  for (const use of listUses(aggregate, at)) {
    const message = checkUse(use.reference, answers);
    if (message !== undefined) findings.push(toFinding(use.path, message));
  }
  return findings;
}

interface DescribedAnswer {
  readonly document: ApiDocument;
  readonly schema: Located;
}

/** Of a call that is made for each item. */
function toListOf({ value, place }: Located): Located {
  return { value: { type: 'array', items: value }, place };
}

/** What is wrong with a reference; `undefined`: nothing that a document would tell. */
function checkUse(reference: MappingReference, answers: ReadonlyMap<string, DescribedAnswer>): string | undefined {
  if (reference.shape !== 'json' || reference.root[0] !== 'calls') return undefined;
  const answer = answers.get(reference.root[1]!);
  if (answer === undefined) return undefined;
  const found = findSchemaAt(answer.schema, reference.steps, answer.document.references);
  if (!('unknown' in found)) return undefined;
  const suggestion = suggestWord(found.unknown, found.known);
  const ending = suggestion === undefined ? listKnown(found.known) : `; did you mean \`${suggestion}\`?`;
  return `\`\${${reference.source}}\`: the document of the service describes no ${quote(found.unknown)} there${ending}`;
}

function listKnown(known: readonly string[]): string {
  return known.length === 0 ? '' : `; there ${known.length === 1 ? 'is' : 'are'} ${known.slice(0, 8).join(', ')}`;
}

function listUses({ calls, answer, headers }: AggregateDestination, at: IssuePath): Use[] {
  return [
    ...calls.flatMap((call) => listCallUses(call, [...at, 'calls', call.name])),
    ...headers.flatMap(({ name, value }) => toUses(value, [...at, 'headers', name])),
    ...(answer.kind === 'mapping' ? toUses(answer.node, [...at, 'answer']) : []),
  ];
}

function listCallUses({ path, query, headers, body, each }: CallDefinition, at: IssuePath): Use[] {
  return [
    ...toUses(path, [...at, 'path']),
    ...query.flatMap(({ name, value }) => toUses(value, [...at, 'query', name])),
    ...headers.flatMap(({ name, value }) => toUses(value, [...at, 'headers', name])),
    ...(body === undefined ? [] : toUses(body, [...at, 'body'])),
    ...(each === undefined ? [] : toUses(each.list, [...at, 'each'])),
  ];
}

function toUses(mapping: MappingNode | MappingText, at: IssuePath): Use[] {
  return listReferences(mapping).map((reference) => ({ reference, path: [...at, ...reference.at] }));
}

/** The one whose path fits with the most segments that are the same. */
function findOperation({ operations }: ApiDocument, { method, path }: CallDefinition): ApiOperation | undefined {
  const asked = path.parts.map((part) => (typeof part === 'string' ? part : ANY)).join('');
  const fitting = operations.flatMap((operation) => {
    if (operation.method !== method) return [];
    const counts = operation.bases.flatMap((base) => countSame(base + operation.path, asked) ?? []);
    return counts.length === 0 ? [] : [{ operation, same: Math.max(...counts) }];
  });
  return fitting.toSorted((one, other) => other.same - one.same)[0]?.operation;
}

/** Stands for a value: no path of a configuration has it. */
const ANY = '\0';

/** How many segments are the same; `undefined`: the paths do not fit. */
function countSame(described: string, asked: string): number | undefined {
  const [ours, theirs] = [asked.split('/'), described.split('/')];
  if (ours.length !== theirs.length) return undefined;
  let same = 0;
  for (const [i, segment] of theirs.entries()) {
    if (segment === ours[i]) same += 1;
    else if (!segment.includes('{') && !ours[i]!.includes(ANY)) return undefined;
  }
  return same;
}

/** Of the first good answer that is described, as JSON. */
function findAnswerSchema(
  document: ApiDocument,
  { value, place }: ApiOperation,
  { expect }: CallDefinition,
): Located | undefined {
  const { responses } = value;
  if (!isMap(responses)) return undefined;
  const isGood = (status: string) => expect.some(({ from, to }) => Number(status) >= from && Number(status) <= to);
  const statuses = Object.keys(responses);
  const status = statuses.find(isGood) ?? statuses.find((each) => each === '2XX') ?? statuses.find((each) => each === 'default');
  if (status === undefined) return undefined;
  let found = document.references.follow(responses[status], below(place, 'responses', status));
  for (const name of ['content', 'application/json', 'schema']) found = found && findMember(found, name, document.references);
  return found;
}
