import type { ResponseHead } from '#http/response.ts';
import { removeFields } from '#wire/fields/field-list.ts';
import { isDigestField, readContentCoding } from './content-codings.ts';
import { type DecodingCaps, type DecodingFault, decodeWhole, isDecodable } from './decoders.ts';

/**
 * The whole body of an answer without the coding that its service gave it, for a policy that looks at it; the same bytes where there is
 * none. `unknown-coding`: nobody here can read it.
 */
export function decodeAnswerBody(
  { fields }: Pick<ResponseHead, 'fields'>,
  body: Buffer,
  caps: DecodingCaps,
): Promise<Buffer | DecodingFault | 'unknown-coding'> {
  const coding = readContentCoding(fields);
  if (coding === undefined || body.length === 0) return Promise.resolve(body);
  return isDecodable(coding) ? decodeWhole(coding, body, caps) : Promise.resolve('unknown-coding');
}

/** The head of the answer says that its body has no coding any more. Its length is for the caller to say. */
export function describeAsDecoded({ fields }: Pick<ResponseHead, 'fields'>): void {
  removeFields(fields, (name) => name === 'content-encoding' || isDigestField(name));
}
