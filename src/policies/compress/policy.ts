import { formatBytes } from '#base/byte-text.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import { definePolicy, type ExplainedRequest, type PolicyPhases } from '#pipeline/policy.ts';
import { strengthenTags } from '#wire/fields/entity-tags.ts';
import { getField, setField } from '#wire/fields/field-list.ts';
import { addVary } from '#wire/fields/vary.ts';
import { AcceptedEncodings } from './accepted-encoding.ts';
import { CompressedAnswer, type RunningCodecs } from './compressed-answer.ts';
import { CompressibleTypes, describeAsEncoded, isCompressible, weakenNotModified } from './compressible.ts';
import type { CompressConfig } from './config.ts';
import { createEncoder } from './encoders.ts';
import { compressErrors } from './errors.ts';

/** Compresses answers as their clients accept it. */
export const compressPolicy = definePolicy({
  name: 'compress',
  summary: 'Compresses answers (gzip, brotli, zstd) as clients accept it.',
  loadConfig: async () => (await import('./config.ts')).compressConfig,
  errors: compressErrors,
  describe: ({ encodings, minBytes }) => `${encodings.join(', ')} from ${formatBytes(minBytes)}`,
  explain: explainEncoding,
  create(config, { keeper, later }): PolicyPhases {
    const { minBytes, crossSite, acceptEncoding } = config;
    const types = new CompressibleTypes(config.types);
    const accepted = toAccepted(config);
    const running = keeper.keep('compress', (): RunningCodecs => ({ count: 0 }));
    const means = { running, minBytes, later };
    return {
      upstreamRequest: (_, request) => tellService(request, acceptEncoding),
      answerStage(exchange, response) {
        if (response.status === 304) {
          describeNotModified(exchange, response, types);
          return undefined;
        }
        if (!isCompressible(response, types, minBytes)) return undefined;
        // Also where it stays as it is: another client would get it compressed.
        addVary(response.fields, 'accept-encoding');
        const { request } = exchange;
        const encoder = accepted.choose(request.fields);
        if (encoder === undefined || (crossSite === 'plain' && isMadeByOtherSite(request.fields))) return undefined;
        if (request.method !== 'HEAD') return new CompressedAnswer(exchange, encoder, means);
        describeAsEncoded(response, encoder.name, undefined);
        return undefined;
      },
    };
  },
});

function toAccepted({ encodings, levels }: CompressConfig): AcceptedEncodings {
  return new AcceptedEncodings(encodings.map((name) => createEncoder(name, levels)));
}

function tellService({ fields }: UpstreamRequest, acceptEncoding: CompressConfig['acceptEncoding']): void {
  if (acceptEncoding === 'identity') setField(fields, 'accept-encoding', 'identity');
  // RFC 9110 §13.1.1 compares strongly, so the weak form that compression gave a tag would never match. What the client has seen is the
  // state that the strong one stands for; a tag that the service itself made weak does not match in this form either.
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === 'if-match') fields[i + 1] = strengthenTags(fields[i + 1]!);
}

function describeNotModified(exchange: Exchange, response: ResponseHead, types: CompressibleTypes): void {
  const contentType = getField(response.fields, 'content-type');
  if (contentType !== undefined && !types.has(contentType)) return;
  addVary(response.fields, 'accept-encoding');
  weakenNotModified(response, exchange.field('if-none-match'));
}

/**
 * A page of another site makes the browser ask, with cookies, as often as it likes: with a part of the request that comes back in the
 * answer it could guess secrets that stand there too, by how long the answer becomes. Browsers say so (Fetch Metadata), and pages cannot
 * change it; a link that somebody follows is asked for once.
 */
function isMadeByOtherSite(fields: readonly string[]): boolean {
  return (
    getField(fields, 'sec-fetch-site') === 'cross-site' &&
    getField(fields, 'cookie') !== undefined &&
    getField(fields, 'sec-fetch-user') !== '?1'
  );
}

function explainEncoding(config: CompressConfig, { exchange: { request } }: ExplainedRequest): string {
  const encoder = toAccepted(config).choose(request.fields);
  if (encoder === undefined) return 'answers pass as they are: the client accepts none of the encodings';
  if (config.crossSite === 'plain' && isMadeByOtherSite(request.fields))
    return 'answers pass as they are: a page of another site asks with cookies';
  return `answers of ${formatBytes(config.minBytes)} and more are compressed with ${encoder.name}`;
}
