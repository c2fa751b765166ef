/**
 * What the policies of a configuration need, and where its requests end: what they count in, and libraries. The control thread, which has read all of it,
 * finds it out; data threads load libraries while they still serve what they served before.
 */
import { listAggregateLibraries } from '#aggregate/aggregate-libraries.ts';
import type { FunctionPlace } from '#aggregate/compose-function.ts';
import type { Library } from '#base/library.ts';
import type { Configuration } from '#config/configuration.ts';
import type { CountingKind, PolicyDefinition } from '#pipeline/policy.ts';
import { LINES_PER_STEP } from './encoded-configuration.ts';

type PlacesOfPolicies = Pick<Configuration, 'policies' | 'listeners' | 'routes'>;
type PolicyBlocks = Readonly<Record<string, unknown>>;

interface UsedPolicy {
  readonly definition: PolicyDefinition;
  readonly config: unknown;
}

export interface PolicyNeeds {
  /** Names of libraries. */
  readonly libraries: string[];
  /** That compose answers. */
  readonly functions: readonly FunctionPlace[];
  /** What is counted in. */
  readonly counts: ReadonlySet<CountingKind>;
}

/** What all policies of a configuration need. Yields between steps. */
export function* findPolicyNeeds(
  { policies, listeners, routes }: PlacesOfPolicies,
  definitions: readonly PolicyDefinition[],
): Generator<undefined, PolicyNeeds, void> {
  const libraries = new Set<string>();
  const counts = new Set<CountingKind>();
  const functions: FunctionPlace[] = [];
  let places = 0;
  for (const place of [{ policies }, ...Object.values(listeners), ...Object.values(routes)]) {
    for (const used of listUsed(place.policies, definitions)) {
      for (const { name } of listNeeded(used)) libraries.add(name);
      if (used.definition.counts !== undefined) counts.add(used.definition.counts);
    }
    if ('to' in place && place.to.kind === 'aggregate') {
      for (const { name } of listAggregateLibraries(place.to)) libraries.add(name);
      if (place.to.answer.kind === 'function') functions.push(place.to.answer);
    }
    places += 1;
    if (places % LINES_PER_STEP === 0) yield;
  }
  return { libraries: [...libraries], functions, counts };
}

/** Those that a policy needs with these settings. */
export function findLibraries(definition: PolicyDefinition, config: unknown): Library[] {
  return withNested({ definition, config }).flatMap(listNeeded);
}

function listNeeded({ definition: { libraries = [] }, config }: UsedPolicy): Library[] {
  return libraries.filter(({ isNeeded }) => isNeeded?.(config) ?? true).map(({ library }) => library);
}

function listUsed(blocks: PolicyBlocks | undefined, definitions: readonly PolicyDefinition[]): UsedPolicy[] {
  if (blocks === undefined) return [];
  return definitions.flatMap((definition) => {
    const config = blocks[definition.name];
    return config === undefined || config === false ? [] : withNested({ definition, config });
  });
}

/** A policy, and those that stand in its settings. */
function withNested(used: UsedPolicy): UsedPolicy[] {
  const { nested } = used.definition;
  if (nested === undefined) return [used];
  const blocks = (used.config as Readonly<Record<string, readonly PolicyBlocks[]>>)[nested.setting] ?? [];
  return [used, ...blocks.flatMap((block) => listUsed(block, nested.policies))];
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
