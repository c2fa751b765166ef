/**
 * The OpenAPI document of the aggregates of a configuration: their paths, what they take, and what they answer. Of what the documents of
 * services describe, it names the place there.
 */
import { relative, sep } from 'node:path';
import type { AggregateDestination } from '#config/aggregate-schema.ts';
import type { Configuration, RouteConfiguration } from '#config/configuration.ts';
import { listReferences, type MappingNode, type MappingReference } from '#schema/mapping-node.ts';
import { type DescribedAnswer, describeAnswers, readServiceDocuments } from './described-answers.ts';
import type { Place } from './document-files.ts';
import { findSchemaAt } from './schema-members.ts';

type Schema = Readonly<Record<string, unknown>>;
type Answers = ReadonlyMap<string, DescribedAnswer>;

const METHODS_OF_ANY = ['GET'];
const anything: Schema = {};

export interface AggregateContract {
  readonly document: Schema;
  /** Why documents of services could not be read. */
  readonly problems: readonly string[];
}

/** `folder`: what references to documents of services count from. `routes`: their names; all of them when there are none. */
export async function describeAggregates(
  configuration: Configuration,
  { folder, routes }: { readonly folder: string; readonly routes: readonly string[] },
): Promise<AggregateContract> {
  const { documents, problems } = await readServiceDocuments(configuration.services);
  const paths: Record<string, Record<string, Schema>> = {};
  for (const [name, route] of Object.entries(configuration.routes)) {
    const { to } = route;
    if (to.kind !== 'aggregate' || (routes.length > 0 && !routes.includes(name))) continue;
    const { answers } = describeAnswers(to, documents);
    const writer = new SchemaWriter(answers, folder);
    for (const { path, captures, methods } of listPlaces(route)) {
      paths[path] ??= {};
      for (const method of methods) paths[path][method.toLowerCase()] = toOperation(name, to, captures, writer);
    }
  }
  const document = { openapi: '3.1.0', info: { title: 'Aggregates', version: '1' }, paths };
  return { document, problems: problems.map(({ service, message }) => `services.${service}.openapi: ${message}`) };
}

interface PublishedPath {
  readonly path: string;
  readonly captures: readonly string[];
  readonly methods: readonly string[];
}

/** Regular expressions have no form in OpenAPI, and are left out. */
function listPlaces({ matches }: RouteConfiguration): PublishedPath[] {
  return matches.flatMap(({ paths = [], methods = METHODS_OF_ANY }) =>
    paths.flatMap((path): PublishedPath[] => {
      if (!('segments' in path)) return [];
      const segments = path.segments.map((segment) => ('literal' in segment ? segment.literal : `{${segment.capture}}`));
      const captures = path.segments.flatMap((segment) => ('capture' in segment ? [segment.capture] : []));
      return [{ path: `/${segments.join('/')}`, captures, methods }];
    }),
  );
}

function toOperation(name: string, aggregate: AggregateDestination, captures: readonly string[], writer: SchemaWriter): Schema {
  const { status, requestBytesMax, answer, partialField } = aggregate;
  const schema = answer.kind === 'mapping' ? writer.toSchema(answer.node) : anything;
  const parameters = [
    ...captures.map((capture) => ({ name: capture, in: 'path', required: true, schema: { type: 'string' } })),
    ...listParameters(aggregate),
  ];
  const partial = { description: 'Names of the parts that are missing, where some are.', schema: { type: 'string' } };
  return {
    operationId: name,
    ...(parameters.length > 0 && { parameters }),
    ...(requestBytesMax !== undefined && { requestBody: { content: { 'application/json': { schema: anything } } } }),
    responses: {
      [status]: {
        description: 'The answer, composed of several.',
        headers: { 'gatehouse-partial': partial },
        content: { 'application/json': { schema: partialField === undefined ? schema : withPartial(schema, partialField) } },
      },
      default: { description: 'A problem (RFC 9457).', content: { 'application/problem+json': { schema: { type: 'object' } } } },
    },
  };
}

function withPartial(schema: Schema, name: string): Schema {
  return { allOf: [schema, { type: 'object', properties: { [name]: { type: 'array', items: { type: 'string' } } } }] };
}

/** Parameters and fields of the request that something refers to. */
function listParameters({ calls, answer, headers }: AggregateDestination): Schema[] {
  const texts = calls.flatMap(({ path, query, headers: fields }) => [path, ...[...query, ...fields].map(({ value }) => value)]);
  const nodes = [...calls.flatMap(({ body }) => body ?? []), ...(answer.kind === 'mapping' ? [answer.node] : [])];
  const references = [...texts, ...headers.map(({ value }) => value), ...nodes].flatMap((each) => listReferences(each));
  const found = new Map(
    references.flatMap((reference) => toParameter(reference) ?? []).map((each) => [`${each.in} ${each.name}`, each]),
  );
  return [...found.values()];
}

function toParameter(reference: MappingReference): { name: string; in: string; schema: Schema } | undefined {
  if (reference.shape !== 'request') return undefined;
  const { variable } = reference;
  const schema = { type: 'string' };
  if (variable.kind === 'parameter') return { name: variable.name, in: 'query', schema };
  if (variable.kind === 'field') return { name: variable.name, in: 'header', schema };
  return variable.kind === 'cookie' ? { name: variable.name, in: 'cookie', schema } : undefined;
}

/** What a mapping makes, as far as that is known without running it. */
class SchemaWriter {
  readonly #answers: Answers;
  readonly #folder: string;

  constructor(answers: Answers, folder: string) {
    this.#answers = answers;
    this.#folder = folder;
  }

  toSchema(node: MappingNode): Schema {
    switch (node.kind) {
      case 'reference':
        return this.#ofReference(node.reference);
      case 'text':
      case 'toText':
        return { type: 'string' };
      case 'toNumber':
      case 'count':
        return { type: 'number' };
      case 'map':
        return {
          type: 'object',
          properties: Object.fromEntries(node.members.map(({ name, node: inner }) => [name, this.toSchema(inner)])),
        };
      case 'list':
        return { type: 'array', prefixItems: node.items.map((item) => this.toSchema(item)) };
      case 'each':
        return { type: 'array', items: this.toSchema(node.do) };
      case 'merge':
        return { allOf: node.of.map((inner) => this.toSchema(inner)) };
      case 'default':
        return { anyOf: node.of.map((inner) => this.toSchema(inner)) };
      case 'concat':
      case 'join':
      case 'mergeBy':
        return { type: 'array' };
      case 'pick':
      case 'omit':
      case 'rename':
      case 'group':
        return { type: 'object' };
      default:
        return anything;
    }
  }

  #ofReference(reference: MappingReference): Schema {
    if (reference.shape === 'text') return reference.root.at(-1) === 'status' ? { type: 'integer' } : { type: 'string' };
    if (reference.shape === 'request') return { type: 'string' };
    if (reference.shape !== 'json' || reference.root[0] !== 'calls') return anything;
    const answer = this.#answers.get(reference.root[1]!);
    if (answer === undefined) return anything;
    // The list itself has no place in a document.
    if (answer.isList && reference.steps.length === 0) return { type: 'array', items: this.#toReference(answer.schema.place) };
    const found = findSchemaAt(answer.schema, reference.steps, answer.document.references);
    const schemas = 'unknown' in found ? [] : found.schemas;
    if (schemas.length === 0) return anything;
    const written = schemas.map(({ place }) => this.#toReference(place));
    return written.length === 1 ? written[0]! : { anyOf: written };
  }

  #toReference({ file, steps }: Place): Schema {
    const pointer = steps.map((step) => `/${encodeURIComponent(String(step).replaceAll('~', '~0').replaceAll('/', '~1'))}`);
    const path = relative(this.#folder, file).split(sep).map(encodeURIComponent).join('/');
    return { $ref: `${path}#${pointer.join('')}` };
  }
}
