import type { Configuration } from '#config/configuration.ts';

/** The listener of a request that does not say which it comes through: the first that reads requests. */
export function findRequestListener(listeners: Configuration['listeners'] | undefined): string {
  const found = Object.entries(listeners ?? {}).find(([, { tcp }]) => tcp === undefined);
  return found?.[0] ?? '';
}
