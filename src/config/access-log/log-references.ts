/** What the choice of lines names: routes and listeners. */
import type { IssuePath } from '#config/issue.ts';
import { isMap, isText } from '#schema/forms.ts';

export interface LogUse {
  readonly kind: 'route' | 'listener';
  readonly name: string;
  readonly path: IssuePath;
}

/** Parts of a wrong shape are passed over: the schema reports them. */
export function listLogUses(accessLog: unknown): LogUse[] {
  if (!isMap(accessLog)) return [];
  const { to } = accessLog;
  const path = ['accessLog'];
  const ofItems = Array.isArray(to) ? to.flatMap((item: unknown, index) => listUsesOf(item, [...path, 'to', index])) : [];
  return [...listUsesOf(accessLog, path), ...ofItems];
}

function listUsesOf(log: unknown, path: IssuePath): LogUse[] {
  if (!isMap(log)) return [];
  const { filter, sample } = log;
  const except = isMap(filter) ? filter['except'] : undefined;
  const always = isMap(sample) ? sample['always'] : undefined;
  return [
    ...listConditionUses(filter, [...path, 'filter']),
    ...listConditionUses(except, [...path, 'filter', 'except']),
    ...listConditionUses(always, [...path, 'sample', 'always']),
  ];
}

function listConditionUses(conditions: unknown, path: IssuePath): LogUse[] {
  if (!isMap(conditions)) return [];
  const kinds = ['route', 'listener'] as const;
  return kinds.flatMap((kind) => listNames(kind, conditions[kind], [...path, kind]));
}

function listNames(kind: LogUse['kind'], named: unknown, path: IssuePath): LogUse[] {
  if (isText(named)) return [{ kind, name: named, path }];
  const list = Array.isArray(named) ? named : [];
  return list.flatMap((name: unknown, index) => (isText(name) ? [{ kind, name, path: [...path, index] }] : []));
}
