/** The documents and schemas that settings of policies name, wherever policies stand. */
import { resolve } from 'node:path';
import type { ContractSource } from '#schema/contract-source.ts';
import { isMap } from '#schema/forms.ts';
import type { Configuration } from '../configuration.ts';
import type { IssuePath } from '../issue.ts';
import type { PolicyBlocks } from './policy-blocks.ts';

/** As much of a policy as is needed to find its contracts. */
export interface ContractPolicy {
  readonly name: string;
  readonly contractSettings?: readonly string[];
}

export interface NamedContract {
  readonly source: ContractSource;
  /** The setting that names it. */
  readonly at: IssuePath;
}

type WithPolicies = Pick<Configuration, 'policies' | 'listeners' | 'routes'>;

/** Every place that names one, or holds it. */
export function findContracts({ policies, listeners, routes }: WithPolicies, using: readonly ContractPolicy[]): NamedContract[] {
  const found = findInBlocks(policies, ['policies'], using);
  for (const [name, listener] of Object.entries(listeners))
    found.push(...findInBlocks(listener.policies, ['listeners', name, 'policies'], using));
  for (const [name, route] of Object.entries(routes))
    found.push(...findInBlocks(route.policies, ['routes', name, 'policies'], using));
  return found;
}

/** The same settings with absolute paths. */
export function resolveContracts(blocks: PolicyBlocks, folder: string, using: readonly ContractPolicy[]): PolicyBlocks {
  const changed: Record<string, unknown> = {};
  for (const { name, contractSettings = [] } of using) {
    const block = blocks[name];
    if (!isMap(block)) continue;
    const resolved = contractSettings.flatMap((setting) => {
      const source = toSource(block[setting]);
      return source === undefined || source.form === 'inline'
        ? []
        : [[setting, { ...source, file: resolve(folder, source.file) }]];
    });
    if (resolved.length > 0) changed[name] = { ...block, ...Object.fromEntries(resolved) };
  }
  return Object.keys(changed).length === 0 ? blocks : { ...blocks, ...changed };
}

function findInBlocks(blocks: PolicyBlocks | undefined, at: IssuePath, using: readonly ContractPolicy[]): NamedContract[] {
  if (blocks === undefined) return [];
  return using.flatMap(({ name, contractSettings = [] }) => {
    const block = blocks[name];
    if (!isMap(block)) return [];
    return contractSettings.flatMap((setting) => {
      const source = toSource(block[setting]);
      return source === undefined ? [] : [{ source, at: [...at, name, setting] }];
    });
  });
}

/** Settings are validated by now: what is there is one. */
function toSource(setting: unknown): ContractSource | undefined {
  return isMap(setting) ? (setting as unknown as ContractSource) : undefined;
}
