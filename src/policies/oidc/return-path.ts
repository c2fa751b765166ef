/** Where a browser goes on after a login. */

const LENGTH_MAX = 1_500;
/** Browsers leave control characters out and take `\` for `/` (WHATWG URL §4.4), so that `/\evil` would be another host. */
const NOT_IN_PATH = /[\x00-\x20\x7f\\]/;
/** A head is written as bytes, one for each character: of others only the low byte would be left, which may be that of a line's end. */
const NOT_ASCII = /[^\x00-\x7f]+/g;

/** The path itself where it leads to this site and nowhere else, else `/`. */
export function toReturnPath(target: string | undefined): string {
  if (target === undefined || target.length > LENGTH_MAX || NOT_IN_PATH.test(target)) return '/';
  const path = target.toWellFormed().replace(NOT_ASCII, encodeURIComponent);
  return path.startsWith('/') && !path.startsWith('//') && path.length <= LENGTH_MAX ? path : '/';
}
