/** Where requests end that carry others: each of those goes through the whole gateway, and all answers go back as one. */
import { GatewayError } from '#base/errors.ts';
import { findCrossOrigin } from '#http/cross-origin.ts';
import type { ClientRequest, Exchange } from '#http/exchange.ts';
import { OriginSet } from '#http/origin-set.ts';
import { readRequestBody } from '#http/request-body.ts';
import { readContentCoding } from '#pipeline/content-coding/content-codings.ts';
import type { Terminal } from '#pipeline/plan.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import { getField } from '#wire/fields/field-list.ts';
import { readBatch } from './batch-document.ts';
import { batchErrors } from './batch-errors.ts';
import { BatchRun } from './batch-run.ts';
import type { BatchMeans, BatchSettings } from './batch-settings.ts';

/** Who asks and for whom, in which language, and as part of what. */
const usuallyInherited = ['authorization', 'cookie', 'user-agent', 'accept-language', 'traceparent', 'tracestate'];

const JSON_TYPE = /^application\/(?:[\w.!#$&^+-]+\+)?json[\t ]*(?:;|$)/i;

export class BatchTerminal implements Terminal {
  readonly #settings: BatchSettings;
  readonly #means: BatchMeans;
  readonly #inherited: ReadonlySet<string>;
  readonly #origins: OriginSet;

  constructor(settings: BatchSettings, means: BatchMeans) {
    this.#settings = settings;
    this.#means = means;
    this.#inherited = new Set([...usuallyInherited, ...settings.inherit]);
    this.#origins = new OriginSet(settings.origins);
  }

  start(exchange: Exchange): void {
    const refusal = this.#findRefusal(exchange);
    if (refusal === undefined) this.#run(exchange).catch((thrown) => rescueThrown(exchange, thrown));
    else rescue(exchange, refusal);
  }

  async #run(exchange: Exchange): Promise<void> {
    const { requestsMax, bodyBytesMax } = this.#settings;
    const body = await readRequestBody(exchange, bodyBytesMax);
    // It may have been answered, or be lost, while its body was still coming.
    if (exchange.isDecided) return;
    const items = body instanceof GatewayError ? body : readBatch(body, requestsMax);
    if (items instanceof GatewayError) return rescue(exchange, items);
    const rules = { inherited: this.#inherited, limits: this.#means.headLimitsOf(exchange.request.listener) };
    new BatchRun(exchange, { items, rules }, this.#settings, this.#means).start();
  }

  #findRefusal({ request, batchOf }: Exchange): GatewayError | undefined {
    // However its path was written, and whichever route has brought it here.
    if (batchOf !== undefined) return batchErrors.nested();
    if (request.method !== 'POST') return batchErrors.method(undefined, { fields: ['allow', 'POST'] });
    if (!isJson(request)) return batchErrors.mediaType();
    const reason = findCrossOrigin(request, this.#origins);
    return reason === undefined ? undefined : batchErrors.crossOrigin({ reason });
  }
}

/**
 * That it says so is asked for: pages of other origins can send a text without having asked whether they may (Fetch §2.2.2), and
 * with it any request that is in it.
 */
function isJson({ fields }: ClientRequest): boolean {
  const type = getField(fields, 'content-type');
  return type !== undefined && JSON_TYPE.test(type) && readContentCoding(fields) === undefined;
}
