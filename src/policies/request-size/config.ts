import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { enforcement } from '#schema/enforcement.ts';

const COUNT_MAX = 10_000;

export const requestSizeConfig = z
  .strictObject({
    body: bytes().optional().describe('How long a body may be, whether its length is announced or not.'),
    head: bytes({ min: '256B', max: '1MiB' })
      .optional()
      .describe('How long all header fields may be together, as lines of HTTP/1.1 (`name: value`).'),
    field: bytes({ min: '64B', max: '1MiB' }).optional().describe('How long one header field may be, its name included.'),
    fields: z.int().min(1).max(COUNT_MAX).optional().describe('How many header fields there may be.'),
    url: bytes({ min: '16B', max: '64KiB' }).optional().describe('How long the path may be together with the query.'),
    parameters: z.int().min(0).max(COUNT_MAX).optional().describe('How many parameters the query may have.'),
    mode: enforcement(),
  })
  .superRefine(({ mode: _, ...sizes }, context) => {
    if (Object.values(sizes).some((size) => size !== undefined)) return;
    context.addIssue({ code: 'custom', message: 'nothing is limited; give at least one size, such as `body: 1MiB`' });
  });

export type RequestSizeConfig = z.infer<typeof requestSizeConfig>;
