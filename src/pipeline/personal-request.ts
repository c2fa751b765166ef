import { defineSlot } from '#http/exchange.ts';

/** Somebody has decided about who asks, and named nobody: what the service answers may be for that one alone all the same. */
export const personalSlot = defineSlot<true>('answers may be personal');
