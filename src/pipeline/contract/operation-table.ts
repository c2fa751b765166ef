/** Finds the operation of a document that a request asks for. */
import type { ContractIndex, OperationEntry, PathEntry } from './contract.ts';
import { PathTree } from './path-tree.ts';
import type { PathTexts } from './request-check.ts';

export type OperationLookup =
  | { readonly kind: 'found'; readonly entry: OperationEntry; readonly template: string; readonly path: PathTexts }
  /** The path has other methods. */
  | { readonly kind: 'no-method'; readonly methods: readonly string[] }
  | { readonly kind: 'no-path' };

const noPath: OperationLookup = { kind: 'no-path' };

export class OperationTable {
  readonly #tree = new PathTree<PathEntry>();

  /** `basePath`: where the paths of the document stand, in the place of its servers. */
  constructor({ paths }: Pick<ContractIndex, 'paths'>, basePath: string | undefined) {
    const byTemplate = new Map<string, PathEntry>();
    for (const entry of paths) {
      for (const base of basePath === undefined ? entry.bases : [basePath]) {
        const template = base + entry.template;
        const other = byTemplate.get(template);
        byTemplate.set(
          template,
          other === undefined ? entry : { ...entry, operations: { ...entry.operations, ...other.operations } },
        );
      }
    }
    for (const [template, entry] of byTemplate) this.#tree.add(encodeLiterals(template), { ...entry, template });
  }

  /** `path`: normalised, as requests have it. */
  find(method: string, path: string): OperationLookup {
    const match = this.#tree.find(path);
    if (match === undefined) return noPath;
    const { operations, template } = match.value;
    // RFC 9110 §9.3.2: HEAD is GET without the body.
    const entry = operations[method] ?? (method === 'HEAD' ? operations['GET'] : undefined);
    if (entry === undefined) return { kind: 'no-method', methods: listMethods(operations) };
    return { kind: 'found', entry, template, path: match };
  }
}

function listMethods(operations: PathEntry['operations']): string[] {
  const methods = Object.keys(operations);
  return methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods;
}

/** As the paths of requests are written; braces stay, since they are what the template is for. */
function encodeLiterals(template: string): string {
  return template.replaceAll(/[^{}!-~]/gu, (character) => encodeURIComponent(character));
}
