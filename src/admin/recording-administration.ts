/** Recordings that operators ask for while the gateway runs. */
import type { GatewayError } from '#base/errors.ts';
import type { AskedRecording } from '#config/recording-schema.ts';
import type { Operator } from './operator.ts';

export interface RecordingAdministration {
  /**
   * Events `exchange` with what is recorded, each a line of the format of recordings, until the time is over or nobody reads any
   * more; then an event `end` that tells how many there were.
   */
  start(asked: AskedRecording, seconds: number, operator: Operator): Promise<ReadableStream<Uint8Array> | GatewayError>;
}
