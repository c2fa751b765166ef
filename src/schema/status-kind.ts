import { z } from 'zod';
import { forms, isText } from './forms.ts';
import { readStatusPattern, type StatusPattern } from './status-pattern.ts';
import { textKind } from './text-kind.ts';

/** A status, or a class of them. */
export function statusPattern(): z.ZodType<StatusPattern, string | number> {
  return forms('a status such as 404, or a class such as `4xx`', [
    { isMeant: isText, schema: statusText() },
    {
      isMeant: (value) => typeof value === 'number',
      schema: z
        .int()
        .min(100)
        .max(599)
        .transform((status) => ({ first: status, last: status })),
    },
  ]);
}

function statusText(): z.ZodType<StatusPattern, string> {
  return textKind({
    noun: 'a status',
    examples: ['404', '5xx'],
    help: 'A status such as 404, or a class such as `4xx`.',
    read: readStatusPattern,
  });
}
