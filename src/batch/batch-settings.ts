import type { HeadLimits } from './item-request.ts';
import type { ItemMeans } from './item-run.ts';

export interface BatchSettings {
  readonly requestsMax: number;
  readonly parallel: number;
  /** What becomes of those behind one that has failed. */
  readonly onFailure: 'continue' | 'stop';
  /** Lower-case names of fields that requests have from their batch, besides the usual ones. */
  readonly inherit: readonly string[];
  /** Origins, besides its own, whose pages may send batches. */
  readonly origins: readonly string[];
  readonly status: number;
  /** Where `set-cookie` of an answer goes. */
  readonly cookies: 'answer' | 'entry' | 'none';
  readonly bodyBytesMax: number;
  readonly answerBytesMax: number;
  readonly totalBytesMax: number;
  readonly itemTimeoutMs: number;
  readonly timeoutMs: number;
}

export interface BatchMeans extends ItemMeans {
  /** Of a listener, by its name. */
  readonly headLimitsOf: (listener: string) => HeadLimits;
}
