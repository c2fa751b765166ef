/** Tokens that the gateway makes itself, and the document with its keys, need keys. */
import { isMap } from '#schema/forms.ts';
import type { Finding, IssuePath } from '../issue.ts';

/** As much of a policy as is needed to find what signs. */
interface SigningPolicy {
  readonly name: string;
  readonly signingSettings?: readonly string[] | undefined;
}

const MESSAGE =
  'there is no `tokenKeys` block with the key that signs; write one, such as `tokenKeys: { current: "${file:/run/secrets/token-key.pem}" }`';

/** Places without what they need. */
export function findMissingTokenKeys(
  configuration: Readonly<Record<string, unknown>>,
  policies: readonly SigningPolicy[],
): Finding[] {
  if (configuration['tokenKeys'] !== undefined) return [];
  const { listeners } = configuration;
  // Of many routes, each would be asked for all policies.
  const signers = policies.filter(({ signingSettings }) => signingSettings !== undefined);
  const routes = listEntries(configuration['routes'], ['routes']);
  const places: [place: unknown, path: IssuePath][] = [[configuration, []], ...listEntries(listeners, ['listeners']), ...routes];
  const signing = places.flatMap(([place, path]) => (isMap(place) ? listSigning(place, path, signers) : []));
  const published = routes.flatMap(([route, path]) =>
    isMap(route) && isMap(route['to']) && 'jwks' in route['to'] ? [[...path, 'to', 'jwks']] : [],
  );
  return [...signing, ...published].map((path) => ({ path, code: 'unknown-name', message: MESSAGE }));
}

function listSigning(
  { policies: blocks }: Readonly<Record<string, unknown>>,
  path: IssuePath,
  policies: readonly SigningPolicy[],
): IssuePath[] {
  if (!isMap(blocks)) return [];
  return policies.flatMap(({ name, signingSettings = [] }) =>
    signingSettings.flatMap((setting) => listUses(blocks[name], [...path, 'policies', name], setting.split('.'))),
  );
}

/** Where there is something at this path; `*` is any name. */
function listUses(value: unknown, path: IssuePath, [key, ...rest]: readonly string[]): IssuePath[] {
  if (key === undefined) return [path];
  return listEntries(value, path).flatMap(([item, itemPath]) =>
    key === '*' || itemPath.at(-1) === key ? listUses(item, itemPath, rest) : [],
  );
}

function listEntries(value: unknown, path: IssuePath): [value: unknown, path: IssuePath][] {
  return isMap(value) ? Object.entries(value).map(([key, item]) => [item, [...path, key]]) : [];
}
