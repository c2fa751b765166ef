/** The JSON Schema of a configuration, for editors. */
import { type JsonSchema, toInputJsonSchema } from '#schema/json-schema.ts';
import { createConfigurationSchema } from './configuration-schema.ts';
import { type ConfigurablePolicy, loadPolicyConfigs } from './policies/policy-blocks.ts';

/** Draft 2020-12, with a description for every key. */
export async function createConfigurationJsonSchema(policies: readonly ConfigurablePolicy[]): Promise<JsonSchema> {
  const { $schema, ...schema } = toInputJsonSchema(createConfigurationSchema(await loadPolicyConfigs(policies)));
  return { $schema, title: 'Configuration of Gatehouse', ...schema };
}
