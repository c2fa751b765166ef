/** The JSON Schema of a configuration, for editors. */
import { type JsonSchema, toInputJsonSchema } from '#schema/json-schema.ts';
import { createConfigurationSchema } from './configuration-schema.ts';
import type { ConfigurablePolicy } from './policy-blocks.ts';

/** Draft 2020-12, with a description for every key. */
export function createConfigurationJsonSchema(policies: readonly ConfigurablePolicy[]): JsonSchema {
  const { $schema, ...schema } = toInputJsonSchema(createConfigurationSchema(policies));
  return { $schema, title: 'Configuration of Gatehouse', ...schema };
}
