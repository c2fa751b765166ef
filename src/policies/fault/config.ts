import { z } from 'zod';
import { duration } from '#schema/duration.ts';
import { fieldMap } from '#schema/maps.ts';
import { percentage } from '#schema/percentage.ts';
import { fieldName } from '#schema/token.ts';
import { valueCondition } from '#schema/value-condition.ts';

const delay = z.strictObject({
  for: duration({ min: '1ms', max: '10m' }).describe('How long a request waits before it goes on.'),
  percent: percentage().prefault('100%').describe('How many of the requests wait, such as `10%` or `0.5%`.'),
});

const abort = z.strictObject({
  status: z.int().min(400).max(599).default(503).describe('The status of the answer.'),
  percent: percentage().prefault('100%').describe('How many of the requests are refused, such as `10%` or `0.5%`.'),
});

const when = z.strictObject({
  headers: fieldMap(fieldName(), valueCondition).describe(
    'Header fields: the exact value, `{ regex: … }` or `{ present: true }`. All must hold.',
  ),
});

export const faultConfig = z
  .strictObject({
    delay: delay.optional().describe('Makes requests wait. Without it, none do.'),
    abort: abort.optional().describe('Answers requests with an error. Without it, none are.'),
    when: when.optional().describe('Which requests may be disturbed. Without it, all of them.'),
  })
  .superRefine((config, context) => {
    if (config.delay !== undefined || config.abort !== undefined) return;
    context.addIssue({ code: 'custom', message: 'nothing is disturbed; give `delay`, `abort` or both' });
  });

export type FaultConfig = z.infer<typeof faultConfig>;
