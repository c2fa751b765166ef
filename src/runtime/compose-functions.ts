/** Functions of users that compose answers: found in the configuration, and loaded before it is taken over. */
import { readFile } from 'node:fs/promises';
import { type Compose, type FunctionPlace, loadCompose } from '#aggregate/compose-function.ts';
import { assert } from '#base/assert.ts';
import type { Configuration } from '#config/configuration.ts';
import type { Finding, IssuePath } from '#config/issue.ts';

interface NamedFunction extends FunctionPlace {
  /** Where the configuration names it. */
  readonly at: IssuePath;
}

export function listFunctions({ routes }: Pick<Configuration, 'routes'>): NamedFunction[] {
  return Object.entries(routes).flatMap(([route, { to }]): NamedFunction[] => {
    if (to.kind !== 'aggregate' || to.answer.kind !== 'function') return [];
    const { file, name } = to.answer;
    return [{ file, name, at: ['routes', route, 'to', 'aggregate', 'compose'] }];
  });
}

/** Functions that are not there, and modules that cannot be run. Files that cannot be read are somebody else's business. */
export async function findFunctionMistakes(configuration: Pick<Configuration, 'routes'>): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { at, ...place } of listFunctions(configuration)) {
    const text = await readFile(place.file, 'utf8').catch(() => undefined);
    const loaded = text === undefined ? undefined : await loadCompose(place, text);
    if (loaded !== undefined && typeof loaded !== 'function')
      findings.push({ path: at, code: 'invalid-value', message: `${place.file} ${loaded.problem}` });
  }
  return findings;
}

/** For a thread that is to run them: the control thread has seen that they are there. */
export async function loadFunctions(
  places: readonly FunctionPlace[],
  texts: Readonly<Record<string, string>>,
): Promise<(place: FunctionPlace) => Compose> {
  const loaded = new Map<string, Compose>();
  for (const place of places) {
    const compose = await loadCompose(place, texts[place.file] ?? '');
    assert(typeof compose === 'function', `${place.file} is the same for all threads`);
    loaded.set(toKey(place), compose);
  }
  return (place) => loaded.get(toKey(place))!;
}

function toKey({ file, name }: FunctionPlace): string {
  return `${file}#${name}`;
}
