/** What calls of aggregates are answered with, as the documents of their services say. */
import type { CallDefinition } from '#aggregate/aggregate-definition.ts';
import type { AggregateDestination } from '#config/aggregate-schema.ts';
import { isMap } from '#schema/forms.ts';
import { type ApiDocument, type ApiOperation, below, readApiDocument } from './api-document.ts';
import { type Fault, formatFaults, readDocumentFiles } from './document-files.ts';
import type { Located } from './references.ts';
import { findMember } from './schema-members.ts';

/** Mistakes of one document that are told; they tend to have one cause. */
const FAULTS_TOLD_MAX = 20;

export interface DescribedAnswer {
  readonly document: ApiDocument;
  readonly schema: Located;
  /** The call is made for each item: the schema is a list of what the document describes at its place. */
  readonly isList: boolean;
}

/** Of a call that is made for each item. */
function toListOf({ value, place }: Located): Located {
  return { value: { type: 'array', items: value }, place };
}

export interface ServiceDocuments {
  /** By the name of the service. */
  readonly documents: ReadonlyMap<string, ApiDocument>;
  readonly problems: readonly { readonly service: string; readonly message: string }[];
}

export async function readServiceDocuments(
  services: Readonly<Record<string, { readonly openapi?: string | undefined }>>,
): Promise<ServiceDocuments> {
  const documents = new Map<string, ApiDocument>();
  const problems: { service: string; message: string }[] = [];
  for (const [service, { openapi }] of Object.entries(services)) {
    const read = openapi === undefined ? undefined : await readDocument(openapi);
    if (read === undefined) continue;
    if ('messages' in read) problems.push(...read.messages.map((message) => ({ service, message })));
    else documents.set(service, read);
  }
  return { documents, problems };
}

/** `missing`: calls for which the document of their service has no operation. */
export function describeAnswers(
  { calls }: AggregateDestination,
  documents: ReadonlyMap<string, ApiDocument>,
): { readonly answers: ReadonlyMap<string, DescribedAnswer>; readonly missing: readonly CallDefinition[] } {
  const answers = new Map<string, DescribedAnswer>();
  const missing: CallDefinition[] = [];
  for (const call of calls) {
    const document = documents.get(call.service);
    if (document === undefined) continue;
    const operation = findOperation(document, call);
    const schema = operation && findAnswerSchema(document, operation, call);
    if (operation === undefined) missing.push(call);
    if (schema === undefined) continue;
    const isList = call.each !== undefined;
    answers.set(call.name, { document, schema: isList ? toListOf(schema) : schema, isList });
  }
  return { answers, missing };
}

async function readDocument(file: string): Promise<ApiDocument | { readonly messages: readonly string[] }> {
  const files = await readDocumentFiles(file);
  if (files.problems.length > 0) return { messages: files.problems.slice(0, FAULTS_TOLD_MAX) };
  const faults: Fault[] = [];
  const document = readApiDocument(file, files, faults);
  return document ?? { messages: formatFaults(faults, files).slice(0, FAULTS_TOLD_MAX) };
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
