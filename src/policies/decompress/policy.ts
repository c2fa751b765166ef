import { formatBytes } from '#base/byte-text.ts';
import { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import type { Exchange } from '#http/exchange.ts';
import { readRequestBody, replaceRequestBody, withFields, withStreamedBody } from '#http/request-body.ts';
import { contentCodingOf, isDigestField } from '#pipeline/content-coding/content-codings.ts';
import { type DecodingCaps, type DecodingFault, decodeWhole, isDecodable } from '#pipeline/content-coding/decoders.ts';
import { definePolicy, type ExplainedRequest, type PolicyPhases } from '#pipeline/policy.ts';
import { removeFields } from '#wire/fields/field-list.ts';
import type { DecompressConfig } from './config.ts';
import { DecodedBody, type DecodedBodyMeans } from './decoded-body.ts';
import { decompressErrors } from './errors.ts';

type Coding = DecompressConfig['encodings'][number];

/** Bodies of a thread that are in decoders, whatever configuration they began with. */
interface RunningDecoders {
  count: number;
}

/** Takes content codings off the bodies of requests. */
export const decompressPolicy = definePolicy({
  name: 'decompress',
  summary: 'Decompresses bodies of requests, within limits, for services and for policies that read them.',
  loadConfig: async () => (await import('./config.ts')).decompressConfig,
  errors: decompressErrors,
  describe: ({ encodings, maxBytes, maxRatio }) =>
    `${encodings.join(', ')}, up to ${formatBytes(maxBytes)} and ${maxRatio} times as long`,
  explain: explainCoding,
  create({ encodings, maxBytes, maxRatio }, { keeper }): PolicyPhases {
    const caps: DecodingCaps = { bytesMax: maxBytes, ratioMax: maxRatio };
    const running = keeper.keep('decompress', (): RunningDecoders => ({ count: 0 }));
    const toError = (fault: DecodingFault) => toRefusal(fault, caps);
    const means: DecodedBodyMeans = { caps, toError, onLeft: () => void running.count-- };
    return {
      requestHead(exchange) {
        const coding = contentCodingOf(exchange);
        if (coding === undefined || !exchange.request.hasBody) return undefined;
        if (!isTaken(coding, encodings)) return refuseCoding(coding, encodings);
        // Another policy has read all of it.
        if (exchange.bodyStage !== undefined) return decodeRead(exchange, coding, means);
        if (running.count >= limits.decodingRequestsMax) return decompressErrors.tooMany({ count: running.count });
        running.count += 1;
        exchange.bodyStage = new DecodedBody(exchange, coding, means);
        exchange.request = withStreamedBody(exchange.request, withoutCoding(exchange.request.fields));
        return undefined;
      },
    };
  },
});

/** One coding at a time: several are never meant well. */
function isTaken(coding: string, encodings: readonly Coding[]): coding is Coding {
  return isDecodable(coding) && encodings.includes(coding);
}

function refuseCoding(coding: string, encodings: readonly Coding[]): GatewayError {
  const publicDetail = `one of ${encodings.join(', ')} is taken`;
  return decompressErrors.codingUnsupported({ coding }, { publicDetail, fields: ['accept-encoding', encodings.join(', ')] });
}

async function decodeRead(exchange: Exchange, coding: Coding, { caps, toError }: DecodedBodyMeans) {
  const bytes = await readRequestBody(exchange, Number.POSITIVE_INFINITY);
  if (bytes instanceof GatewayError) return bytes;
  const decoded = await decodeWhole(coding, bytes, caps);
  if (typeof decoded === 'string') return toError(decoded);
  replaceRequestBody(exchange, decoded);
  exchange.request = withFields(exchange.request, withoutCoding(exchange.request.fields));
  return undefined;
}

function toRefusal(fault: DecodingFault, { bytesMax, ratioMax }: DecodingCaps): GatewayError {
  switch (fault) {
    case 'too-long':
      return decompressErrors.tooLong({ bytesMax }, { publicDetail: `at most ${formatBytes(bytesMax)}` });
    case 'too-dense':
      return decompressErrors.tooDense({ ratioMax }, { publicDetail: `at most ${ratioMax} times` });
    case 'truncated':
      return decompressErrors.truncated();
    case 'malformed':
      return decompressErrors.malformed();
    default:
      return fault satisfies never;
  }
}

/** What is said of the coding, and of bytes that are not sent on. */
function withoutCoding(fields: readonly string[]): string[] {
  const kept = [...fields];
  removeFields(kept, (name) => name === 'content-encoding' || isDigestField(name));
  return kept;
}

function explainCoding({ encodings }: DecompressConfig, { exchange }: ExplainedRequest): string {
  const coding = contentCodingOf(exchange);
  if (coding === undefined) return 'nothing to decompress: the request has no `content-encoding`';
  return isTaken(coding, encodings) ? `a body is decompressed (${coding})` : `a body is refused (${coding})`;
}
