/** What an issuer says of itself: where its keys are, and where tokens are asked for. All of it is looked at before it is believed. */
import { type JsonMap, parseJsonMap } from '#base/json-map.ts';
import type { HttpCallAnswer } from './http-call.ts';

/** OpenID Connect Discovery 1.0 §4, and RFC 8414 §3 where there is no such document. A text says why there is none of either. */
export async function fetchIssuerDocument(
  issuer: string,
  ask: (url: string) => Promise<HttpCallAnswer>,
): Promise<JsonMap | string> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  let url = `${origin}${path}/.well-known/openid-configuration`;
  let answer = await ask(url);
  if (answer.status === 404) {
    url = `${origin}/.well-known/oauth-authorization-server${path}`;
    answer = await ask(url);
  }
  if (answer.status !== 200) return `${url} answers with ${answer.status}`;
  const document = parseJsonMap(answer.text);
  if (document === undefined) return `${url} answers with no map of JSON`;
  const { issuer: told } = document;
  // RFC 8414 §3.3: else somebody could pass his document off as that of another.
  if (told !== issuer) return `${url} is of the issuer ${JSON.stringify(told)}, not ${JSON.stringify(issuer)}`;
  return document;
}

/** An address in such a document; `undefined`: there is none that could be trusted. */
export function readTrustedUrl(document: JsonMap, name: string): string | undefined {
  const written = document[name];
  if (typeof written !== 'string') return undefined;
  const scheme = URL.parse(written)?.protocol;
  // Nothing goes in the clear because a document says so.
  const isInTheClear = scheme === 'http:' && String(document['issuer']).startsWith('http:');
  return scheme === 'https:' || isInTheClear ? written : undefined;
}
