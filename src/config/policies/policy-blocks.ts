/** The `policies` map, which stands at the gateway, at listeners and at routes alike. */
import { z } from 'zod';
import { forms } from '#schema/forms.ts';

/** As much of a policy as its configuration needs. */
export interface ConfigurablePolicy {
  readonly name: string;
  readonly summary?: string;
  /** Names of settings that hold the name of a service. */
  readonly serviceSettings?: readonly string[];
  /** The same for names of consumers. */
  readonly consumerSettings?: readonly string[];
  /** Settings that need `tokenKeys`, as paths such as `services.*.mint`, in which `*` is any name. */
  readonly signingSettings?: readonly string[];
  /** Settings that may name a store, as paths such as `session.store`. */
  readonly storeSettings?: readonly string[];
  /** Names of settings that are lists, in which `{ file: PATH }` stands for the addresses in a file. */
  readonly addressListSettings?: readonly string[];
  /** Names of settings in which `{ file: PATH }` stands for the text of a file. */
  readonly fileSettings?: readonly string[];
  /** Names of settings that name a document or a schema that messages are compared with. */
  readonly contractSettings?: readonly string[];
  /** Policies that stand in its settings: each item of the list `setting` is a map of them by name. */
  readonly nested?: { readonly setting: string; readonly policies: readonly ConfigurablePolicy[] };
  /** Names of settings that name countries. */
  readonly countrySettings?: readonly string[];
  /** Names of settings that hold an expression. */
  readonly expressionSettings?: readonly string[];
  loadConfig(): Promise<z.ZodType>;
  /** Paths that the policy answers itself. */
  ownPaths?(config: unknown): readonly string[];
}

/** The same with its schema at hand. */
export interface PolicyWithConfig {
  readonly name: string;
  readonly summary?: string | undefined;
  readonly config: z.ZodType;
}

export async function loadPolicyConfigs(policies: readonly ConfigurablePolicy[]): Promise<PolicyWithConfig[]> {
  return Promise.all(policies.map(async ({ name, summary, loadConfig }) => ({ name, summary, config: await loadConfig() })));
}

/** By name of the policy: its validated settings, or `false` where it is switched off. Policies that are not named are not there. */
export type PolicyBlocks = Readonly<Record<string, unknown>>;

/** What a user may write. */
export type PolicyBlocksInput<Policies extends readonly ConfigurablePolicy[]> = {
  readonly [Policy in Policies[number] as Policy['name']]?: z.input<Awaited<ReturnType<Policy['loadConfig']>>> | false;
};

/** The schema of a `policies` map with these policies. */
export function policyBlocks<Policies extends readonly ConfigurablePolicy[]>(
  policies: readonly PolicyWithConfig[],
): z.ZodType<PolicyBlocks, PolicyBlocksInput<Policies>> {
  const shape = Object.fromEntries(policies.map((policy) => [policy.name, policyBlock(policy).optional()]));
  const schema: z.ZodType<PolicyBlocks, Record<string, unknown>> = z.strictObject(shape);
  // The shape is made at run time, so only this function knows that its keys and values are those of the policies.
  return schema as z.ZodType<PolicyBlocks, PolicyBlocksInput<Policies>>;
}

function policyBlock(policy: PolicyWithConfig): z.ZodType {
  return forms(
    'the settings of the policy, or `false` to switch it off',
    [
      { isMeant: (value) => value === false, schema: z.literal(false) },
      { isMeant: () => true, schema: policy.config },
    ],
    (value) => {
      if (value !== true && value !== null) return undefined;
      return {
        code: 'wrong-type',
        message: `expected a map of settings; write \`{}\` for the defaults, or \`false\` to switch the policy off`,
        path: [],
      };
    },
  ).describe(policy.summary ?? `The settings of the policy \`${policy.name}\`, or \`false\` to switch it off.`);
}
