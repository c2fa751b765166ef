import { z } from 'zod';
import { duration } from '#schema/duration.ts';

/** When a data thread has more to do than it can. */
export const overloadSchema = z.strictObject({
  delay: duration({ min: '10ms', max: '10s' })
    .prefault('100ms')
    .describe(
      'How long work may wait in a data thread, as the mean of a tenth of a second. Beyond it requests are refused with 503, those of the least important routes first, and never those that are `critical`.',
    ),
});

export type OverloadSettings = z.output<typeof overloadSchema>;
