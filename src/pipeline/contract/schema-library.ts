import { Library } from '#base/library.ts';

/** What schemas are checked with. Patterns need the library of patterns besides. */
export const schemaLibrary = new Library(
  'schemas',
  async () => (await import('./schema-language.ts')).SchemaLanguage,
  (SchemaLanguage) =>
    new SchemaLanguage('first').compile({ type: 'object', properties: { a: { type: 'string' } } })({ a: '' }, 0),
);
