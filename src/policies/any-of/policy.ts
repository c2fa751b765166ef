import { definePolicy, type PolicyDefinition, type PolicyPhases } from '#pipeline/policy.ts';
import type { ConfigSchema } from '#schema/config-schema.ts';
import type { AnyOfConfig } from './config.ts';
import { anyOfErrors } from './errors.ts';
import { joinPhases } from './joined-phases.ts';
import { MethodTrial } from './method-trial.ts';

/** As much of a definition as says what a user may write for it. */
interface InputOf<Policy extends { loadConfig(): Promise<unknown> }> {
  readonly input: Awaited<ReturnType<Policy['loadConfig']>> extends ConfigSchema<unknown, infer Input> ? Input : never;
}

interface AnyOfInput<Methods extends readonly PolicyDefinition[]> {
  readonly methods: readonly {
    readonly [Method in Methods[number] as Method['name']]?: InputOf<Method>['input'];
  }[];
  readonly anonymous?: string | undefined;
}

/** Lets requests pass that one of several methods accepts. The methods are policies that find out who asks. */
export function createAnyOfPolicy<const Methods extends readonly PolicyDefinition[]>(methods: Methods) {
  const byName = new Map<string, PolicyDefinition>(methods.map((method) => [method.name, method]));
  const listBlocks = (config: AnyOfConfig): { method: PolicyDefinition; settings: unknown }[] =>
    config.methods.map((block) => {
      const [name, settings] = Object.entries(block).find(([, written]) => written !== undefined)!;
      return { method: byName.get(name)!, settings };
    });
  return definePolicy({
    name: 'any-of',
    summary: 'Lets requests pass that one of several methods accepts.',
    loadConfig: async (): Promise<ConfigSchema<AnyOfConfig, AnyOfInput<Methods>>> => {
      const schemas = methods.map(async ({ name, loadConfig }) => ({ name, config: await loadConfig() }));
      const { toAnyOfConfig } = await import('./config.ts');
      // What a user may write is known here alone, where the types of the methods are.
      return toAnyOfConfig(await Promise.all(schemas)) as ConfigSchema<AnyOfConfig, AnyOfInput<Methods>>;
    },
    consumerSettings: ['anonymous'],
    // The files of whichever method.
    fileSettings: ['methods'],
    nested: { setting: 'methods', policies: methods },
    errors: anyOfErrors,
    ownPaths: (config: AnyOfConfig) => listBlocks(config).flatMap(({ method, settings }) => method.ownPaths?.(settings) ?? []),
    describe(config: AnyOfConfig) {
      const texts = listBlocks(config).map(({ method, settings }) => describeMethod(method, settings));
      return `${texts.join(', or ')}${config.anonymous === undefined ? '' : `; otherwise ${config.anonymous}`}`;
    },
    create(config: AnyOfConfig, services): PolicyPhases {
      const made = listBlocks(config).map(({ method, settings }, index) => ({
        name: method.name,
        missing: method.errors['missing']?.kind,
        phases: method.create(settings, { ...services, place: `${services.place} any-of ${index}` }),
      }));
      const { anonymous } = config;
      const trial = new MethodTrial(made, anonymous === undefined ? undefined : services.consumers.find(anonymous));
      return { ...joinPhases(made.map(({ phases }) => phases)), requestHead: (exchange) => trial.run(exchange) };
    },
  });
}

function describeMethod(method: PolicyDefinition, settings: unknown): string {
  const text = method.describe?.(settings);
  return text === undefined ? method.name : `${method.name} (${text})`;
}
