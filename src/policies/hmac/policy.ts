import { ADMITTED } from '#base/allowances.ts';
import { GatewayError } from '#base/errors.ts';
import { type ClientRequest, defineSlot, type Exchange } from '#http/exchange.ts';
import { definePolicy, type PolicyPhases } from '#pipeline/policy.ts';
import { getFieldValues, removeFields } from '#wire/fields/field-list.ts';
import { BodyDigest } from './body-digest.ts';
import type { HmacConfig } from './config.ts';
import { hmacErrors } from './errors.ts';
import { findSignature, type ShownSignature } from './shown-signature.ts';
import { findUncovered, toSignatureBase } from './signature-base.ts';

const ALGORITHM = 'hmac-sha256';
const MS_PER_SECOND = 1_000;
const DIGEST = 'content-digest';

/** Lets requests pass that a consumer has signed (RFC 9421) with a secret that both sides know. */
export const hmacPolicy = definePolicy({
  name: 'hmac',
  summary: 'Lets requests pass that a consumer has signed with a shared secret.',
  loadConfig: async () => (await import('./config.ts')).hmacConfig,
  consumerSettings: ['anonymous'],
  // Each signature counts once.
  counts: 'allowances',
  errors: hmacErrors,
  describe: describeSignature,
  create(config, { clock, consumers, allowances }): PolicyPhases {
    const { covers, anonymous: anonymousName, forward } = config;
    const anonymous = anonymousName === undefined ? undefined : consumers.find(anonymousName);
    const fields = ['www-authenticate', 'Signature realm="gatehouse"', 'accept-signature', toAcceptedSignature(config)];
    const refuse = (reason: string, consumer?: string) => hmacErrors.refused({ reason, consumer }, { fields });
    // As long as a signature could count, from the first to the last moment. Places with the same times share it; between
    // others, what a signature covers keeps it from counting twice.
    const nonces = allowances.open('hmac nonce', [{ limit: 1, burst: 1, windowMs: config.maxAge + 2 * config.leeway }]);
    const digestSlot = defineSlot<BodyDigest>('signed body');

    const judge = (exchange: Exchange, signature: ShownSignature): GatewayError | undefined => {
      const { request } = exchange;
      const found = consumers.findHmacKey(signature.keyId);
      if (found === undefined) return refuse('unknown key');
      const { name } = found.consumer;
      if (signature.algorithm !== undefined && signature.algorithm !== ALGORITHM) return refuse('algorithm', name);
      const hasBody = request.hasBody && request.contentLengthBytes !== 0;
      const wanted = hasBody && config.body === 'signed' ? [...covers, DIGEST] : covers;
      const uncovered = findUncovered(signature.components, wanted);
      if (uncovered !== undefined) return refuse(`${uncovered} is not covered`, name);
      const time = judgeTime(signature, clock.wallMs(), config);
      if (time !== undefined) return refuse(time, name);
      if (config.nonce === 'required' && signature.nonce === undefined) return refuse('no nonce', name);
      const base = toSignatureBase(request, signature);
      if (base === undefined) return refuse('covers what the request does not have', name);
      const { createHmac, timingSafeEqual } = process.getBuiltinModule('node:crypto');
      const expected = createHmac('sha256', found.secretBytes).update(base, 'latin1').digest();
      if (expected.length !== signature.bytes.length || !timingSafeEqual(expected, signature.bytes)) return refuse('wrong', name);
      const digest = signature.components.includes(DIGEST) ? readDigest(request, hasBody) : undefined;
      if (digest instanceof GatewayError) return digest;
      if (!consumers.mayComeFrom(found.consumer, request.clientAddress)) return refuse('address', name);
      // Last: nobody else can use a nonce up.
      const { nonce } = signature;
      if (nonce !== undefined && nonces.take(`${signature.keyId} ${nonce}`, clock.monotonicMs()) !== ADMITTED)
        return refuse('shown before', name);
      if (hasBody && digest !== undefined) exchange.set(digestSlot, digest);
      consumers.admit(exchange, found.consumer);
      return undefined;
    };

    const readDigest = (request: ClientRequest, hasBody: boolean): BodyDigest | GatewayError => {
      // Nobody says when a body without a length ends, so its last piece could not be kept back.
      if (hasBody && request.contentLengthBytes < 0) return hmacErrors.lengthMissing(undefined, { fields });
      const text = getFieldValues(request.fields, DIGEST).join(', ');
      const digest = BodyDigest.parse(text, hasBody ? request.contentLengthBytes : 0);
      if (digest === undefined) return refuse('digest cannot be read');
      return hasBody || digest.isRight() ? digest : hmacErrors.bodyChanged(undefined, { fields });
    };

    return {
      requestHead(exchange): GatewayError | undefined {
        const signature = findSignature(exchange.request.fields, (keyId) => consumers.findHmacKey(keyId) !== undefined);
        if (signature === undefined) {
          // Who has shown something else to another policy stays who that is.
          exchange.consumer ??= anonymous;
          return anonymous === undefined ? hmacErrors.missing(undefined, { fields }) : undefined;
        }
        return typeof signature === 'string' ? refuse(signature) : judge(exchange, signature);
      },
      requestChunk(exchange, chunk) {
        const digest = exchange.get(digestSlot);
        return digest === undefined || digest.add(chunk) ? undefined : hmacErrors.bodyChanged(undefined, { fields });
      },
      ...(forward ? {} : { upstreamRequest: (_exchange: Exchange, upstream) => removeFields(upstream.fields, isSignatureField) }),
    };
  },
});

/** Why it does not count now. */
function judgeTime({ created, expires }: ShownSignature, nowMs: number, { maxAge, leeway }: HmacConfig): string | undefined {
  if (created === undefined) return 'no time';
  const createdMs = created * MS_PER_SECOND;
  if (createdMs > nowMs + leeway) return 'of the future';
  if (nowMs > createdMs + maxAge + leeway) return 'too old';
  return expires !== undefined && nowMs > expires * MS_PER_SECOND + leeway ? 'expired' : undefined;
}

function isSignatureField(name: string): boolean {
  return name === 'signature' || name === 'signature-input';
}

/** RFC 9421 §5.1: what would count. */
function toAcceptedSignature({ covers, nonce }: HmacConfig): string {
  const components = covers.map((component) => `"${component}"`).join(' ');
  return `gatehouse=(${components});created;keyid;alg="${ALGORITHM}"${nonce === 'required' ? ';nonce' : ''}`;
}

function describeSignature({ covers, body, anonymous }: HmacConfig): string {
  const bodyText = body === 'signed' ? ' and the body' : '';
  return `signature of ${covers.join(', ')}${bodyText}${anonymous === undefined ? '' : `, otherwise ${anonymous}`}`;
}
