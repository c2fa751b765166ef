/**
 * The libraries that the policies of a configuration need. The control thread, which has read all of it, finds them out; data
 * threads load them while they still serve what they served before.
 */
import type { Library } from '#base/library.ts';
import type { Configuration } from '#config/configuration.ts';
import type { PolicyDefinition } from '#pipeline/policy.ts';
import { LINES_PER_STEP } from './encoded-configuration.ts';

type PlacesOfPolicies = Pick<Configuration, 'policies' | 'listeners' | 'routes'>;
type PolicyBlocks = Readonly<Record<string, unknown>>;

/** Their names. Yields between steps. */
export function* listLibraries(
  { policies, listeners, routes }: PlacesOfPolicies,
  definitions: readonly PolicyDefinition[],
): Generator<undefined, string[], void> {
  const names = new Set<string>();
  let places = 0;
  for (const place of [{ policies }, ...Object.values(listeners), ...Object.values(routes)]) {
    for (const { name } of findInBlocks(place.policies, definitions)) names.add(name);
    places += 1;
    if (places % LINES_PER_STEP === 0) yield;
  }
  return [...names];
}

/** Those that a policy needs with these settings. */
export function findLibraries({ libraries, nested }: PolicyDefinition, config: unknown): Library[] {
  const own = (libraries ?? []).filter(({ isNeeded }) => isNeeded?.(config) ?? true).map(({ library }) => library);
  if (nested === undefined) return own;
  const blocks = (config as Readonly<Record<string, readonly PolicyBlocks[]>>)[nested.setting] ?? [];
  return [...own, ...blocks.flatMap((block) => findInBlocks(block, nested.policies))];
}

function findInBlocks(blocks: PolicyBlocks | undefined, definitions: readonly PolicyDefinition[]): Library[] {
  if (blocks === undefined) return [];
  return definitions.flatMap((definition) => {
    const block = blocks[definition.name];
    return block === undefined || block === false ? [] : findLibraries(definition, block);
  });
}

/** Loads those that are named, one after the other. */
export async function loadLibraries(names: readonly string[], definitions: readonly PolicyDefinition[]): Promise<void> {
  for (const library of new Set(listAll(definitions))) {
    if (names.includes(library.name)) await library.load();
  }
}

function listAll(definitions: readonly PolicyDefinition[]): Library[] {
  return definitions.flatMap(({ libraries, nested }) => [
    ...(libraries ?? []).map(({ library }) => library),
    ...listAll(nested?.policies ?? []),
  ]);
}
