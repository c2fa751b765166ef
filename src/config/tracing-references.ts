/** Names in `tracing` that there are not. */
import { isMap, isText } from '#schema/forms.ts';
import type { IssuePath } from './issue.ts';

export interface TracingUse {
  readonly kind: 'route' | 'listener';
  readonly name: string;
  readonly path: IssuePath;
}

/** What its rules name. Parts of a wrong shape are passed over: the schema reports them. */
export function listTracingUses(tracing: unknown): TracingUse[] {
  const rules = isMap(tracing) && Array.isArray(tracing['rules']) ? tracing['rules'] : [];
  return rules.flatMap((rule: unknown, index): TracingUse[] => {
    if (!isMap(rule)) return [];
    const path = ['tracing', 'rules', index];
    const routes = listNames('route', rule['routes'], [...path, 'routes']);
    const { match } = rule;
    if (Array.isArray(match)) return [...routes, ...match.flatMap((each, i) => listListeners(each, [...path, 'match', i]))];
    return [...routes, ...listListeners(match, [...path, 'match'])];
  });
}

function listListeners(match: unknown, path: IssuePath): TracingUse[] {
  return isMap(match) ? listNames('listener', match['listener'], [...path, 'listener']) : [];
}

function listNames(kind: TracingUse['kind'], named: unknown, path: IssuePath): TracingUse[] {
  if (isText(named)) return [{ kind, name: named, path }];
  return Array.isArray(named)
    ? named.flatMap((name: unknown, index) => (isText(name) ? [{ kind, name, path: [...path, index] }] : []))
    : [];
}
