/** Cookies that requests of a batch set, on the way to where they would have gone without one: to the client's cookie jar. */
import { getFieldValues, removeField } from '#wire/fields/field-list.ts';

const HAS_PATH = /;[\t ]*path[\t ]*=[\t ]*\//i;

/** Takes the cookies out of an answer. `path`: that of the request. */
export function takeCookies(fields: string[], path: string): string[] {
  const cookies = getFieldValues(fields, 'set-cookie').map((cookie) =>
    // RFC 6265 §5.2.4: without a path of its own it is for that of its request, and the client only knows that of the batch.
    HAS_PATH.test(cookie) ? cookie : `${cookie}; Path=${toDefaultPath(path)}`,
  );
  removeField(fields, 'set-cookie');
  return cookies;
}

/** RFC 6265 §5.1.4. */
function toDefaultPath(path: string): string {
  const end = path.lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}
