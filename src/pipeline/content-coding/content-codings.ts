/** Which coding the body of a message has (RFC 9110 §8.4), and what else its fields say about the bytes that stand there. */
import { getFieldValues } from '#wire/fields/field-list.ts';

/** The coding of the request's body as a policy reads it; `undefined`: it stands there as it is. Several: `deflate, gzip`, in the order in which they were applied. */
export function contentCodingOf({ request }: { readonly request: { readonly fields: readonly string[] } }): string | undefined {
  return readContentCoding(request.fields);
}

/** The same of any message. */
export function readContentCoding(fields: readonly string[]): string | undefined {
  const lines = getFieldValues(fields, 'content-encoding');
  if (lines.length === 0) return undefined;
  const codings: string[] = [];
  for (const part of lines.join(',').split(',')) {
    const coding = part.trim().toLowerCase();
    if (coding !== '' && coding !== 'identity') codings.push(toPresentName(coding));
  }
  return codings.length === 0 ? undefined : codings.join(', ');
}

/** RFC 9110 §8.4.1.3: the older name means the same. */
export function toPresentName(coding: string): string {
  return coding === 'x-gzip' ? 'gzip' : coding;
}

/** Sums over bytes that are others once the coding is another one (RFC 9530, RFC 3230, RFC 1864). */
export function isDigestField(name: string): boolean {
  return name === 'content-digest' || name === 'repr-digest' || name === 'digest' || name === 'content-md5';
}

export function withoutDigests(trailers: readonly string[] | undefined): readonly string[] | undefined {
  if (trailers === undefined || !trailers.some((name, i) => i % 2 === 0 && isDigestField(name))) return trailers;
  return trailers.filter((_, i) => !isDigestField(trailers[i - (i % 2)]!));
}
