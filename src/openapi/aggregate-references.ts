/**
 * Aggregates beside the documents of the services that they call: whether there is such an operation, and whether its answer has what
 * is referred to. Only what a document says for certain is a mistake.
 */
import type { CallDefinition } from '#aggregate/aggregate-definition.ts';
import type { AggregateDestination } from '#config/aggregate-schema.ts';
import type { Configuration } from '#config/configuration.ts';
import type { Finding, IssuePath } from '#config/issue.ts';
import type { MappingNode, MappingReference, MappingText } from '#schema/mapping-node.ts';
import { listReferences } from '#schema/mapping-node.ts';
import { quote } from '#schema/quote.ts';
import { suggestWord } from '#schema/suggest.ts';
import type { ApiDocument } from './api-document.ts';
import { type DescribedAnswer, describeAnswers, readServiceDocuments } from './described-answers.ts';
import { findSchemaAt } from './schema-members.ts';

interface Use {
  readonly reference: MappingReference;
  readonly path: IssuePath;
}

export async function findReferenceMistakes({ services, routes }: Configuration): Promise<Finding[]> {
  const { documents, problems } = await readServiceDocuments(services);
  const findings = problems.map(({ service, message }) => toFinding(['services', service, 'openapi'], message));
  for (const [name, { to }] of Object.entries(routes))
    if (to.kind === 'aggregate') findings.push(...checkAggregate(to, ['routes', name, 'to', 'aggregate'], documents));
  return findings;
}

function toFinding(path: IssuePath, message: string): Finding {
  return { path, code: 'invalid-value', message };
}

function checkAggregate(aggregate: AggregateDestination, at: IssuePath, documents: ReadonlyMap<string, ApiDocument>): Finding[] {
  const { answers, missing } = describeAnswers(aggregate, documents);
  const findings = missing.map(({ name, service, method, path }) => {
    const message = `the document of the service \`${service}\` has no operation ${method} ${path.source}`;
    return toFinding([...at, 'calls', name, 'path'], message);
  });
  for (const use of listUses(aggregate, at)) {
    const message = checkUse(use.reference, answers);
    if (message !== undefined) findings.push(toFinding(use.path, message));
  }
  return findings;
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
