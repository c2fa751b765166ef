/** What threads tell the control thread of their logs. */
import type { LogSettings } from '#config/access-log/access-log-schema.ts';
import type { SyslogTarget } from '#config/access-log/syslog-target-schema.ts';
import type { LogTarget, RemoteTarget } from '#config/access-log/target-schema.ts';

/** Whole lines for a place that the control thread sends to: of the access log, or of the error log. */
export interface HandedOver<Kind extends 'access-log-lines' | 'event-lines' = 'access-log-lines' | 'event-lines'> {
  readonly kind: Kind;
  /** As `toTargetKey`, or `toEventTarget`, has it. */
  readonly target: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The first word counts the bytes that the thread has handed over and that wait: whoever has sent or dropped them subtracts them. */
  readonly waiting: Int32Array<SharedArrayBuffer>;
}

/** Lines that there was no room for. */
export interface AccessLogDropped {
  readonly kind: 'access-log-dropped';
  /** What kind of place they would have gone to. */
  readonly to: string;
  readonly lines: number;
}

/** An event that there was no room for. */
export interface EventUnsent {
  readonly kind: 'event-unsent';
}

export type AccessLogLines = HandedOver<'access-log-lines'>;
export type EventLines = HandedOver<'event-lines'>;
export type EventObserved = EventLines | EventUnsent;
export type AccessLogObserved = AccessLogLines | AccessLogDropped;

/** Both sides know a place by its settings: those of secrets are not among them, since data threads do not have them. */
export function toTargetKey({ to, format, fields }: LogSettings): string {
  const { headers, sasl, ...place } = { headers: undefined, sasl: undefined, ...to };
  return JSON.stringify({ place, format, fields });
}

/** The same of the place that events go to. */
export function toEventTarget(place: SyslogTarget): string {
  return JSON.stringify(place);
}

/** Lines for it are given to the control thread. */
export function isRemote(target: LogTarget): target is RemoteTarget {
  return target.kind !== 'stdout' && target.kind !== 'file';
}
