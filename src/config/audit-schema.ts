/** What `gatehouse audit` finds and somebody has looked at and taken. It changes nothing of how requests are handled. */
import { z } from 'zod';
import { forms, isMap, isText } from '#schema/forms.ts';
import { entryName } from '#schema/name.ts';

const REASON_LENGTH_MAX = 1_000;
const PLACES_MAX = 10_000;

const reason = z.string().trim().min(1).max(REASON_LENGTH_MAX);

export const auditSchema = z.strictObject({
  accept: z
    .record(
      entryName(),
      forms('the reason, or a map with `reason` and `at`', [
        { isMeant: isText, schema: reason.transform((text) => ({ reason: text, at: undefined })) },
        {
          isMeant: isMap,
          schema: z.strictObject({
            reason: reason.describe('Why it is right here.'),
            at: z
              .array(z.string().min(1))
              .min(1)
              .max(PLACES_MAX)
              .optional()
              .describe(
                'Where it is accepted, with all that stands below: `routes.home`, `listeners.web`. Without it, everywhere.',
              ),
          }),
        },
      ]),
    )
    .prefault({})
    .describe('Findings that are right here, by their id, each with the reason: for everything, or for what stands at `at`.'),
});
