/** Types of content (RFC 9110 §8.3.1) as fields say them. Whoever sends one chooses each byte. */

const TYPE = /^[!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+$/;

/** In lower case, whatever it is. */
export function withoutParameters(contentType: string): string {
  const semicolon = contentType.indexOf(';');
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}

/** In lower case without parameters; `undefined`: it is none. */
export function readMediaType(contentType: string): string | undefined {
  const type = withoutParameters(contentType);
  return TYPE.test(type) ? type : undefined;
}

/** RFC 9110 §8.3.1; also where it stands in the text of another parameter, which some readers do not tell apart. */
const CHARSET = /;\s*charset\*?\s*=\s*([^;]*)/gi;
const UTF_8 = /^\s*("?)(?:utf-8|utf8|us-ascii)\1\s*$/i;

/** Whether the bytes mean to all readers what they mean in UTF-8: whoever goes by another charset reads other values than those that were looked at. */
export function isInUtf8(contentType: string): boolean {
  for (const [, charset = ''] of contentType.matchAll(CHARSET)) if (!UTF_8.test(charset)) return false;
  return true;
}

/** `type` as `readMediaType` gives it. */
export function isJsonType(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json') || type === 'text/json';
}
