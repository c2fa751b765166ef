/** By which names, and by which forms, a credential is known wherever it stands. */

const fieldNames: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'api-key',
  'apikey',
  'x-api-key',
  'x-goog-api-key',
  'ocp-apim-subscription-key',
  'x-auth-key',
  'x-signature',
]);
const fieldEnds = /(?:^|[-_])(?:token|secret|password|passwd|credentials?|session|session-?id|assertion|jwt)$/;

export function isSecretFieldName(name: string): boolean {
  return fieldNames.has(name) || fieldEnds.test(name);
}

const memberNames: ReadonlySet<string> = new Set([
  'passwd',
  'pwd',
  'passphrase',
  'authorization',
  'credential',
  'credentials',
  'jwt',
  'sessionid',
  'privatekey',
  'cvc',
  'cvv',
  'cardnumber',
  'clientassertion',
]);
const memberEnds = /(?:password|secret|token|apikey|accesskey)$/;
const parameterNames: ReadonlySet<string> = new Set([
  'key',
  'auth',
  'sig',
  'signature',
  'xamzsignature',
  'xamzcredential',
  'session',
  'sid',
]);

/** Of a member of JSON or of a form. */
export function isSecretMemberName(name: string): boolean {
  const plain = toPlain(name);
  return memberNames.has(plain) || memberEnds.test(plain);
}

/** Of a parameter of a query, where shorter names are usual. */
export function isSecretParameterName(name: string): boolean {
  return isSecretMemberName(name) || parameterNames.has(toPlain(name));
}

/** A scheme of RFC 9110 §11 with what follows it. */
export const schemeAndCredential = /^(bearer|basic|digest|negotiate|token|apikey|hmac|dpop)(\s+)(\S.*)$/i;
/** A token as RFC 7515 writes it: its header is JSON, which begins like this in base64. */
export const tokenText = /eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;
/** RFC 3986 §3.2.1. */
export const userInfo = /\/\/[^/@\s]+@/g;

function toPlain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.[\]]/g, '');
}
