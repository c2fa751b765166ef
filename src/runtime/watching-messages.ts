/** What the control thread and those who watch exchanges in the threads say to each other. */
import type { Exchange } from '#http/exchange.ts';
import type { ExchangeRecord } from '#http/exchange-record.ts';
import type { TapFilter } from '#http/tap-filter.ts';

export interface OrderedTap {
  readonly id: number;
  readonly filter: TapFilter;
  /** Whoever taps wants each exchange explained. */
  readonly explains: boolean;
}

/** All taps that there are; none: nobody taps any more. */
export interface TapOrder {
  readonly kind: 'tap';
  readonly taps: readonly OrderedTap[];
}

/** The document of an exchange whose client waits for it; one thread knows the exchange. */
export interface DocumentOrder {
  readonly kind: 'debug-document';
  readonly id: string;
  readonly text: string;
}

/** What has to be known of a request to explain it. Its fields may hold secrets: they are shown to nobody as they are. */
export interface WatchedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly listener: string;
  readonly clientAddress: string;
}

/** An exchange is over that somebody wants to hear of. */
export interface ExchangeSeen {
  readonly kind: 'exchange';
  readonly record: ExchangeRecord;
  /** Only where somebody may want it explained. */
  readonly request: WatchedRequest | undefined;
  /** Ids of the taps that it matches. */
  readonly taps: readonly number[];
  readonly hasFailed: boolean;
  /** Its client has shown a token, and may want to see its document. */
  readonly isKept: boolean;
  /** By which its client waits for the document. */
  readonly documentId: string | undefined;
}

/** More matched than may be told of in a second. */
export interface TapDropped {
  readonly kind: 'tap-dropped';
  readonly counts: readonly (readonly [tap: number, count: number])[];
}

export function toWatchedRequest({ request, shownTarget }: Exchange): WatchedRequest {
  const { method, target, authority, fields, listener, clientAddress } = request;
  const headers: [string, string][] = [['host', authority]];
  for (let i = 0; i < fields.length; i += 2) headers.push([fields[i]!, fields[i + 1]!]);
  return { method, url: shownTarget ?? target, headers, listener, clientAddress };
}
