/** The repository's own text files, and the form in which a rule reports what it found in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RepositoryFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  readonly rule: string;
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** A house rule. Pure, so that each is tested with a few lines that break it. */
export type Rule = (files: readonly RepositoryFile[]) => Finding[];

export const repositoryRoot = join(import.meta.dirname, '../..');

const skippedFolders = new Set(['node_modules', 'dist', 'coverage', '.git', 'testdata']);
const textFile =
  /\.(?:ts|tsx|js|mjs|json|jsonc|md|yaml|yml|toml|sh|conf|html|css|txt)$|(?:^|\/)(?:run|gatehouse|Dockerfile|\.gitignore|\.npmrc)$/;

export function readRepository(root: string = repositoryRoot): RepositoryFile[] {
  return pathsBelow(root, '').map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function pathsBelow(root: string, folder: string): string[] {
  const paths: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !skippedFolders.has(entry.name)) paths.push(...pathsBelow(root, path));
    else if (entry.isFile() && textFile.test(path)) paths.push(path);
  }
  return paths.sort();
}

/** Files that only run under test: the rules for the program do not bind them. */
export function isTestPath(path: string): boolean {
  return /\.(?:test|fuzz)\.ts$/.test(path) || path.startsWith('test/') || path.startsWith('bench/');
}

/** TypeScript that is part of the program. */
export function isProgramPath(path: string): boolean {
  return path.startsWith('src/') && path.endsWith('.ts') && !isTestPath(path);
}
