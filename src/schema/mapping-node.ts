/** What a mapping is once it has been read: plain data, so that it goes from thread to thread. */
import type { TemplateVariable } from './template.ts';

/** Where a reference begins, and what may follow there. */
export type MappingRoot =
  /** A JSON value: a path into it may follow. */
  | { readonly kind: 'json' }
  /** One value that is no JSON document, such as a status or a field. */
  | { readonly kind: 'text' }
  /** A name of any kind follows, as in `calls.NAME`. */
  | { readonly kind: 'named'; readonly of: MappingRoot }
  | { readonly kind: 'members'; readonly members: Readonly<Record<string, MappingRoot>> }
  /** A variable of templates. */
  | { readonly kind: 'request' };

export type MappingRoots = Readonly<Record<string, MappingRoot>>;

interface ReferencePlace {
  /** As it was written, without `${` and `}`. */
  readonly source: string;
  /** Where it stands in the mapping. */
  readonly at: readonly (string | number)[];
  /** A missing value is an error. */
  readonly isRequired: boolean;
}

export type MappingReference = ReferencePlace &
  (
    | { readonly shape: 'request'; readonly variable: TemplateVariable }
    /** `steps` lead into it, past members and items. */
    | { readonly shape: 'json'; readonly root: readonly string[]; readonly steps: readonly string[] }
    | { readonly shape: 'text'; readonly root: readonly string[] }
    /** The item that an `$each` around it is at. */
    | { readonly shape: 'item'; readonly name: string; readonly steps: readonly string[] }
  );

/** Literal text and references. */
export interface MappingText {
  readonly source: string;
  readonly parts: readonly (string | MappingReference)[];
}

export interface MappingMember {
  readonly name: string;
  readonly node: MappingNode;
}

export type MappingNode =
  /** JSON as it is written out. */
  | { readonly kind: 'literal'; readonly json: string }
  | { readonly kind: 'reference'; readonly reference: MappingReference }
  | { readonly kind: 'text'; readonly text: MappingText }
  | { readonly kind: 'map'; readonly members: readonly MappingMember[] }
  | { readonly kind: 'list'; readonly items: readonly MappingNode[] }
  | { readonly kind: 'pick' | 'omit'; readonly from: MappingNode; readonly names: readonly string[] }
  | { readonly kind: 'rename'; readonly from: MappingNode; readonly names: Readonly<Record<string, string>> }
  | { readonly kind: 'merge' | 'concat'; readonly of: readonly MappingNode[] }
  | { readonly kind: 'default'; readonly of: readonly MappingNode[] }
  | { readonly kind: 'flatten'; readonly from: MappingNode; readonly separator: string }
  | { readonly kind: 'group'; readonly from: MappingNode; readonly by: string }
  | JoinNode
  | { readonly kind: 'mergeBy'; readonly lists: readonly MappingNode[]; readonly by: string }
  | EachNode
  | {
      readonly kind: 'if';
      readonly when: MappingCondition;
      readonly whenTrue: MappingNode;
      readonly otherwise: MappingNode | undefined;
    }
  | { readonly kind: 'toText' | 'toNumber' | 'count'; readonly from: MappingNode };

export interface JoinNode {
  readonly kind: 'join';
  readonly from: MappingNode;
  readonly with: MappingNode;
  /** Names of the members that have to be equal. */
  readonly fromName: string;
  readonly withName: string;
  /** The member that what was found is put under; without it, the two are merged. */
  readonly as: string | undefined;
  /** All that is found, as a list, and not the first alone. */
  readonly isMany: boolean;
}

export interface EachNode {
  readonly kind: 'each';
  readonly in: MappingNode;
  readonly as: string;
  readonly when: MappingCondition | undefined;
  readonly do: MappingNode;
}

export type MappingCondition =
  | { readonly kind: 'exists'; readonly value: MappingNode }
  /** The values as JSON. */
  | { readonly kind: 'in'; readonly value: MappingNode; readonly values: readonly string[] }
  | { readonly kind: 'not'; readonly condition: MappingCondition }
  | { readonly kind: 'all' | 'any'; readonly conditions: readonly MappingCondition[] };

/** All references of a mapping or a text, wherever they stand. */
export function listReferences(of: MappingNode | MappingText): readonly MappingReference[] {
  const found: MappingReference[] = [];
  collectReferences(of, found);
  return found;
}

/**
 * Whether what a root stands for is nothing but put into maps and lists, whole and once: then it need not be there when the rest is made.
 */
export function passesWhole(node: MappingNode, root: readonly string[]): boolean {
  const uses = listReferences(node).filter((reference) => reference.shape === 'json' && isSame(reference.root, root));
  return uses.length === 1 && holdsWhole(node, root);
}

function holdsWhole(node: MappingNode, root: readonly string[]): boolean {
  switch (node.kind) {
    case 'reference':
      return node.reference.shape === 'json' && isSame(node.reference.root, root) && node.reference.steps.length === 0;
    case 'map':
      return node.members.some((member) => holdsWhole(member.node, root));
    case 'list':
      return node.items.some((item) => holdsWhole(item, root));
    default:
      return false;
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((step, i) => step === other[i]);
}

/** A reference is the only plain data here that has a shape. */
function collectReferences(value: unknown, found: MappingReference[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (isReference(value)) found.push(value);
  else for (const item of Object.values(value)) collectReferences(item, found);
}

function isReference(value: object): value is MappingReference {
  return 'shape' in value && typeof value.shape === 'string';
}
