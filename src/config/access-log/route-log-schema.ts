import { z } from 'zod';
import { forms, isMap } from '#schema/forms.ts';
import { percentage } from '#schema/percentage.ts';

/** What a route says of its own lines: `0` none, not even of failures; a number, that share of those that have not failed. */
export const routeLogSchema = forms('`false`, or a map with `sample`', [
  { isMeant: (value) => value === false, schema: z.literal(false) },
  {
    isMeant: isMap,
    schema: z.strictObject({
      sample: percentage().describe('How many of the requests have a line. Those that have failed all have one.'),
    }),
  },
]);
