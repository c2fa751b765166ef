/** Which file is the configuration when nobody names one. */
import { resolve } from 'node:path';

/** In this order; the first that exists is taken. A program comes first, because it may read one of the others. */
export const defaultFileNames = ['gatehouse.config.ts', 'gatehouse.yaml', 'gatehouse.yml', 'gatehouse.json'] as const;

/** The name of the configuration file in a folder, or `undefined`. */
export function findDefaultFile(folder: string, exists: (path: string) => boolean): string | undefined {
  return defaultFileNames.find((name) => exists(resolve(folder, name)));
}
