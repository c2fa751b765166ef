/** What answers in the place of a service that does not: `fallback`. */
import { z } from 'zod';
import { explainUnknownKey } from '#schema/explain.ts';
import { type FormProblem, forms, isMap } from '#schema/forms.ts';
import { entryName } from '#schema/name.ts';
import { listWords } from '#schema/quote.ts';
import { type RespondDestination, respondSchema } from './respond-schema.ts';

/** Why a service is not waited for any longer, or a status that counts as if it had not answered. */
type FallbackReason = 'unavailable' | 'failure' | 'timeout' | number;

export interface FallbackSettings {
  readonly to: { readonly kind: 'service'; readonly service: string } | RespondDestination;
  readonly when: readonly FallbackReason[];
}

const FALLBACK_KEYS = ['service', 'respond'] as const;

const reason = forms('`unavailable`, `failure`, `timeout`, or a status from 500 to 599', [
  { isMeant: (value) => typeof value === 'number', schema: z.int().min(500).max(599) },
  { isMeant: () => true, schema: z.enum(['unavailable', 'failure', 'timeout']) },
]);

const when = z
  .array(reason)
  .min(1)
  .default(['unavailable', 'failure', 'timeout'])
  .describe(
    'When the fallback answers: `unavailable` (no endpoint or connection is free), `failure` (the service could not be reached, or broke off before it answered), `timeout`, and statuses of the service such as `503`.',
  );

const hasKey = (key: string) => (value: unknown) => isMap(value) && key in value;

export const fallbackSchema = forms(
  'a map with `service` or `respond`',
  [
    {
      isMeant: hasKey('service'),
      schema: z
        .strictObject({ service: entryName().describe('The name of the service that is asked instead.'), when })
        .transform((form): FallbackSettings => ({ to: { kind: 'service', service: form.service }, when: form.when })),
    },
    {
      isMeant: hasKey('respond'),
      schema: z
        .strictObject({ respond: respondSchema.describe('The answer that is given instead.'), when })
        .transform((form): FallbackSettings => ({ to: form.respond, when: form.when })),
    },
  ],
  findFallbackProblem,
).describe('What answers when the service does not, as long as nothing of an answer has been sent. Without it, an error does.');

function findFallbackProblem(value: unknown): FormProblem | undefined {
  if (!isMap(value)) return undefined;
  const named = FALLBACK_KEYS.filter((key) => key in value);
  if (named.length === 1) return undefined;
  if (named.length > 1)
    return { code: 'conflict', message: '`service` and `respond` exclude each other; give one of them', path: ['respond'] };
  const [key] = Object.keys(value);
  if (key === undefined || key === 'when')
    return { code: 'wrong-type', message: `the fallback leads nowhere; give ${listWords(FALLBACK_KEYS)}`, path: [] };
  return { code: 'unknown-key', message: explainUnknownKey(key, [...FALLBACK_KEYS, 'when']), path: [key] };
}
