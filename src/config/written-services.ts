import { isMap, isText } from '#schema/forms.ts';

/** The services that a route's `to` names, in every form in which a user may write it; of a fallback too. */
export function listWrittenServices(to: unknown): string[] {
  if (isText(to)) return [to];
  if (Array.isArray(to)) return to.flatMap((item) => (isMap(item) ? listWrittenServices(item) : []));
  if (!isMap(to)) return [];
  return [
    ...listWrittenServices(to['service']),
    ...listWrittenList(to['services']),
    ...listWrittenFallback(to['fallback']),
    ...listWrittenCalls(to['aggregate']),
  ];
}

function listWrittenList(services: unknown): string[] {
  return Array.isArray(services) ? listWrittenServices(services) : [];
}

function listWrittenCalls(aggregate: unknown): string[] {
  const calls = isMap(aggregate) && isMap(aggregate['calls']) ? Object.values(aggregate['calls']) : [];
  return calls.flatMap((call) => (isMap(call) ? listWrittenServices(call['service']) : []));
}

function listWrittenFallback(fallback: unknown): string[] {
  return isMap(fallback) ? listWrittenServices(fallback['service']) : [];
}
