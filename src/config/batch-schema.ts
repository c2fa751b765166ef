/** Several requests in one: `batch`. */
import { z } from 'zod';
import type { BatchSettings } from '#batch/batch-settings.ts';
import { bytes } from '#schema/bytes.ts';
import { duration } from '#schema/duration.ts';
import { originPattern } from '#schema/origin.ts';
import { freeFieldName } from '#schema/token.ts';

const REQUESTS_MAX = 1_000;
const PARALLEL_MAX = 100;
const NAMES_MAX = 100;

export interface BatchDestination extends BatchSettings {
  readonly kind: 'batch';
}

export const batchSchema = z
  .strictObject({
    requests: z.int().min(1).max(REQUESTS_MAX).default(50).describe('Most requests in one batch.'),
    parallel: z
      .int()
      .min(1)
      .max(PARALLEL_MAX)
      .default(8)
      .describe('How many requests of a batch run at the same time; with 1, one after the other in their order.'),
    onFailure: z
      .enum(['continue', 'stop'])
      .default('continue')
      .describe('Whether requests behind one with a status of 400 or more are still run. `stop` needs `parallel: 1`.'),
    inherit: z
      .array(freeFieldName())
      .max(NAMES_MAX)
      .default([])
      .describe(
        'Headers that each request has from the batch unless it has its own, besides `authorization`, `cookie`, `user-agent`, `accept-language`, `traceparent` and `tracestate`.',
      ),
    origins: z
      .array(originPattern())
      .max(NAMES_MAX)
      .default([])
      .describe('Origins, besides its own, whose pages may send batches. Through a batch they reach every route.'),
    cookies: z
      .enum(['answer', 'entry', 'none'])
      .default('answer')
      .describe(
        'Where `set-cookie` of an answer goes: to the answer as a whole, where browsers take it and pages cannot read it; to its entry; or nowhere.',
      ),
    status: z.literal([200, 207]).default(200).describe('The status of the answer as a whole.'),
    bodyBytes: bytes({ min: '1KiB', max: '64MiB' }).prefault('1MiB').describe('How long the body with all requests may be.'),
    answerBytes: bytes({ min: '1KiB', max: '64MiB' }).prefault('1MiB').describe('How long the body of one answer may be.'),
    totalBytes: bytes({ min: '1KiB', max: '256MiB' }).prefault('8MiB').describe('How long all answers together may be.'),
    requestTimeout: duration({ min: '100ms', max: '1h' })
      .prefault('10s')
      .describe('How long one request may take, from its beginning to the end of its answer.'),
    timeout: duration({ min: '100ms', max: '1h' }).prefault('30s').describe('How long all requests together may take.'),
  })
  .superRefine(({ parallel, onFailure }, context) => {
    if (onFailure === 'continue' || parallel === 1) return;
    const message = 'requests that run at the same time are behind none; give `parallel: 1`';
    context.addIssue({ code: 'custom', message, path: ['onFailure'] });
  })
  .transform(
    ({ requests, bodyBytes, answerBytes, totalBytes, requestTimeout, timeout, ...rest }): BatchDestination => ({
      kind: 'batch',
      ...rest,
      requestsMax: requests,
      bodyBytesMax: bodyBytes,
      answerBytesMax: answerBytes,
      totalBytesMax: totalBytes,
      itemTimeoutMs: requestTimeout,
      timeoutMs: timeout,
    }),
  );
