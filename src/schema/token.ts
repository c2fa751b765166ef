/** Tokens of HTTP (RFC 9110 §5.6.2): methods and field names. */
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TOKEN_LENGTH_MAX = 256;
const STANDARD_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT']);

/** Fields that frame a message, belong to one connection (RFC 9110 §7.6.1) or tell where it came from: the gateway writes them itself. */
const MANAGED_FIELDS = new Map([
  ['host', 'the gateway decides `host`; set `rewrite: { host: … }` or the `host` of the service'],
  ['content-length', 'the gateway writes `content-length` itself, from the body'],
  ['transfer-encoding', 'the gateway writes `transfer-encoding` itself, from the body'],
  ['connection', '`connection` belongs to one connection; the gateway writes it itself'],
  ['keep-alive', '`keep-alive` belongs to one connection; the gateway writes it itself'],
  ['proxy-connection', '`proxy-connection` belongs to one connection; the gateway writes it itself'],
  ['upgrade', '`upgrade` belongs to one connection; the gateway passes on upgrades by itself'],
  ['te', '`te` belongs to one connection; the gateway writes it itself'],
  ['trailer', '`trailer` belongs to one connection; the gateway writes it itself'],
  ['x-request-id', 'the gateway writes `x-request-id` itself'],
  ['x-forwarded-for', 'the gateway writes `x-forwarded-for` itself'],
  ['x-forwarded-host', 'the gateway writes `x-forwarded-host` itself'],
  ['x-forwarded-proto', 'the gateway writes `x-forwarded-proto` itself'],
  ['forwarded', 'the gateway writes `forwarded` itself'],
  ['via', 'the gateway writes `via` itself'],
]);

/** Reads a token that names a method. Methods are case-sensitive (RFC 9110 §9.1). */
export function readMethod(text: string): Reading<string> {
  if (!isToken(text)) return { problem: `${quote(text)} is not a method; write \`GET\`, \`POST\` or another token` };
  const upper = text.toUpperCase();
  if (text !== upper && STANDARD_METHODS.has(upper))
    return { problem: `${quote(text)}: methods are case-sensitive; write \`${upper}\`` };
  return { value: text };
}

/** Reads a field name and puts it into lower case. */
export function readFieldName(text: string): Reading<string> {
  if (text.startsWith(':'))
    return { problem: `${quote(text)} is not a field name; fields that begin with a colon belong to HTTP/2 itself` };
  if (!isToken(text))
    return { problem: `${quote(text)} is not a field name; write letters, digits and hyphens, such as \`x-team\`` };
  return { value: text.toLowerCase() };
}

/** As `readFieldName`, and refuses the fields that only the gateway may write. */
export function readFreeFieldName(text: string): Reading<string> {
  const reading = readFieldName(text);
  if ('problem' in reading) return reading;
  const reason = MANAGED_FIELDS.get(reading.value);
  return reason === undefined ? reading : { problem: reason };
}

/** Reads the name of a cookie (RFC 6265 §4.1.1), whose case matters. */
export function readCookieName(text: string): Reading<string> {
  return isToken(text)
    ? { value: text }
    : { problem: `${quote(text)} is not the name of a cookie; write letters, digits, hyphens and dots` };
}

function isToken(text: string): boolean {
  return text.length <= TOKEN_LENGTH_MAX && TOKEN.test(text);
}

/** A request method. */
export function httpMethod(): z.ZodType<string, string> {
  return textKind({
    noun: 'a method',
    examples: ['GET', 'POST'],
    pattern: TOKEN,
    help: 'A request method, in capitals.',
    read: readMethod,
  });
}

const FIELD_KIND = { noun: 'a field name', examples: ['x-team'], pattern: TOKEN } as const;

/** The name of a header field, in lower case afterwards. */
export function fieldName(): z.ZodType<string, string> {
  return textKind({ ...FIELD_KIND, help: 'The name of a header field; case does not matter.', read: readFieldName });
}

/** The name of a header field that a configuration may write: none that frames messages or belongs to one connection. */
export function freeFieldName(): z.ZodType<string, string> {
  return textKind({
    ...FIELD_KIND,
    help: 'The name of a header field; case does not matter. Not the fields that the gateway writes itself, such as `host` or `content-length`.',
    read: readFreeFieldName,
  });
}

/** The name of a cookie; case matters. */
export function cookieName(): z.ZodType<string, string> {
  return textKind({
    noun: 'the name of a cookie',
    examples: ['session'],
    pattern: TOKEN,
    help: 'The name of a cookie.',
    read: readCookieName,
  });
}

/** A token of HTTP: letters, digits and `!#$%&'*+-.^_|~`. */
export function token(): z.ZodType<string, string> {
  return textKind({
    noun: 'a word',
    examples: ['gatehouse'],
    pattern: TOKEN,
    help: 'One word of letters, digits, hyphens and dots.',
    read: (text): Reading<string> =>
      isToken(text)
        ? { value: text }
        : { problem: `${quote(text)} is not one word; write letters, digits, hyphens and dots, such as \`gatehouse\`` },
  });
}
