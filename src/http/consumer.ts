/** Whom a credential identifies; the same notion for every policy. */
export interface Consumer {
  /** The name that the configuration gives it. */
  readonly name: string;
  readonly groups: readonly string[];
}
