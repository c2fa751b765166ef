/** The static table (RFC 7541 appendix A). Index 0 means nothing in the protocol, so that the arrays begin with a filler. */
const entries: readonly (readonly [name: string, value?: string])[] = [
  [''],
  [':authority'],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset'],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language'],
  ['accept-ranges'],
  ['accept'],
  ['access-control-allow-origin'],
  ['age'],
  ['allow'],
  ['authorization'],
  ['cache-control'],
  ['content-disposition'],
  ['content-encoding'],
  ['content-language'],
  ['content-length'],
  ['content-location'],
  ['content-range'],
  ['content-type'],
  ['cookie'],
  ['date'],
  ['etag'],
  ['expect'],
  ['expires'],
  ['from'],
  ['host'],
  ['if-match'],
  ['if-modified-since'],
  ['if-none-match'],
  ['if-range'],
  ['if-unmodified-since'],
  ['last-modified'],
  ['link'],
  ['location'],
  ['max-forwards'],
  ['proxy-authenticate'],
  ['proxy-authorization'],
  ['range'],
  ['referer'],
  ['refresh'],
  ['retry-after'],
  ['server'],
  ['set-cookie'],
  ['strict-transport-security'],
  ['transfer-encoding'],
  ['user-agent'],
  ['vary'],
  ['via'],
  ['www-authenticate'],
];

export const staticNames: readonly string[] = entries.map(([name]) => name);
export const staticValues: readonly string[] = entries.map(([, value = '']) => value);

/** The first index of the dynamic table (RFC 7541 §2.3.3). */
export const DYNAMIC_INDEX_MIN = entries.length;

const indexes = new Map<string, number>();
for (const [index, name] of staticNames.entries()) if (index > 0 && !indexes.has(name)) indexes.set(name, index);

/** The first index with this name, or 0. Entries of one name stand side by side. */
export function staticIndexOf(name: string): number {
  return indexes.get(name) ?? 0;
}
