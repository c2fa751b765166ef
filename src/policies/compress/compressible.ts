/** Which answers may be compressed, and what their heads say when they are. */
import { hasResponseBody, type ResponseHead } from '#http/response.ts';
import { isDigestField, readContentCoding } from '#pipeline/content-coding/content-codings.ts';
import { weakenTag } from '#wire/fields/entity-tags.ts';
import { getField, removeFields } from '#wire/fields/field-list.ts';
import { withoutParameters } from '#wire/fields/media-type.ts';

/** Patterns of types of content, ready to be looked up in. */
export class CompressibleTypes {
  readonly #whole = new Set<string>();
  readonly #kinds = new Set<string>();
  readonly #suffixes: string[] = [];

  constructor(patterns: readonly string[]) {
    for (const pattern of patterns) {
      if (pattern.startsWith('+')) this.#suffixes.push(pattern);
      else if (pattern.endsWith('/*')) this.#kinds.add(pattern.slice(0, -2));
      else this.#whole.add(pattern);
    }
  }

  /** `contentType` as a field has it, with parameters. */
  has(contentType: string): boolean {
    const type = withoutParameters(contentType);
    // It has compression of its own, and `application/grpc+json` is no JSON.
    if (type.startsWith('application/grpc')) return false;
    if (this.#whole.has(type) || this.#kinds.has(type.slice(0, Math.max(0, type.indexOf('/'))))) return true;
    return this.#suffixes.some((suffix) => type.endsWith(suffix));
  }
}

/** Whether some client would get this answer compressed: then all that get it have to know what it depends on. */
export function isCompressible(response: ResponseHead, types: CompressibleTypes, bytesMin: number): boolean {
  const { status, fields, contentLengthBytes } = response;
  // The method does not matter: an answer to HEAD says what one to GET would say (RFC 9110 §9.3.2).
  if (!hasResponseBody('GET', status) || status === 206) return false;
  if (contentLengthBytes !== undefined && (contentLengthBytes === 0 || contentLengthBytes < bytesMin)) return false;
  let isOfType = false;
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1]!;
    switch (fields[i]) {
      case 'content-type':
        isOfType = types.has(value);
        break;
      case 'content-range':
        return false;
      case 'cache-control':
        // RFC 9111 §5.2.2.6: its content is to stay as it is.
        if (value.toLowerCase().includes('no-transform')) return false;
        break;
      default:
    }
  }
  return isOfType && readContentCoding(fields) === undefined;
}

/** The answer as it is with another coding: other bytes, which nobody may ask a part of, or take for the same as the ones before. */
export function describeAsEncoded(response: ResponseHead, encoding: string, lengthBytes: number | undefined): void {
  const { fields } = response;
  removeFields(fields, (name) => name === 'content-encoding' || name === 'accept-ranges' || isDigestField(name));
  weakenTags(fields);
  fields.push('content-encoding', encoding);
  response.contentLengthBytes = lengthBytes;
}

/**
 * RFC 9110 §15.4.5: a 304 has the tag that the answer itself would have. Whoever asked with the weak form was given it here; the service knows
 * the strong one alone.
 */
export function weakenNotModified({ fields }: ResponseHead, askedTags: string | undefined): void {
  const tag = getField(fields, 'etag');
  if (tag !== undefined && askedTags?.includes(weakenTag(tag)) === true) weakenTags(fields);
}

function weakenTags(fields: string[]): void {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === 'etag') fields[i + 1] = weakenTag(fields[i + 1]!);
}
