/** What the threads are told of recordings, and what they tell. */
import type { RecordingRules } from '#telemetry/recording/recording-rules.ts';

/** Everything that is to be recorded from now on. */
export interface RecordingsOrder {
  readonly kind: 'recordings';
  readonly recordings: readonly RecordingRules[];
  /** What `RecordingCounts` counts in. */
  readonly counts: SharedArrayBuffer;
}

export interface RecordedLine {
  readonly kind: 'recorded';
  /** Whose it is. */
  readonly id: number;
  /** With its end. */
  readonly line: string;
  readonly bytes: number;
}

/** What is to be recorded, without what this side knows by itself. */
export type AskedRules = Omit<RecordingRules, 'id' | 'redaction'> & {
  readonly redaction: Omit<RecordingRules['redaction'], 'key'>;
};
