import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { Library } from '#base/library.ts';
import { runAtOnce } from '#base/slices.ts';
import { loadConfigurationValue } from '#config/load.ts';
import { definePolicy, type PolicyDefinition } from '#pipeline/policy.ts';
import { findPolicyNeeds, loadLibraries, type PolicyNeeds } from './policy-needs.ts';

interface LoadedPolicies {
  readonly definitions: readonly PolicyDefinition[];
  /** In the order in which they were loaded. */
  readonly loaded: readonly string[];
}

/** `plain` needs nothing, `heavy` two libraries by its settings, and `joined` whatever stands in it. */
function createPolicies(): LoadedPolicies {
  const loaded: string[] = [];
  const toLibrary = (name: string) =>
    new Library(name, async () => {
      loaded.push(name);
      return name;
    });
  const parts = { summary: 'Is tested.', errors: {}, create: () => ({}) };
  const plain = definePolicy({ ...parts, name: 'plain', loadConfig: async () => z.strictObject({}) });
  const heavy = definePolicy({
    ...parts,
    name: 'heavy',
    loadConfig: async () => z.strictObject({ matches: z.boolean().default(false) }),
    libraries: [{ library: toLibrary('language') }, { library: toLibrary('patterns'), isNeeded: ({ matches }) => matches }],
  });
  const counting = definePolicy({ ...parts, name: 'counting', loadConfig: async () => z.strictObject({}), counts: 'quotas' });
  const joined = definePolicy({
    ...parts,
    name: 'joined',
    loadConfig: async () => z.strictObject({ methods: z.array(z.record(z.string(), z.unknown())) }),
    nested: { setting: 'methods', policies: [heavy as PolicyDefinition, counting as PolicyDefinition] },
  });
  return { definitions: [plain, heavy, counting, joined] as readonly unknown[] as readonly PolicyDefinition[], loaded };
}

async function findFor(parts: object, definitions: readonly PolicyDefinition[]): Promise<PolicyNeeds> {
  const value = {
    version: 1,
    listeners: { web: { address: ':8080' } },
    routes: { all: { match: { path: '/*' }, to: { respond: { text: 'x' } } } },
    ...parts,
  };
  const { configuration, issues } = await loadConfigurationValue(value, '/', { policies: definitions, env: {} });
  assert.deepEqual(issues, []);
  return runAtOnce(findPolicyNeeds(configuration!, definitions));
}

const route = (policies: object) => ({ all: { match: { path: '/*' }, to: { respond: { text: 'x' } }, policies } });

for (const { title, parts, expected } of [
  { title: 'none without policies', parts: {}, expected: [] },
  { title: 'none for policies that need none', parts: { policies: { plain: {} } }, expected: [] },
  { title: 'those of the gateway', parts: { policies: { heavy: {} } }, expected: ['language'] },
  {
    title: 'those of a listener, as its settings need them',
    parts: { listeners: { web: { address: ':8080', policies: { heavy: { matches: true } } } } },
    expected: ['language', 'patterns'],
  },
  { title: 'those of a route', parts: { routes: route({ heavy: {} }) }, expected: ['language'] },
  {
    title: 'those of policies inside another one',
    parts: { routes: route({ joined: { methods: [{ heavy: { matches: true } }] } }) },
    expected: ['language', 'patterns'],
  },
  { title: 'none of a policy that is switched off', parts: { routes: route({ heavy: false }) }, expected: [] },
]) {
  test(`lists libraries: ${title}`, async () => {
    assert.deepEqual((await findFor(parts, createPolicies().definitions)).libraries, expected);
  });
}

test('finds what is counted in, also by a policy inside another one', async () => {
  const { definitions } = createPolicies();
  const countsFor = async (policies: object) => [...(await findFor({ routes: route(policies) }, definitions)).counts];
  assert.deepEqual(await countsFor({ counting: {} }), ['quotas']);
  assert.deepEqual(await countsFor({ joined: { methods: [{ counting: {} }] } }), ['quotas']);
  assert.deepEqual(await countsFor({ counting: false, heavy: {} }), []);
});

test('loads what is named, once, and nothing else', async () => {
  const { definitions, loaded } = createPolicies();
  await loadLibraries(['patterns'], definitions);
  assert.deepEqual(loaded, ['patterns']);
  await loadLibraries(['language', 'patterns'], definitions);
  assert.deepEqual(loaded, ['patterns', 'language']);
});

test('a library that is not loaded yet cannot be used, and one that could not be loaded is tried again', async () => {
  let isThere = false;
  const library = new Library('tested', async () => {
    if (!isThere) throw new Error('it is not there');
    return 'module';
  });
  await assert.rejects(library.load(), /it is not there/);
  assert.throws(() => library.module, /tested is loaded before it is used/);
  isThere = true;
  await library.load();
  assert.equal(library.module, 'module');
});
