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

/** The target without this parameter. Names are compared decoded; what stands beside it stays as it is. */
export function withoutQueryParameter(target: string, name: string): string {
  return changeQueryParameter(target, name, () => undefined);
}

/** The target as logs may show it: the parameter is there, and its value is not. */
export function hideQueryParameter(target: string, name: string): string {
  return changeQueryParameter(target, name, (key) => `${key}=[redacted]`);
}

function changeQueryParameter(target: string, name: string, change: (key: string) => string | undefined): string {
  const question = target.indexOf('?');
  if (question < 0) return target;
  const pairs = target.slice(question + 1).split('&');
  const kept = pairs.flatMap((pair) => {
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    if (decodeWhole(key.replaceAll('+', ' ')) !== name) return [pair];
    const changed = change(key);
    return changed === undefined ? [] : [changed];
  });
  return kept.length === 0 ? target.slice(0, question) : `${target.slice(0, question)}?${kept.join('&')}`;
}
