/** The folders whose files a configuration serves. What is in them is read for each request; that they are there is looked at now. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '#config/configuration.ts';
import type { Finding, IssuePath } from '#config/issue.ts';
import { explainReadError } from '#config/references.ts';

/** Folders, and files in them that the configuration names, that are not there. */
export async function findFolderMistakes({ routes }: Configuration): Promise<Finding[]> {
  const findings: Promise<Finding | undefined>[] = [];
  for (const [name, { to }] of Object.entries(routes)) {
    if (to.kind !== 'files') continue;
    const at = ['routes', name, 'to', 'files'];
    findings.push(findMistake(to.folder, 'folder', [...at, 'folder']));
    for (const setting of ['fallback', 'notFound'] as const) {
      const path = to[setting];
      if (path !== undefined) findings.push(findMistake(join(to.folder, path), 'file', [...at, setting]));
    }
  }
  return (await Promise.all(findings)).filter((finding) => finding !== undefined);
}

async function findMistake(path: string, kind: 'folder' | 'file', at: IssuePath): Promise<Finding | undefined> {
  try {
    const stats = await stat(path);
    if (kind === 'folder' ? stats.isDirectory() : stats.isFile()) return undefined;
    return { path: at, code: 'unreadable-file', message: `${path} is not a ${kind}` };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? `there is no such ${kind}` : explainReadError(error);
    return { path: at, code: 'unreadable-file', message: `the ${kind} ${path} cannot be read: ${why}` };
  }
}
