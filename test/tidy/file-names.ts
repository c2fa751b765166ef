/** House rules on names and on what no file of the repository may say. */
import { posix } from 'node:path';
import type { Finding, RepositoryFile } from './repository.ts';
import { lineAt } from './source-text.ts';

const forbiddenStems = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'types', 'index']);
const forbiddenEndings = /-(?:utils?|helpers?|common|misc)$/;
const kebabCase = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** TypeScript files are named in kebab-case after the one thing inside, never after a category. */
export function fileNames(files: readonly RepositoryFile[]): Finding[] {
  return files.flatMap(({ path }) => {
    if (!/\.tsx?$/.test(path)) return [];
    const problem = nameProblem(path);
    return problem === undefined ? [] : [{ rule: 'file-names', path, line: 1, message: problem }];
  });
}

function nameProblem(path: string): string | undefined {
  const stem = posix.basename(path).replace(/\..*$/, '');
  if (forbiddenStems.has(stem) || forbiddenEndings.test(stem))
    return 'names a category; name the file after the one thing inside';
  const parts = [...posix.dirname(path).split('/'), stem];
  const wrong = parts.find((part) => part !== '.' && !kebabCase.test(part));
  return wrong === undefined ? undefined : `${wrong} is not kebab-case`;
}

/** Written in pieces, so that this file does not break its own rule. */
const registryHosts = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['deb', 'debian', 'org'],
  ['pypi', 'org'],
  ['proxy', 'golang', 'org'],
  ['crates', 'io'],
].map((parts) => parts.join('.'));

const machinePath = /(?<=^|[\s"'`(=:])\/(?:work|root|home\/\w+|Users\/\w+)\/[\w.-]+/gm;

/** The repository works on every machine: it names no folder of one, and no host that packages come from. */
export function machineIndependence(files: readonly RepositoryFile[]): Finding[] {
  return files.flatMap(({ path, text }) => {
    const hosts = registryHosts.map((host) => ({ what: host, index: text.indexOf(host) })).filter(({ index }) => index !== -1);
    const paths = [...text.matchAll(machinePath)].map((match) => ({ what: match[0], index: match.index }));
    return [...hosts, ...paths].map(({ what, index }) => ({
      rule: 'machine-independence',
      path,
      line: lineAt(text, index),
      message: `${what} belongs to one machine or registry; use a relative path or the client's own setting`,
    }));
  });
}
