import { Library } from '#base/library.ts';
import type { ClientRequest } from '#http/exchange.ts';
import { getField } from '#wire/fields/field-list.ts';

/** Loading it takes longer than a request should wait. */
export const digestLibrary = new Library('node:crypto', () => import('node:crypto'));

/** What a body is, for a QUERY above all, is a part of what is asked (RFC 10008 §2.7). */
const describing = ['content-type', 'content-encoding', 'content-language'] as const;

/** Another one for each other method, body, or kind of body. */
export function digestBody({ method, fields }: ClientRequest, body: Buffer): string {
  const hash = digestLibrary.module.createHash('sha256').update(`${method}\n`);
  for (const name of describing) hash.update(`${getField(fields, name) ?? ''}\n`);
  return hash.update(body).digest('base64');
}
