/** One request against what it is asked for: what is refused at once, what has to wait for the body, and with which error. */
import { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { readRequestBody } from '#http/request-body.ts';
import type { MediaRule } from '#pipeline/contract/contract.ts';
import { joinFieldLines, type PathTexts, type RequestCheck } from '#pipeline/contract/request-check.ts';
import { createViolation, type Violation } from '#pipeline/contract/violation.ts';
import { isInUtf8 } from '#wire/fields/media-type.ts';
import type { ValidateConfig } from './config.ts';
import { validateErrors } from './errors.ts';

type Refusal = GatewayError | undefined;

/** What a body is called where a client should know what is taken. */
const SHOWN_RANGES_MAX = 20;

export class RequestValidator {
  readonly #config: ValidateConfig;

  constructor(config: ValidateConfig) {
    this.#config = config;
  }

  /** Waits only for schemas that are not compiled yet, for a body, and to say what is wrong. */
  check(exchange: Exchange, checks: readonly RequestCheck[], path: PathTexts): Refusal | Promise<Refusal> {
    if (!checks.every(({ isReady }) => isReady)) return this.#checkLater(exchange, checks, path);
    return this.#checkNow(exchange, checks, path);
  }

  async #checkLater(exchange: Exchange, checks: readonly RequestCheck[], path: PathTexts): Promise<Refusal> {
    for (const check of checks) await check.prepare();
    return exchange.isFinished ? undefined : this.#checkNow(exchange, checks, path);
  }

  #checkNow(exchange: Exchange, checks: readonly RequestCheck[], path: PathTexts): Refusal | Promise<Refusal> {
    const { request } = exchange;
    const body = toBodyTask(exchange, checks);
    if (body instanceof GatewayError) return body;
    let found: readonly Violation[] | undefined;
    let later: Promise<readonly Violation[]> | undefined;
    for (const check of checks) {
      const violations = check.checkParameters(request, path);
      if (violations === undefined) continue;
      if (violations instanceof Promise) later = later === undefined ? violations : joinLater(later, violations);
      else found = found === undefined ? violations : [...found, ...violations];
    }
    if (body !== undefined && 'violation' in body) found = [...(found ?? []), body.violation];
    const task = body !== undefined && 'media' in body && this.#mayReadBody(exchange) ? body : undefined;
    if (later === undefined && task === undefined) return this.#refuse(found ?? noViolations);
    return this.#settle(exchange, { found: found ?? noViolations, later, task });
  }

  async #settle(exchange: Exchange, { found, later, task }: Unsettled): Promise<Refusal> {
    const all = [...found, ...((await later) ?? noViolations)];
    if (task === undefined) return this.#refuse(all);
    const bytes = await readRequestBody(exchange, this.#config.maxBody);
    if (bytes instanceof GatewayError) return bytes;
    return this.#refuse([...all, ...((await task.check.checkBody(task.media, task.contentType, bytes)) ?? noViolations)]);
  }

  /** Where nothing is to be refused, a body that may turn out to be too long stays untouched. */
  #mayReadBody({ request: { contentLengthBytes } }: Exchange): boolean {
    const { mode, maxBody } = this.#config;
    return mode === 'enforce' || (contentLengthBytes >= 0 && contentLengthBytes <= maxBody);
  }

  #refuse(violations: readonly Violation[]): Refusal {
    const [first] = violations;
    if (first === undefined) return undefined;
    const { status, maxErrors } = this.#config;
    const errors = violations.slice(0, maxErrors);
    const members = { errors, ...(violations.length > errors.length && { errorCount: violations.length }) };
    const detail = { in: first.in, pointer: first.pointer, keyword: first.keyword, count: violations.length };
    return validateErrors.invalidRequest(detail, { status, members });
  }
}

interface Unsettled {
  readonly found: readonly Violation[];
  readonly later: Promise<readonly Violation[]> | undefined;
  readonly task: BodyTask | undefined;
}

interface BodyTask {
  readonly check: RequestCheck;
  readonly media: MediaRule;
  readonly contentType: string;
}

const noViolations: readonly Violation[] = Object.freeze([]);

/** What is to be done about the body; `undefined`: nothing. */
function toBodyTask(
  { request }: Exchange,
  checks: readonly RequestCheck[],
): BodyTask | { readonly violation: Violation } | GatewayError | undefined {
  const check = checks.find(({ body }) => body !== undefined);
  const rule = check?.body;
  if (check === undefined || rule === undefined) return undefined;
  if (!request.hasBody) {
    return rule.isRequired ? { violation: createViolation('body', '', 'required', 'is missing') } : undefined;
  }
  const contentType = joinFieldLines(request.fields, 'content-type');
  const media = check.findMedia(contentType);
  if (media === undefined || contentType === undefined) return refuseType(rule.media, contentType);
  if (!check.readsBody(media, contentType)) return undefined;
  if (!isInUtf8(contentType))
    return validateErrors.unsupportedMediaType(
      { reason: 'charset' },
      { publicDetail: 'a body in another charset than UTF-8 is not taken' },
    );
  // What is packed cannot be looked into, and a service might unpack it.
  const coding = joinFieldLines(request.fields, 'content-encoding');
  if (coding !== undefined && coding.toLowerCase() !== 'identity')
    return validateErrors.unsupportedMediaType(
      { reason: 'content-encoding' },
      // RFC 9110 §12.5.3: what would be taken instead.
      { publicDetail: 'a body that is packed is not taken', fields: ['accept-encoding', 'identity'] },
    );
  return { check, media, contentType };
}

/** RFC 9110 §15.5.16: `accept` says what would have been taken. */
function refuseType(media: readonly MediaRule[], contentType: string | undefined): GatewayError {
  const ranges = media.slice(0, SHOWN_RANGES_MAX).map(({ range }) => range);
  const given = contentType === undefined ? 'the request names none' : undefined;
  return validateErrors.unsupportedMediaType(
    { reason: 'content-type' },
    {
      fields: ['accept', ranges.filter((range) => !range.includes('/*+')).join(', ')],
      ...(given !== undefined && { publicDetail: given }),
    },
  );
}

async function joinLater(
  one: Promise<readonly Violation[]>,
  other: Promise<readonly Violation[]>,
): Promise<readonly Violation[]> {
  return [...(await one), ...(await other)];
}
