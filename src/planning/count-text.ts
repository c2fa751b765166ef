/** `10,000`. By itself, because V8 takes 20 ms to load what it knows of languages. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}
