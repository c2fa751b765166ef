/** Where a browser goes on after a login. */

const LENGTH_MAX = 1_500;
/** Browsers leave control characters out and take `\` for `/` (WHATWG URL §4.4), so that `/\evil` would be another host. */
const NOT_IN_PATH = /[\x00-\x20\x7f\\]/;

/** The path itself where it leads to this site and nowhere else, else `/`. */
export function toReturnPath(target: string | undefined): string {
  if (target === undefined || target.length > LENGTH_MAX || NOT_IN_PATH.test(target)) return '/';
  return target.startsWith('/') && !target.startsWith('//') ? target : '/';
}
