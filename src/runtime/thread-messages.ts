/** What the control thread and a data thread say to each other. */
import type { ListeningAt } from './listener-set.ts';
import type { ConfigurationFiles } from './named-files.ts';

/** What a data thread is told when it is made. */
export interface DataThreadStart {
  readonly sharesPorts: boolean;
  readonly opensUnixSockets: boolean;
}

/** A configuration on its way to the threads. */
export interface Delivery {
  readonly version: number;
  readonly configuration: SharedArrayBuffer;
  readonly files: ConfigurationFiles;
}

export type ToDataThread =
  | ({ readonly kind: 'apply' } & Delivery)
  | { readonly kind: 'drain'; readonly deadlineMs: number }
  | { readonly kind: 'close' }
  | { readonly kind: 'reopen-logs' };

export type FromDataThread =
  | { readonly kind: 'applied'; readonly version: number; readonly listening: readonly ListeningAt[] }
  | { readonly kind: 'refused'; readonly version: number; readonly reason: string }
  | { readonly kind: 'ended' };
