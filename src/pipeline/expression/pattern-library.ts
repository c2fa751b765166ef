import { Library } from '#base/library.ts';

/** What the patterns of expressions are matched with. */
export const patternLibrary = new Library(
  'patterns of expressions',
  async () => (await import('@bufbuild/re2')).RE2JS,
  (library) => library.compile('^a').test('a'),
);

export function needsPatterns(expression: string): boolean {
  return expression.includes('matches');
}
