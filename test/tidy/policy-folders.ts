/** House rules on policies: complete folders, and one line each in the registry. */
import { policyRegistry } from './floors.ts';
import type { Finding, RepositoryFile } from './repository.ts';
import { lineAt, scanSource } from './source-text.ts';

const policyFiles = ['config.ts', 'errors.ts', 'policy.ts', 'policy.test.ts', 'config.test.ts', 'policy.md'];

/** Every policy has its declaration, its tests and its page. */
export function completePolicies(files: readonly RepositoryFile[]): Finding[] {
  const paths = new Set(files.map(({ path }) => path));
  return policiesIn(files).flatMap((policy) => {
    const folder = `src/policies/${policy}`;
    return policyFiles
      .filter((name) => !paths.has(`${folder}/${name}`))
      .map((name) => ({ rule: 'complete-policies', path: folder, line: 1, message: `${name} is missing` }));
  });
}

/** Every policy is imported by the registry and stands in its list exactly once. */
export function registeredPolicies(files: readonly RepositoryFile[]): Finding[] {
  const registry = files.find(({ path }) => path === policyRegistry)?.text ?? '';
  return policiesIn(files).flatMap((policy) => {
    const problem = registryProblem(registry, policy);
    return problem === undefined
      ? []
      : [{ rule: 'registered-policies', path: policyRegistry, line: problem.line, message: problem.message }];
  });
}

function registryProblem(registry: string, policy: string): { line: number; message: string } | undefined {
  const { code, strings } = scanSource(registry);
  const imports = strings.filter(({ text }) => text === `./${policy}/policy.ts` || text === `#policies/${policy}/policy.ts`);
  if (imports.length === 0) return { line: 1, message: `${policy} is not registered` };
  const name = `${policy.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Policy`;
  // A policy may also be handed to another one, above the list.
  const list = /\bpolicyOrder = \[([^\]]*)\]/.exec(code)?.[1] ?? '';
  const uses = [...list.matchAll(new RegExp(`\\b${name}\\b`, 'g'))];
  if (imports.length === 1 && uses.length === 1) return undefined;
  return { line: lineAt(registry, imports[0]!.start), message: `${name} stands ${uses.length} times in the list, not once` };
}

function policiesIn(files: readonly RepositoryFile[]): string[] {
  const names = files.map(({ path }) => /^src\/policies\/([^/]+)\//.exec(path)?.[1]).filter((name) => name !== undefined);
  return [...new Set(names)];
}
