import { defineSlot } from '#http/exchange.ts';
import type { ComparisonOrder } from './comparison/answer-comparison.ts';

/** That a copy of the request is to go to another service. A policy decides it, and whoever forwards the request carries it out. */
export interface MirrorOrder {
  /** Name of the service. */
  readonly service: string;
  /** Requests with longer bodies are not copied. */
  readonly bodyBytesMax: number;
  /** From the head of the request to the end of the copy's answer. */
  readonly timeoutMs: number;
  /** Its answer is compared with the one that the client gets. */
  readonly compare?: ComparisonOrder | undefined;
}

export const mirrorSlot = defineSlot<MirrorOrder>('mirror');
