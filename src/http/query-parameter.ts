/** The first value of a query parameter, still percent-encoded; a space is `%20`. Names are compared decoded. */
export function findQueryParameter(query: string, name: string): string | undefined {
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    if (decodeWhole(key.replaceAll('+', ' ')) === name) return equals < 0 ? '' : pair.slice(equals + 1).replaceAll('+', '%20');
  }
  return undefined;
}

/** Text whose encoding is not UTF-8 stays encoded. */
export function decodeWhole(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // What cannot be decoded is passed on as it came.
    return text;
  }
}
