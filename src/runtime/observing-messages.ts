import type { AccessLogObserved } from './access-log-messages.ts';
import type { ComparedAnswers } from './comparison-side.ts';
import type { RecordedLine, RecordingsOrder } from './recording-messages.ts';

/**
 * What the control thread asks of those who observe exchanges in the threads, and what these tell it. The last order of each kind
 * is given to threads that start later, too.
 */
export type ObservingOrder = RecordingsOrder;

export type Observed = AccessLogObserved | ComparedAnswers | RecordedLine;
