/** `by: path.NAME` counts all requests together where no path captures that name. Works on what the user wrote. */
import { isMap, isText } from '#schema/forms.ts';
import { suggestWord } from '#schema/suggest.ts';
import type { Finding, IssuePath } from '../issue.ts';

const CAPTURE_KEY = /^path\.(.+)$/;

/** A path of a route, and what it captures. */
interface CapturingPath {
  readonly source: string;
  readonly captures: readonly string[];
}

interface CaptureUse {
  readonly name: string;
  readonly path: IssuePath;
}

/** In the policies of a route. `listPaths` lists those of its matches; `undefined` when one is wrong, so that it is not known. */
export function findMissingLimitCaptures(
  policies: unknown,
  path: IssuePath,
  listPaths: () => readonly CapturingPath[] | undefined,
): Finding[] {
  return listLimitCaptures(policies, path).flatMap(({ name, path: usePath }): Finding[] => {
    const lacking = listPaths()?.find(({ captures }) => !captures.includes(name));
    if (lacking === undefined) return [];
    const suggestion = suggestWord(name, lacking.captures);
    const ending = suggestion === undefined ? '' : `; did you mean \`path.${suggestion}\`?`;
    const where =
      lacking.source === ''
        ? 'a match without a path captures nothing'
        : `the path "${lacking.source}" does not capture \`${name}\``;
    return [{ path: usePath, code: 'unknown-name', message: `\`path.${name}\`: ${where}${ending}` }];
  });
}

/** In the policies of the gateway or a listener, which serve many routes. */
export function findForeignLimitCaptures(policies: unknown, path: IssuePath): Finding[] {
  return listLimitCaptures(policies, path).map(({ name, path: usePath }): Finding => {
    const message = `\`path.${name}\` belongs to the path of one route; use it in the policies of a route`;
    return { path: usePath, code: 'unknown-name', message };
  });
}

/** The policies that count by parts of a request. */
const countingPolicies = ['rate-limit', 'quota', 'concurrency'] as const;

function listLimitCaptures(policies: unknown, path: IssuePath): CaptureUse[] {
  if (!isMap(policies)) return [];
  return countingPolicies.flatMap((policy) => {
    const block = policies[policy];
    return listCaptures(isMap(block) ? block['by'] : undefined, [...path, policy, 'by']);
  });
}

function listCaptures(by: unknown, at: IssuePath): CaptureUse[] {
  const keys: [unknown, IssuePath][] = Array.isArray(by) ? by.map((key, index) => [key, [...at, index]]) : [[by, at]];
  return keys.flatMap(([key, keyPath]) => {
    const name = isText(key) ? CAPTURE_KEY.exec(key)?.[1] : undefined;
    return name === undefined ? [] : [{ name, path: keyPath }];
  });
}
