/** What the control thread and a data thread say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { AnswerPurge } from '#base/answer-store.ts';
import type { AcmeChallenges } from '#net/acme-challenges.ts';
import type { EndpointList } from '#services/endpoint-list.ts';
import type { EncodedConfiguration } from '#snapshot/encoded-configuration.ts';
import type { ListeningAt } from './listener-set.ts';
import type { Observed, ObservingOrder } from './observing-messages.ts';
import type { ConfigurationSupplies } from './served-snapshot.ts';
import type { TicketKeyring } from './ticket-keys.ts';

/** What a data thread is told when it is made. */
export interface DataThreadStart {
  readonly sharesPorts: boolean;
  readonly opensUnixSockets: boolean;
  /** No other thread that lives has it. */
  readonly threadNumber: number;
  /** Of the endpoint board. */
  readonly board: SharedArrayBuffer;
  /** What refusals are counted in. */
  readonly refusals: SharedArrayBuffer;
  /** What it is counted in what caches do. */
  readonly cacheCounts: SharedArrayBuffer;
  /** What this thread alone counts in. */
  readonly meter: SharedArrayBuffer;
}

/** A configuration on its way to the threads. */
export interface Delivery extends ConfigurationSupplies {
  readonly version: number;
  readonly configuration: EncodedConfiguration;
}

export type ToDataThread =
  /** Answered by `applied` or `refused`. */
  | ({ readonly kind: 'apply' } & Delivery)
  /** Answered by `prepared` or `refused`; nothing has changed then. */
  | ({ readonly kind: 'prepare' } & Delivery)
  /** Makes the prepared configuration the present one; answered by `applied`. */
  | { readonly kind: 'commit' }
  | { readonly kind: 'abandon' }
  | { readonly kind: 'drain'; readonly deadlineMs: number }
  | { readonly kind: 'close' }
  | { readonly kind: 'reopen-logs' }
  /** Throws answers out of the store that gateways share. Answered by `purged` or `refused`. */
  | { readonly kind: 'purge-store'; readonly what: AnswerPurge }
  /** What an authority is shown from now on. */
  | { readonly kind: 'challenges'; readonly challenges: AcmeChallenges }
  | { readonly kind: 'ticket-keys'; readonly keys: TicketKeyring }
  /** For those who observe exchanges. */
  | { readonly kind: 'observe'; readonly order: ObservingOrder }
  /** A service has other endpoints than before. */
  | { readonly kind: 'endpoints'; readonly service: string; readonly list: EndpointList };

export type FromDataThread =
  | { readonly kind: 'prepared' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'applied'; readonly listening: readonly ListeningAt[] }
  | { readonly kind: 'ended' }
  | { readonly kind: 'purged' }
  /** Nobody has asked for it just now. */
  | { readonly kind: 'observed'; readonly observed: Observed }
  /** Over it the thread asks for what is kept in the memory of the process. */
  | { readonly kind: 'memory-port'; readonly port: MessagePort };
