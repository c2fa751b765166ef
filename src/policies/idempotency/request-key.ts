/** The key of a request, and what tells whether another request with it is the same one. All of it is the client's choice. */
import type { Exchange } from '#http/exchange.ts';

const LENGTH_MAX = 255;
/** RFC 9651 §3.3.3; the draft has it so. */
const QUOTED = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"$/;
/** As most clients write it. */
const BARE = /^[\x21\x23-\x7e]+$/;

/** `undefined`: it is no key. The two ways to write one are the same key. */
export function readKey(values: readonly string[]): string | undefined {
  const [value, ...others] = values;
  // Of several, each reader might take another one.
  if (value === undefined || others.length > 0 || value.length > LENGTH_MAX + 2) return undefined;
  const quoted = QUOTED.exec(value)?.[1]?.replace(/\\(.)/g, '$1');
  const key = quoted ?? (BARE.test(value) ? value : undefined);
  return key === undefined || key.length > LENGTH_MAX ? undefined : key;
}

/** Of all that makes a request what it is, and of the credentials where the gateway does not know whose it is: nobody gets the answer to somebody else. */
export function toFingerprint({ request, consumer }: Exchange, body: Buffer, credentials: readonly string[]): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  const credential = consumer === undefined ? findCredential(request.fields, credentials) : '';
  const head = JSON.stringify([request.method, request.scheme, request.host, request.target, credential]);
  return createHash('sha256').update(head).update(body).digest('base64url');
}

function findCredential(fields: readonly string[], credentials: readonly string[]): string {
  let credential = '';
  for (let i = 0; i < fields.length; i += 2)
    if (credentials.includes(fields[i]!)) credential += `${fields[i]!}: ${fields[i + 1]!}\n`;
  return credential;
}

/** The name in the store: it is as long whatever the client sends, and tells nobody the key. */
export function toStoreKey(route: string, whose: string, key: string): string {
  return `idempotency:${process.getBuiltinModule('node:crypto').hash('sha256', JSON.stringify([route, whose, key]), 'base64url')}`;
}
