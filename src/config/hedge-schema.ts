/** `hedge`: a second attempt beside one that is slow. */
import { z } from 'zod';
import { parseDuration } from '#schema/duration-text.ts';
import { quote } from '#schema/quote.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';

const HEDGES_MAX = 3;
const DELAY_MS_MAX = 60_000;

/** When a further attempt starts beside one that has not answered. */
export type HedgeDelay =
  | { readonly kind: 'fixed'; readonly ms: number }
  /** As long as this share of the attempts take at most. */
  | { readonly kind: 'quantile'; readonly share: number };

const hedgeDelay = textKind({
  noun: 'a duration or a percentile',
  examples: ['p95', '50ms'],
  pattern: /^(?:p\d{2}(?:\.\d)?|\d{1,12}(?:\.\d{1,3})?(?:ms|s|m))$/,
  help: 'A duration from 1ms to 1m, or a percentile of the times in which the service answers, from p50 to p99.9.',
  read: readHedgeDelay,
});

function readHedgeDelay(text: string): Reading<HedgeDelay> {
  const percentile = /^p(\d{2}(?:\.\d)?)$/.exec(text)?.[1];
  if (percentile !== undefined) {
    if (Number(percentile) < 50) return { problem: `${quote(text)} would double most requests; at least \`p50\`` };
    return { value: { kind: 'quantile', share: Number(percentile) / 100 } };
  }
  const ms = parseDuration(text);
  if (ms === undefined)
    return { problem: `${quote(text)} is neither a duration such as \`50ms\` nor a percentile such as \`p95\`` };
  if (ms < 1 || ms > DELAY_MS_MAX) return { problem: `${quote(text)} is not from \`1ms\` to \`1m\`` };
  return { value: { kind: 'fixed', ms } };
}

export const serviceHedge = z.strictObject({
  after: hedgeDelay.describe(
    'How long the first attempt has alone: a duration, or `p95` for the time in which 95 of 100 attempts have an answer.',
  ),
  max: z
    .int()
    .min(1)
    .max(HEDGES_MAX)
    .default(1)
    .describe('Most attempts beside the first one, each as long after the one before.'),
});
