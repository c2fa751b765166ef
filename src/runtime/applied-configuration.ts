import type { ConfigurationSourceKind, ConfigurationTraffic } from '#admin/configuration-administration.ts';

/** Where a configuration came from, and who has brought it. */
export interface ConfigurationOrigin {
  readonly source: ConfigurationSourceKind;
  /** An operator; `file` for the file. */
  readonly by: string;
}

/** A configuration that was applied. */
export interface AppliedConfiguration {
  /** `hashConfiguration`. */
  readonly hash: string;
  readonly version: number;
  readonly appliedMs: number;
  readonly origin: ConfigurationOrigin;
}

export interface LineCounts {
  readonly added: number;
  readonly removed: number;
}

export interface HistoryEntry extends AppliedConfiguration {
  /** As it was written, references unresolved; of a value that a program made, its JSON. */
  readonly text: string;
  /** The text is that of a value. */
  readonly isMade: boolean;
  /** Compared with the one before it. */
  readonly lines: LineCounts;
  /** Until another one took its place. `undefined`: it is the present one, or nobody has counted. */
  readonly traffic?: ConfigurationTraffic | undefined;
}
