export type JsonMap = Readonly<Record<string, unknown>>;

/** Whoever answers more than this has nothing to say that would be of use. */
const LENGTH_MAX = 1024 * 1024;

/** A map that somebody else has written as JSON; `undefined` for everything else. What it is instead does not matter. */
export function parseJsonMap(text: string): JsonMap | undefined {
  if (text.length > LENGTH_MAX) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonMap) : undefined;
  } catch {
    return undefined;
  }
}
