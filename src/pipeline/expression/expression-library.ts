import { Library } from '#base/library.ts';

/** One language is enough for a thread: it keeps nothing but patterns. */
export const expressionLibrary = new Library(
  'expressions',
  async () => {
    const { ExpressionLanguage } = await import('./language.ts');
    return new ExpressionLanguage();
  },
  (language) => language.compile('request.path == ""'),
);
