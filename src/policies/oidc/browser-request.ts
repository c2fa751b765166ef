/** What browsers tell of a request besides the request itself (Fetch Metadata). Other clients may write anything there. */
import type { ClientRequest } from '#http/exchange.ts';
import { getField } from '#wire/fields/field-list.ts';

/** Whether a person opens a page. A script that is answered with a redirect to a login page can make nothing of it. */
export function isNavigation({ method, fields }: ClientRequest): boolean {
  if (method !== 'GET') return false;
  const mode = getField(fields, 'sec-fetch-mode');
  if (mode !== undefined) return mode === 'navigate';
  return getField(fields, 'accept')?.includes('text/html') === true && getField(fields, 'x-requested-with') === undefined;
}

/** Whether the request was made by a page of this site, or by the person itself. Without a word of the browser, it was not. */
export function comesFromHere({ fields }: ClientRequest, origin: string): boolean {
  const site = getField(fields, 'sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const from = getField(fields, 'origin') ?? getField(fields, 'referer');
  return from !== undefined && URL.parse(from)?.origin === origin;
}
