/** The files whose texts policies need, wherever policies stand: maps such as `{ file: PATH }` inside of their settings. */
import { resolve } from 'node:path';
import { isMap, isText } from '#schema/forms.ts';
import type { Configuration } from '../configuration.ts';
import type { IssuePath } from '../issue.ts';
import type { PolicyBlocks } from './policy-blocks.ts';

/** As much of a policy as is needed to find its files. */
export interface FileReadingPolicy {
  readonly name: string;
  readonly fileSettings?: readonly string[];
}

export interface PolicyFile {
  readonly path: string;
  /** What it must be. */
  readonly form: 'authority' | 'key-set' | undefined;
  /** The policy that names it. */
  readonly at: IssuePath;
}

type WithPolicies = Pick<Configuration, 'policies' | 'listeners' | 'routes'>;

/** Maps in maps that are looked into. */
const DEPTH_MAX = 8;

/** Every place that names a file. The paths are as they stand there. */
export function findPolicyFiles(
  { policies, listeners, routes }: WithPolicies,
  reading: readonly FileReadingPolicy[],
): PolicyFile[] {
  const found = findInBlocks(policies, ['policies'], reading);
  for (const [name, listener] of Object.entries(listeners))
    found.push(...findInBlocks(listener.policies, ['listeners', name, 'policies'], reading));
  for (const [name, route] of Object.entries(routes))
    found.push(...findInBlocks(route.policies, ['routes', name, 'policies'], reading));
  return found;
}

/** The same settings with absolute paths. */
export function resolvePolicyFiles(blocks: PolicyBlocks, folder: string, reading: readonly FileReadingPolicy[]): PolicyBlocks {
  const changed: Record<string, unknown> = {};
  for (const { name, fileSettings = [] } of reading) {
    const block = blocks[name];
    if (!isMap(block) || fileSettings.length === 0) continue;
    const settings = fileSettings
      .filter((setting) => block[setting] !== undefined)
      .map((setting) => [setting, resolveIn(block[setting], folder, 0)]);
    changed[name] = { ...block, ...Object.fromEntries(settings) };
  }
  return Object.keys(changed).length === 0 ? blocks : { ...blocks, ...changed };
}

function findInBlocks(blocks: PolicyBlocks | undefined, at: IssuePath, reading: readonly FileReadingPolicy[]): PolicyFile[] {
  if (blocks === undefined) return [];
  return reading.flatMap(({ name, fileSettings = [] }) => {
    const block = blocks[name];
    if (!isMap(block)) return [];
    return fileSettings.flatMap((setting) => [...findIn(block[setting], [...at, name], 0)]);
  });
}

function* findIn(value: unknown, at: IssuePath, depth: number): Generator<PolicyFile> {
  if (!isPlain(value) || depth === DEPTH_MAX) return;
  if (isFile(value)) yield { path: value.file, form: value.form, at };
  for (const item of Object.values(value)) yield* findIn(item, at, depth + 1);
}

function resolveIn(value: unknown, folder: string, depth: number): unknown {
  if (!isPlain(value) || depth === DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((item) => resolveIn(item, folder, depth + 1));
  const changed = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveIn(item, folder, depth + 1)]));
  return isFile(value) ? { ...changed, file: resolve(folder, value.file) } : changed;
}

/** No secret, whose text nobody looks at. */
function isPlain(value: unknown): value is object {
  return Array.isArray(value) || (isMap(value) && Object.getPrototypeOf(value) === Object.prototype);
}

function isFile(value: object): value is { readonly file: string; readonly form?: PolicyFile['form'] } {
  return isMap(value) && isText(value['file']);
}
