import { formatBytes } from '#base/byte-text.ts';
import type { GatewayError } from '#base/errors.ts';
import type { ClientRequest, Exchange } from '#http/exchange.ts';
import { definePolicy, type PolicyPhases } from '#pipeline/policy.ts';
import type { RequestSizeConfig } from './config.ts';
import { requestSizeErrors } from './errors.ts';

/** What a field takes as a line of HTTP/1.1 besides its name and value: a colon, a space and the end of the line. */
const LINE_EXTRA_BYTES = 4;

/** Refuses requests that are larger than they may be. */
export const requestSizePolicy = definePolicy({
  name: 'request-size',
  summary: 'Refuses requests that are larger than they may be.',
  loadConfig: async () => (await import('./config.ts')).requestSizeConfig,
  errors: requestSizeErrors,
  describe: describeRequestSize,
  create(config): PolicyPhases {
    const isEnforced = config.mode === 'enforce';
    const settle = (exchange: Exchange, refusal: GatewayError | undefined): GatewayError | undefined => {
      if (refusal === undefined || isEnforced) return refusal;
      exchange.reported ??= refusal;
      return undefined;
    };
    const { body } = config;
    return {
      requestHead: (exchange) => settle(exchange, findRefusal(exchange.request, config)),
      // A body that is not announced shows how long it is only as it comes.
      ...(body !== undefined && {
        requestChunk: (exchange: Exchange) =>
          exchange.requestBytes > body ? settle(exchange, refuseBody(exchange.requestBytes, body)) : undefined,
      }),
    };
  },
});

function findRefusal(request: ClientRequest, { body, url, parameters, ...head }: RequestSizeConfig): GatewayError | undefined {
  if (url !== undefined && request.target.length > url)
    return requestSizeErrors.urlTooLong({ bytes: request.target.length, maxBytes: url }, atMost(formatBytes(url)));
  if (parameters !== undefined) {
    const count = countParameters(request.query);
    if (count > parameters) return requestSizeErrors.tooManyParameters({ count, max: parameters }, atMost(String(parameters)));
  }
  const refusal = findFieldRefusal(request.fields, head);
  if (refusal !== undefined) return refusal;
  return body !== undefined && request.contentLengthBytes > body ? refuseBody(request.contentLengthBytes, body) : undefined;
}

function findFieldRefusal(
  lines: readonly string[],
  { head, field, fields }: Pick<RequestSizeConfig, 'head' | 'field' | 'fields'>,
): GatewayError | undefined {
  const count = lines.length / 2;
  if (fields !== undefined && count > fields)
    return requestSizeErrors.tooManyFields({ count, max: fields }, atMost(String(fields)));
  if (head === undefined && field === undefined) return undefined;
  let headBytes = 0;
  for (let i = 0; i < lines.length; i += 2) {
    const fieldBytes = lines[i]!.length + lines[i + 1]!.length + LINE_EXTRA_BYTES;
    headBytes += fieldBytes;
    if (field !== undefined && fieldBytes > field)
      return requestSizeErrors.fieldTooLarge(
        { field: lines[i]!, bytes: fieldBytes, maxBytes: field },
        atMost(formatBytes(field)),
      );
  }
  if (head === undefined || headBytes <= head) return undefined;
  return requestSizeErrors.headTooLarge({ bytes: headBytes, maxBytes: head }, atMost(formatBytes(head)));
}

function refuseBody(bodyBytes: number, maxBytes: number): GatewayError {
  return requestSizeErrors.bodyTooLarge({ bytes: bodyBytes, maxBytes }, atMost(formatBytes(maxBytes)));
}

function atMost(most: string): { readonly publicDetail: string } {
  return { publicDetail: `at most ${most}` };
}

/** Without splitting the query, which may be long: that would be the work that the limit is there to spare. */
function countParameters(query: string): number {
  let count = 0;
  for (let at = 0; at < query.length; ) {
    const ampersand = query.indexOf('&', at);
    const end = ampersand < 0 ? query.length : ampersand;
    if (end > at) count += 1;
    at = end + 1;
  }
  return count;
}

function describeRequestSize({ body, head, field, fields, url, parameters, mode }: RequestSizeConfig): string {
  const sizes = { body, head, 'each field': field, url };
  const parts = Object.entries(sizes).flatMap(([name, size]) => (size === undefined ? [] : [`${name} ${formatBytes(size)}`]));
  if (fields !== undefined) parts.push(`${fields} fields`);
  if (parameters !== undefined) parts.push(`${parameters} parameters`);
  return `at most ${parts.join(', ')}${mode === 'report' ? ' (only reported)' : ''}`;
}
