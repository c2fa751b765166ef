import { getField } from '#wire/fields/field-list.ts';
import type { Exchange } from './exchange.ts';

/** Only a body without a length can have them over HTTP/1, and gRPC has none at all; they cost a frame of their own. */
export function maySendTrailers({ request }: Exchange): boolean {
  if (!request.hasBody || request.contentLengthBytes >= 0) return false;
  return getField(request.fields, 'content-type')?.startsWith('application/grpc') !== true;
}

/** As `node:http2` takes them. */
export function toTrailerMap(trailers: readonly string[] | undefined): Record<string, string | string[]> {
  const map: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; trailers !== undefined && i < trailers.length; i += 2) {
    const name = trailers[i]!;
    const before = map[name];
    const value = trailers[i + 1]!;
    map[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return map;
}
