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

/** `type` as `readMediaType` gives it. */
export function isJsonType(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json') || type === 'text/json';
}
