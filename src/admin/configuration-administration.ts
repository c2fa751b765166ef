/** What the admin API shows of the present configuration and those before it, and how others take its place. */
import type { GatewayError } from '#base/errors.ts';
import type { Operator } from './operator.ts';

export const configurationSources = ['file', 'reload', 'api', 'rollback'] as const;
export type ConfigurationSourceKind = (typeof configurationSources)[number];

export interface ConfigurationView {
  readonly version: number;
  readonly hash: string;
  /** As written, with `"***"` in the place of secrets. YAML; of a configuration that is a program, its value. */
  readonly text: string;
  readonly appliedAt: string;
  readonly source: ConfigurationSourceKind;
  readonly by: string;
}

export interface ConfigurationIssue {
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** `routes.orders.to`; empty for the document itself. */
  readonly path: string;
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

export interface ConfigurationJudgement {
  /** Without an error. */
  readonly ok: boolean;
  readonly issues: readonly ConfigurationIssue[];
}

/** Why one was not applied, or which one is now. */
export interface ApplyOutcome extends ConfigurationJudgement {
  readonly hash?: string | undefined;
  readonly version?: number | undefined;
}

/** What became of requests while a configuration was the present one: each counts when it is over. */
export interface ConfigurationTraffic {
  readonly requests: number;
  /** Those that were answered with 5xx. */
  readonly errors: number;
  readonly p95Ms: number;
}

export interface HistoryEntryView {
  readonly hash: string;
  /** How many configurations were applied in the process before it, and itself. */
  readonly version: number;
  readonly appliedAt: string;
  readonly source: ConfigurationSourceKind;
  readonly by: string;
  readonly current: boolean;
  /** Compared with the one that was applied before it. */
  readonly lines: { readonly added: number; readonly removed: number };
  /** Since it was applied last. `undefined`: nobody has counted. */
  readonly traffic?: ConfigurationTraffic | undefined;
}

export interface ConfigurationAdministration {
  /** Of the present one. */
  readonly currentHash: string;
  show(): Promise<ConfigurationView>;
  /** Changes nothing. */
  check(text: string): Promise<ConfigurationJudgement>;
  apply(text: string, operator: Operator): Promise<ApplyOutcome | GatewayError>;
  /** The latest first. */
  listHistory(): readonly HistoryEntryView[];
  /** `hash`: also its beginning, where only one has it. */
  findText(hash: string): Promise<{ readonly hash: string; readonly text: string } | GatewayError>;
  /** Without `against`: the one that was applied before it. */
  compare(hash: string, against: string | undefined): Promise<string | GatewayError>;
  rollBack(hash: string, operator: Operator): Promise<ApplyOutcome | GatewayError>;
}
