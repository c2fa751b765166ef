/** Who changed something by the admin API, or tried to: the latest in memory, all of it handed to whoever writes it down. */
import { limits } from '#base/limits.ts';
import type { OperatorRole } from '#config/operator-roles.ts';

export interface AuditEntry {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The name of the token; `unknown` for who was not let in. */
  readonly by: string;
  readonly role?: OperatorRole | undefined;
  readonly address: string;
  /** Method and path as the document of the API names them. */
  readonly action: string;
  /** The path that was asked for. */
  readonly target: string;
  /** `done`, `refused` for a configuration with mistakes, or the code of an error. */
  readonly outcome: string;
  /** What was there before, where it is small. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

export interface AuditLogOptions {
  /** Where entries go besides. */
  write?(entry: AuditEntry): void;
}

export const DONE = 'done';
/** A configuration with mistakes. */
export const REFUSED = 'refused';

export class AuditLog {
  readonly #options: AuditLogOptions;
  /** Apart, so that nobody who guesses tokens drives out what was done. */
  readonly #changes: AuditEntry[] = [];
  readonly #refusals: AuditEntry[] = [];

  constructor(options: AuditLogOptions = {}) {
    this.#options = options;
  }

  add(entry: AuditEntry): void {
    const { auditedChangesMax, auditedRefusalsMax } = limits;
    const isDone = entry.outcome === DONE;
    const entries = isDone ? this.#changes : this.#refusals;
    if (entries.length >= (isDone ? auditedChangesMax : auditedRefusalsMax)) entries.shift();
    entries.push(entry);
    this.#options.write?.(entry);
  }

  /** The latest first. */
  list(): AuditEntry[] {
    const newestFirst = [...this.#changes.toReversed(), ...this.#refusals.toReversed()];
    return newestFirst.toSorted((left, right) => (left.at === right.at ? 0 : left.at < right.at ? 1 : -1));
  }
}
