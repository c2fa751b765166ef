import type { GatewayError } from '#base/errors.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import { type OperationEntry, toContractKey } from '#pipeline/contract/contract.ts';
import { ContractChecks } from '#pipeline/contract/contract-checks.ts';
import { ContractImage } from '#pipeline/contract/contract-image.ts';
import { type OperationLookup, OperationTable } from '#pipeline/contract/operation-table.ts';
import type { RequestCheck } from '#pipeline/contract/request-check.ts';
import { schemaLibrary } from '#pipeline/contract/schema-library.ts';
import { patternLibrary } from '#pipeline/expression/pattern-library.ts';
import { definePolicy, type ExplainedRequest, type PolicyPhases, type PolicyServices } from '#pipeline/policy.ts';
import type { ContractSource } from '#schema/contract-source.ts';
import { setField } from '#wire/fields/field-list.ts';
import { createAnswerStage } from './answer-validation.ts';
import type { ValidateConfig } from './config.ts';
import { validateErrors } from './errors.ts';
import { createSchemaChecks } from './request-rules.ts';
import { RequestValidator } from './request-validator.ts';

type Refusal = GatewayError | undefined;
type FoundOperation = Extract<OperationLookup, { kind: 'found' }>;
type DocumentConfig = ValidateConfig & { readonly openapi: ContractSource };

/** The operation of an exchange whose answer is looked at. */
const sampledOperation = defineSlot<OperationEntry>('sampled operation');

/** Compares requests, and answers, with a document of OpenAPI or with JSON Schemas. */
export const validatePolicy = definePolicy({
  name: 'validate',
  summary: 'Compares requests and answers with a document of OpenAPI, or requests with JSON Schemas.',
  loadConfig: async () => (await import('./config.ts')).validateConfig,
  contractSettings: ['openapi', 'body', 'query', 'headers', 'path', 'cookies'],
  libraries: [{ library: schemaLibrary }, { library: patternLibrary }],
  errors: validateErrors,
  describe: describeValidation,
  explain: explainValidation,
  create(config, services): PolicyPhases {
    const isEnforced = config.mode === 'enforce';
    const settle = (exchange: Exchange, refusal: Refusal): Refusal => {
      if (isEnforced || refusal === undefined) return refusal;
      exchange.reported ??= refusal;
      return undefined;
    };
    const check = hasDocument(config) ? createDocumentCheck(config, services) : createSchemaCheck(config, services);
    const requestHead = (exchange: Exchange) => {
      const refusal = check.check(exchange);
      return refusal instanceof Promise ? refusal.then((settled) => settle(exchange, settled)) : settle(exchange, refusal);
    };
    return { requestHead, ...check.answerPhases };
  },
});

interface Checking {
  check(exchange: Exchange): Refusal | Promise<Refusal>;
  readonly answerPhases: PolicyPhases;
}

function createSchemaCheck(config: ValidateConfig, services: PolicyServices): Checking {
  const checks = createSchemaChecks(config, services);
  const validator = new RequestValidator(config);
  return {
    check: (exchange) => validator.check(exchange, checks, { names: exchange.captureNames, texts: exchange.captures }),
    answerPhases: {},
  };
}

function createDocumentCheck(config: DocumentConfig, services: PolicyServices): Checking {
  const { openapi, basePath, undeclared, answers, unknown, maxDepth, multipart } = config;
  const checks = ContractChecks.keep(
    toContractKey(openapi),
    {
      basePath,
      closesQuery: undeclared.query === 'refuse',
      closesRequests: undeclared.properties === 'refuse',
      closesAnswers: answers?.undeclared === 'refuse',
      depthMax: maxDepth,
      readsMultipart: multipart === 'check',
      checksAnswers: answers !== undefined,
    },
    services,
  );
  const validator = new RequestValidator(config);
  const checkOperation = (exchange: Exchange, { entry, path }: FoundOperation) =>
    validator.check(exchange, checks.requestChecksOf(entry), path);
  return {
    check(exchange) {
      const { method, path } = exchange.request;
      const found = checks.find(method, path);
      if (found.kind !== 'found') return unknown === 'pass' ? undefined : refuseUnknown(found);
      if (answers === undefined || services.random() >= answers.sample) return checkOperation(exchange, found);
      exchange.set(sampledOperation, found.entry);
      const answerCheck = checks.answerCheckOf(found.entry);
      if (answerCheck.isReady) return checkOperation(exchange, found);
      return answerCheck.prepare().then(() => checkOperation(exchange, found));
    },
    answerPhases: answers === undefined ? {} : createAnswerPhases(checks, answers),
  };
}

function createAnswerPhases(checks: ContractChecks, config: NonNullable<ValidateConfig['answers']>): PolicyPhases {
  return {
    upstreamRequest(exchange, request) {
      // What a service packs cannot be looked into; the gateway may still pack it for the client.
      if (exchange.get(sampledOperation) !== undefined) setField(request.fields, 'accept-encoding', 'identity');
    },
    answerStage(exchange, response) {
      const entry = exchange.error === undefined ? exchange.get(sampledOperation) : undefined;
      if (entry === undefined || !speaksOfWhole(response.status)) return undefined;
      return createAnswerStage(exchange, response, { check: checks.answerCheckOf(entry), config });
    },
  };
}

/** What a 304 stands for, the client has already; a 206 is a part, which no schema speaks of. */
function speaksOfWhole(status: number): boolean {
  return status >= 200 && status !== 206 && status !== 304;
}

function refuseUnknown(found: Exclude<OperationLookup, FoundOperation>): GatewayError {
  if (found.kind === 'no-path') return validateErrors.unknownPath();
  // RFC 9110 §15.5.6.
  return validateErrors.unknownMethod({}, { fields: ['allow', found.methods.join(', ')] });
}

function hasDocument(config: ValidateConfig): config is DocumentConfig {
  return config.openapi !== undefined;
}

function describeValidation(config: ValidateConfig): string {
  const reported = config.mode === 'report' ? ' (only reported)' : '';
  const { answers, openapi } = config;
  if (openapi === undefined) {
    const schemas = (['body', 'query', 'headers', 'path', 'cookies'] as const).filter((name) => config[name] !== undefined);
    return `${schemas.join(', ')} by schemas${reported}`;
  }
  const what = openapi.form === 'inline' ? 'a document' : openapi.file;
  const ofAnswers = answers === undefined ? '' : `; answers: ${Math.round(answers.sample * 100_000) / 1_000} % (${answers.mode})`;
  return `by ${what}${reported}${ofAnswers}`;
}

/** Which operation it is, and what would be looked at. */
function explainValidation(
  config: ValidateConfig,
  { method, path }: ExplainedRequest,
  { contracts }: Pick<PolicyServices, 'contracts'>,
): string {
  const bytes = config.openapi && contracts[toContractKey(config.openapi)];
  if (bytes === undefined) return 'each request is compared with the schemas';
  const image = new ContractImage(bytes);
  const found = new OperationTable(image.index, config.basePath).find(method, path);
  const pass = config.unknown === 'pass' ? ', so nothing is compared' : undefined;
  if (found.kind === 'no-path') return `the document has no path for ${path}${pass ?? ': refused with 404'}`;
  if (found.kind === 'no-method')
    return `the document has ${found.methods.join(', ')} at ${path}, not ${method}${pass ?? ': refused with 405'}`;
  const { parameters, body } = image.read<RequestCheck['rules']>(found.entry.requestLine);
  const parts = parameters.map(({ in: place, name, isRequired }) => `${place} \`${name}\`${isRequired ? ' (required)' : ''}`);
  if (body !== undefined) {
    const ranges = body.media.map(({ range }) => range).join(' or ');
    parts.push(`body as ${ranges}${body.isRequired ? ' (required)' : ''}`);
  }
  return `operation ${found.entry.name} at ${found.template}: ${parts.length === 0 ? 'nothing to compare' : parts.join(', ')}`;
}
