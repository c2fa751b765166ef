/**
 * What the control thread asks of those who observe exchanges in the threads, and what these tell it. The last order of each kind
 * is given to threads that start later, too.
 */
import type { AccessLogObserved } from './access-log-messages.ts';

export interface ObservingOrder {
  readonly kind: string;
}

export type Observed = AccessLogObserved;
