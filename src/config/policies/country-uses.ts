/** Settings of policies that need to know countries, where there is no database that tells. */
import { isMap } from '#schema/forms.ts';
import type { Finding, IssuePath } from '../issue.ts';

/** As much of a policy as is needed to find such settings. */
interface CountryNamingPolicy {
  readonly name: string;
  readonly countrySettings?: readonly string[] | undefined;
}

export function findCountriesWithoutDatabase(
  configuration: Readonly<Record<string, unknown>>,
  policies: readonly CountryNamingPolicy[],
): Finding[] {
  if (configuration['geo'] !== undefined) return [];
  // Of many routes, each would be asked for all policies.
  const naming = policies.filter(({ countrySettings }) => countrySettings !== undefined);
  const places: [unknown, IssuePath][] = [[configuration['policies'], ['policies']]];
  for (const part of ['listeners', 'routes']) {
    const named = configuration[part];
    for (const [name, entry] of Object.entries(isMap(named) ? named : {}))
      if (isMap(entry)) places.push([entry['policies'], [part, name, 'policies']]);
  }
  return places.flatMap(([blocks, at]) => findInBlocks(blocks, at, naming));
}

function findInBlocks(blocks: unknown, at: IssuePath, policies: readonly CountryNamingPolicy[]): Finding[] {
  if (!isMap(blocks)) return [];
  return policies.flatMap(({ name, countrySettings = [] }) => {
    const block = blocks[name];
    if (!isMap(block)) return [];
    return countrySettings
      .filter((setting) => block[setting] !== undefined)
      .map((setting): Finding => {
        const message = 'no database tells countries; name one with `geo: { database: PATH }`';
        return { path: [...at, name, setting], code: 'missing', message };
      });
  });
}
