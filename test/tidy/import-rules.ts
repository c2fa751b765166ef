/** House rules on imports: floors, cycles, and the few files that may import even less than their floor allows. */
import { placeOf, policyRegistry } from './floors.ts';
import { type Import, importMapOf, importsOf } from './imports.ts';
import { type Finding, isProgramPath, isTestPath, type RepositoryFile } from './repository.ts';

const policyFile = /^src\/policies\/([^/]+)\/(.+)$/;

function importsWhere(files: readonly RepositoryFile[], wanted: (path: string) => boolean): Import[] {
  const importMap = importMapOf(files);
  return files.filter(({ path }) => /\.tsx?$/.test(path) && wanted(path)).flatMap((file) => importsOf(file, importMap));
}

/** Folders import only from lower floors, and `src/` imports nothing outside `src/`. Type imports count. */
export function importDirection(files: readonly RepositoryFile[]): Finding[] {
  const findings: Finding[] = [];
  const report = (path: string, line: number, message: string) =>
    findings.push({ rule: 'import-direction', path, line, message });
  for (const { path } of files) {
    if (isProgramPath(path) && placeOf(path) === undefined)
      report(path, 1, 'stands on no floor; add its folder to test/tidy/floors.ts');
  }
  for (const { from, line, specifier, path } of importsWhere(files, isProgramPath)) {
    const problem = path === undefined ? unmapped(specifier) : directionProblem(from, path);
    if (problem !== undefined) report(from, line, `${specifier}: ${problem}`);
  }
  return findings;
}

function unmapped(specifier: string): string | undefined {
  return specifier.startsWith('#') ? 'not among the imports of package.json' : undefined;
}

function directionProblem(from: string, to: string): string | undefined {
  // The version is read from there.
  if (to === 'package.json') return undefined;
  if (!to.startsWith('src/')) return 'the program imports nothing outside src/';
  if (from === policyRegistry && policyFile.test(to)) return undefined;
  const here = placeOf(from);
  const there = placeOf(to);
  if (here === undefined || there === undefined || here.folder === there.folder) return undefined;
  if (there.floor < here.floor) return undefined;
  const direction = there.floor > here.floor ? 'up' : 'sideways';
  return `imports ${direction}, from ${here.folder} (floor ${here.floor}) to ${there.folder} (floor ${there.floor}); move what both need to a lower floor`;
}

/** No file of the program imports itself by a detour. Type imports count: they tie files together as firmly. */
export function importCycles(files: readonly RepositoryFile[]): Finding[] {
  const edges = new Map<string, Import[]>();
  for (const found of importsWhere(files, isProgramPath)) {
    edges.set(found.from, [...(edges.get(found.from) ?? []), found]);
  }
  const findings: Finding[] = [];
  const finished = new Set<string>();
  const open: string[] = [];
  const visit = (path: string): void => {
    open.push(path);
    for (const { path: next, line } of edges.get(path) ?? []) {
      if (next === undefined || finished.has(next)) continue;
      const start = open.indexOf(next);
      if (start === -1) visit(next);
      else findings.push({ rule: 'import-cycles', path, line, message: `cycle: ${[...open.slice(start), next].join(' -> ')}` });
    }
    open.pop();
    finished.add(path);
  };
  for (const path of edges.keys()) if (!finished.has(path)) visit(path);
  return findings;
}

/** A policy folder is closed: others see only its policy.ts, and its declarations load without any runtime. */
export function policyImports(files: readonly RepositoryFile[]): Finding[] {
  return importsWhere(files, isProgramPath).flatMap((found) => {
    const message = policyProblem(found);
    return message === undefined ? [] : [{ rule: 'policy-imports', path: found.from, line: found.line, message }];
  });
}

function policyProblem({ from, specifier, path }: Import): string | undefined {
  const [, policy, file] = policyFile.exec(from) ?? [];
  const [, importedPolicy, importedFile] = policyFile.exec(path ?? '') ?? [];
  if (file === 'config.ts' && specifier !== 'zod' && !specifier.startsWith('#schema/')) {
    return `${specifier}: config.ts imports only zod and #schema, so that documentation can load it alone`;
  }
  if (file === 'errors.ts' && !specifier.startsWith('#base/')) {
    return `${specifier}: errors.ts imports only #base, so that documentation can load it alone`;
  }
  if (importedPolicy === undefined || importedPolicy === policy) return undefined;
  if (policy !== undefined) return `${specifier}: a policy imports no other policy; pass facts through a slot of the exchange`;
  if (importedFile !== 'policy.ts') return `${specifier}: only policy.ts of a policy may be imported from outside its folder`;
  return undefined;
}

/** The console knows the gateway by HTTP only, and the gateway knows the console as files. */
export function consoleImports(files: readonly RepositoryFile[]): Finding[] {
  return importsWhere(files, (path) => path.startsWith('console/'))
    .filter(({ specifier, path }) => specifier.startsWith('#') || (path !== undefined && !path.startsWith('console/')))
    .map(({ from, line, specifier }) => {
      return {
        rule: 'console-imports',
        path: from,
        line,
        message: `${specifier}: the console asks the admin API for what it needs`,
      };
    });
}

/** Fakes and benches of test/support stay out of everything that runs for users. */
export function testSupportImports(files: readonly RepositoryFile[]): Finding[] {
  return importsWhere(files, (path) => !isTestPath(path))
    .filter(({ path }) => path?.startsWith('test/support/'))
    .map(({ from, line, specifier }) => {
      return {
        rule: 'test-support-imports',
        path: from,
        line,
        message: `${specifier}: only tests and bench import test/support`,
      };
    });
}
