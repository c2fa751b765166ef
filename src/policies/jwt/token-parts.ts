/** What a token says before anybody has looked at its signature. All of it may be an attacker's. */
import { isUtf8 } from 'node:buffer';
import { parseTokenJson } from './token-json.ts';

export interface TokenParts {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Reads the compact form of a signed token (RFC 7515 §7.1), or says why it is none. */
export function readToken(token: string): TokenParts | string {
  const parts = token.split('.');
  if (parts.length === 5) return 'encrypted';
  if (parts.length !== 3) return 'not a token';
  const [header, claims, signature] = parts.map(decodePart);
  if (header === undefined || claims === undefined || signature === undefined) return 'encoding';
  if (signature.length === 0) return 'not signed';
  const readHeader = isUtf8(header) ? parseTokenJson(header.toString()) : undefined;
  if (readHeader === undefined) return 'header';
  const readClaims = isUtf8(claims) ? parseTokenJson(claims.toString()) : undefined;
  return readClaims === undefined ? 'claims' : { header: readHeader, claims: readClaims };
}

/** Only as an encoder writes it (RFC 4648 §3.5): Node takes other alphabets, padding and anything in between too. */
function decodePart(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}
