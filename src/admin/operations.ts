/**
 * The operations of the admin API and the role that each needs, as its own document declares them (`x-gatehouse-role`). What
 * the document does not name is not there, so that nothing can be reached without its role having been looked at.
 */
import type { OperatorRole } from '#config/operator-roles.ts';

export interface Operation {
  /** In capitals. */
  readonly method: string;
  /** `/api/services/{name}`. */
  readonly path: string;
  readonly role: OperatorRole;
}

interface DeclaredOperation {
  readonly method: string;
  readonly path: string;
  readonly 'x-gatehouse-role'?: OperatorRole;
}

/** Looking needs `read`, changing `operate`, where nothing else is declared. */
export function roleOf({ method, 'x-gatehouse-role': declared }: DeclaredOperation): OperatorRole {
  return declared ?? (method.toLowerCase() === 'get' ? 'read' : 'operate');
}

export class Operations {
  readonly #operations: readonly (Operation & { readonly segments: readonly string[] })[];

  constructor(declared: readonly DeclaredOperation[]) {
    this.#operations = declared.map((route) => {
      const { method, path } = route;
      return { method: method.toUpperCase(), path, role: roleOf(route), segments: path.split('/') };
    });
  }

  /** `path`: as it was sent, without the query. What is written in another way than the document writes it names nothing. */
  find(method: string, path: string): Operation | undefined {
    const asked = path.split('/');
    const wanted = method === 'HEAD' ? 'GET' : method;
    return this.#operations.find(
      (operation) =>
        operation.method === wanted &&
        operation.segments.length === asked.length &&
        operation.segments.every((segment, index) => isSame(segment, asked[index]!)),
    );
  }
}

function isSame(declared: string, asked: string): boolean {
  return declared.startsWith('{') ? asked !== '' : declared === asked;
}
