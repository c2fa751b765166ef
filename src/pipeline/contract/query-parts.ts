/** The pairs of a query or of a form, as they are written. All input is attacker-controlled. */

export interface QueryPart {
  /** Decoded; `undefined` where it cannot be. */
  readonly key: string | undefined;
  /** As it is written, a plus included. */
  readonly text: string;
  /** A parameter stands for it. */
  isTaken: boolean;
}

export function readQueryParts(query: string): QueryPart[] {
  if (query === '') return [];
  const parts: QueryPart[] = [];
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const key = decodeText(equals < 0 ? pair : pair.slice(0, equals), true);
    parts.push({ key, text: equals < 0 ? '' : pair.slice(equals + 1), isTaken: false });
  }
  return parts;
}

/** `undefined`: its encoding is not UTF-8. */
export function decodeText(text: string, plusIsSpace: boolean): string | undefined {
  const spaced = plusIsSpace && text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    // A percent sign without two digits behind it, or bytes that are no UTF-8.
    return undefined;
  }
}
