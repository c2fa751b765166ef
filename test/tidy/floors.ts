/**
 * The floors of the program as data. A folder imports only from lower floors, and folders on one floor do not import each
 * other. A pattern's `*` is one folder name, and every folder it matches counts as separate.
 */

export interface Floor {
  readonly floor: number;
  readonly folders: readonly string[];
}

const floors: readonly Floor[] = [
  { floor: 0, folders: ['src/base'] },
  { floor: 1, folders: ['src/wire/*', 'src/schema'] },
  { floor: 2, folders: ['src/net'] },
  { floor: 3, folders: ['src/http'] },
  { floor: 4, folders: ['src/pipeline', 'src/routing', 'src/services', 'src/stores'] },
  {
    floor: 5,
    folders: ['src/policies/*', 'src/forward', 'src/aggregate', 'src/batch', 'src/files', 'src/bridges/*', 'src/reply'],
  },
  { floor: 6, folders: ['src/config'] },
  { floor: 7, folders: ['src/snapshot', 'src/openapi'] },
  {
    floor: 8,
    folders: ['src/sources/*', 'src/kubernetes/*', 'src/telemetry', 'src/management', 'src/admin', 'src/certificates'],
  },
  { floor: 9, folders: ['src/runtime'] },
  // A gateway inside one process, on which tests and plans stand.
  { floor: 10, folders: ['src/rehearsal'] },
  { floor: 11, folders: ['src/testing', 'src/planning'] },
  // Asks which policies apply where, as plans do.
  { floor: 12, folders: ['src/auditing'] },
  // The ways in stand on the runtime: they start it, and it knows none of them.
  { floor: 13, folders: ['src/cli', 'src/gatehouse.ts', 'src/gatehouse-test.ts'] },
];

/** The one file that sees every policy: it lists them in their order of execution. */
export const policyRegistry = 'src/policies/registry.ts';

export interface Place {
  readonly floor: number;
  /** The folder that counts as one on its floor. */
  readonly folder: string;
}

/** Where a file of `src/` stands, or `undefined` when no floor has a place for it. */
export function placeOf(path: string): Place | undefined {
  if (path === policyRegistry) return { floor: 5, folder: policyRegistry };
  for (const { floor, folders } of floors) {
    for (const pattern of folders) {
      const folder = matchFolder(pattern, path);
      if (folder !== undefined) return { floor, folder };
    }
  }
  return undefined;
}

function matchFolder(pattern: string, path: string): string | undefined {
  if (pattern === path) return path;
  const wanted = pattern.split('/');
  const parts = path.split('/');
  if (parts.length <= wanted.length) return undefined;
  const matches = wanted.every((part, index) => part === '*' || part === parts[index]);
  return matches ? parts.slice(0, wanted.length).join('/') : undefined;
}
