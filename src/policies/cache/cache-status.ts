/** What `Cache-Status` says (RFC 9211). */
import { defineSlot, type Exchange } from '#http/exchange.ts';

/** What is said of an answer that the service gives; its being there says that the cache has looked at the request. */
export const saidSlot = defineSlot<string>('what the cache says');

const CACHE = 'gatehouse';

/** Why the service was asked (RFC 9211 §2.2). */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'request' | 'stale' | 'partial';

export function sayHit(ttlS: number, detail?: string): string {
  return `${CACHE}; hit; ttl=${ttlS}${detail === undefined ? '' : `; detail=${detail}`}`;
}

export interface ForwardWords {
  /** Of the answer of the service. */
  readonly status?: number | undefined;
  /** Seconds for which it is fresh. */
  readonly ttlS?: number | undefined;
  readonly isStored?: boolean;
  /** Somebody else's question was waited for. */
  readonly isCollapsed?: boolean;
  readonly detail?: string | undefined;
}

export function sayForwarded(reason: ForwardReason, words: ForwardWords = {}): string {
  const { status, ttlS, isStored = false, isCollapsed = false, detail } = words;
  let text = `${CACHE}; fwd=${reason}`;
  if (status !== undefined) text += `; fwd-status=${status}`;
  if (ttlS !== undefined) text += `; ttl=${ttlS}`;
  if (isStored) text += '; stored';
  if (isCollapsed) text += '; collapsed';
  return detail === undefined ? text : `${text}; detail=${detail}`;
}

/** `asking`: whose answer it is about; its client and whoever watches hear the same. */
export function say(exchange: Exchange, asking: Exchange, said: string): void {
  exchange.set(saidSlot, said);
  asking.journal?.note('cache', said);
}
