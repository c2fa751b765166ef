/**
 * What the control thread asks of those who observe exchanges in the threads, and what these tell it. The last order of each kind
 * is given to threads that start later, too.
 */
import type { AccessLogObserved, EventObserved } from './access-log-messages.ts';
import type { ComparedAnswers } from './comparison-side.ts';
import type { RecordedLine, RecordingsOrder } from './recording-messages.ts';
import type { RemovedNamesOrder } from './removed-names.ts';
import type { ObservedSpans } from './span-buffer.ts';
import type { DocumentOrder, ExchangeSeen, TapDropped, TapOrder } from './watching-messages.ts';

export type ObservingOrder = TapOrder | DocumentOrder | RecordingsOrder | RemovedNamesOrder;

export type Observed =
  | AccessLogObserved
  | EventObserved
  | ObservedSpans
  | ExchangeSeen
  | TapDropped
  | RecordedLine
  | ComparedAnswers;
