import type { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import type { Reply } from '#http/response.ts';
import {
  type AnswerRule,
  type AnswerRules,
  type MediaRule,
  type OperationEntry,
  type ParameterRule,
  type SharedSchema,
  toContractKey,
  toSchemaLine,
} from '#pipeline/contract/contract.ts';
import { ContractImage } from '#pipeline/contract/contract-image.ts';
import { type OperationLookup, OperationTable } from '#pipeline/contract/operation-table.ts';
import { definePolicy, type ExplainedRequest, type PolicyPhases, type PolicyServices } from '#pipeline/policy.ts';
import type { ContractSource } from '#schema/contract-source.ts';
import { hasField } from '#wire/fields/field-list.ts';
import { isJsonType } from '#wire/fields/media-type.ts';
import { type ChosenAnswer, chooseAnswer, chooseMedia, readPreferences } from './answer-choice.ts';
import type { MockConfig } from './config.ts';
import { mockErrors } from './errors.ts';
import { createSample } from './sample.ts';

type DocumentConfig = MockConfig & { readonly openapi: ContractSource };
type Outcome = Reply | GatewayError | undefined;

const noPreferences = readPreferences(undefined);
/** Statuses whose answers have no body (RFC 9110 §6.4.1). */
const BODILESS_STATUSES: readonly number[] = [204, 205, 304];

/** Answers in the place of a service, which need not be there. */
export const mockPolicy = definePolicy({
  name: 'mock',
  summary: 'Answers in the place of a service: with the examples of a document of OpenAPI, or with a fixed answer.',
  loadConfig: async () => (await import('./config.ts')).mockConfig,
  contractSettings: ['openapi'],
  errors: mockErrors,
  describe: ({ openapi, status, json }) =>
    openapi === undefined
      ? `${status ?? 200}${json === undefined ? '' : ' with JSON'}`
      : `examples of ${openapi.form === 'inline' ? 'a document' : openapi.file}`,
  explain: explainMock,
  create(config, services): PolicyPhases {
    if (hasDocument(config)) return createDocumentMock(config, services);
    const body = config.json === undefined ? undefined : Buffer.from(JSON.stringify(config.json));
    const reply = toReply(config.status ?? 200, withType(toFields(config), body && 'application/json'), body);
    return { localAnswer: () => reply };
  },
});

function createDocumentMock(config: DocumentConfig, { contracts }: PolicyServices): PolicyPhases {
  const mock = new DocumentMock(config, new ContractImage(contracts[toContractKey(config.openapi)]!));
  return { localAnswer: (exchange) => mock.answer(exchange) };
}

class DocumentMock {
  readonly #config: DocumentConfig;
  readonly #image: ContractImage;
  readonly #table: OperationTable;
  readonly #rules = new Map<OperationEntry, AnswerRules>();
  /** As many as the document has media types and examples. */
  readonly #bodies = new WeakMap<MediaRule, Map<string, Buffer | undefined>>();

  constructor(config: DocumentConfig, image: ContractImage) {
    this.#config = config;
    this.#image = image;
    this.#table = new OperationTable(image.index, config.basePath);
  }

  answer(exchange: Exchange): Outcome {
    const { method, path } = exchange.request;
    const found = this.#table.find(method, path);
    if (found.kind !== 'found') return this.#config.unknown === 'pass' ? undefined : refuseUnknown(found);
    const preferences = this.#config.prefer ? readPreferences(exchange.field('prefer')) : noPreferences;
    const chosen = chooseAnswer(this.#rulesOf(found.entry).answers, preferences, this.#config.status);
    if (chosen === undefined) return mockErrors.noAnswer({ operation: found.entry.name });
    return this.#toAnswer(exchange, chosen, preferences.example);
  }

  #toAnswer({ request }: Exchange, { rule, status, applied }: ChosenAnswer, example: string | undefined): Outcome {
    const media = BODILESS_STATUSES.includes(status) ? 'none' : chooseMedia(rule, request.fields);
    if (media === undefined) return mockErrors.notAcceptable({ types: rule.media.map(({ range }) => range).join(', ') });
    const all = [...applied];
    let fields = [...this.#sampleFields(rule), ...toFields(this.#config)];
    let body: Buffer | undefined;
    if (media !== 'none') {
      const name = example !== undefined && Object.hasOwn(media.examples ?? {}, example) ? example : undefined;
      if (name !== undefined) all.push(`example=${name}`);
      body = this.#bodyOf(media, name);
      fields = withType(fields, media.range);
    }
    if (this.#config.prefer) fields.push('vary', 'accept, prefer');
    // RFC 7240 §3.
    if (all.length > 0) fields.push('preference-applied', all.join(', '));
    return toReply(status, fields, body);
  }

  #rulesOf(entry: OperationEntry): AnswerRules {
    const known = this.#rules.get(entry);
    if (known !== undefined) return known;
    const rules = this.#image.read<AnswerRules>(entry.answersLine);
    this.#rules.set(entry, rules);
    return rules;
  }

  #bodyOf(media: MediaRule, example: string | undefined): Buffer | undefined {
    let bodies = this.#bodies.get(media);
    if (bodies === undefined) {
      bodies = new Map();
      this.#bodies.set(media, bodies);
    }
    const name = example ?? Object.keys(media.examples ?? {})[0] ?? '';
    if (!bodies.has(name)) bodies.set(name, this.#makeBody(media, name));
    return bodies.get(name);
  }

  #makeBody(media: MediaRule, example: string): Buffer | undefined {
    const value = media.examples?.[example] ?? this.#sample(media);
    if (value === undefined) return undefined;
    // An example of what is no JSON is written as the text that it is.
    if (typeof value === 'string' && !isJsonType(media.range)) return Buffer.from(value);
    return Buffer.from(JSON.stringify(value));
  }

  #sample({ use }: Pick<MediaRule, 'use'>): unknown {
    return use && createSample(use.schema, (number) => this.#image.read<SharedSchema>(toSchemaLine(number)));
  }

  /** Of fields that answers have to have. */
  #sampleFields({ headers }: AnswerRule): string[] {
    return headers.flatMap((rule: ParameterRule) => {
      const value = rule.isRequired ? this.#sample(rule) : undefined;
      return value === undefined ? [] : [rule.name, toFieldText(value)];
    });
  }
}

/** What a document says of itself is not always fit for a line of a head. */
function toFieldText(value: unknown): string {
  const text = Array.isArray(value)
    ? value.map(String).join(',')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
  return text.replaceAll(/[^\t\x20-\x7e]/g, '?');
}

function toFields({ headers }: MockConfig): string[] {
  return Object.entries(headers ?? {}).flat();
}

/** Unless the settings say which it is. */
function withType(fields: readonly string[], type: string | undefined): string[] {
  return type === undefined || hasField(fields, 'content-type') ? [...fields] : [...fields, 'content-type', type];
}

function toReply(status: number, fields: string[], body: Buffer | undefined): Reply {
  // RFC 9110 §8.6: the length that a 304 tells is that of what the client has.
  return { status, fields, contentLengthBytes: status === 304 ? undefined : (body?.length ?? 0), body };
}

function refuseUnknown(found: Exclude<OperationLookup, { kind: 'found' }>): GatewayError {
  if (found.kind === 'no-path') return mockErrors.unknownPath();
  // RFC 9110 §15.5.6.
  return mockErrors.unknownMethod({}, { fields: ['allow', found.methods.join(', ')] });
}

function hasDocument(config: MockConfig): config is DocumentConfig {
  return config.openapi !== undefined;
}

function explainMock(
  config: MockConfig,
  { method, path, exchange }: ExplainedRequest,
  { contracts }: Pick<PolicyServices, 'contracts'>,
): string {
  const bytes = config.openapi && contracts[toContractKey(config.openapi)];
  if (bytes === undefined) return 'every request gets the same answer, and no service is asked';
  const image = new ContractImage(bytes);
  const found = new OperationTable(image.index, config.basePath).find(method, path);
  if (found.kind !== 'found')
    return `the document does not have ${method} ${path}: ${config.unknown === 'pass' ? 'it goes on as if there were no mock' : `refused with ${found.kind === 'no-path' ? 404 : 405}`}`;
  const { answers } = image.read<AnswerRules>(found.entry.answersLine);
  const chosen = chooseAnswer(answers, readPreferences(exchange.field('prefer')), config.status);
  if (chosen === undefined) return `operation ${found.entry.name} declares no answer: refused with 501`;
  return `operation ${found.entry.name} is answered with ${chosen.status}, and no service is asked`;
}
