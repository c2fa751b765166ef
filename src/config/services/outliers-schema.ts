import { z } from 'zod';
import { duration } from '#schema/duration.ts';
import { forms, isMap } from '#schema/forms.ts';
import { percentage } from '#schema/percentage.ts';

const latency = z.strictObject({
  factor: z.number().min(1.1).max(100).default(3).describe('So many times as slow as the other endpoints, it is ejected.'),
  floor: duration({ min: '1ms', max: '10s' }).prefault('100ms').describe('Below this, no endpoint is slow.'),
});

const outliersMap = z.strictObject({
  consecutiveFailures: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(5)
    .describe(
      'An endpoint is ejected after so many failures without a success between them: it cannot be reached, breaks off, does not answer in time, or answers with one of `statuses`.',
    ),
  statuses: z
    .array(z.int().min(200).max(599))
    .max(100)
    .default([502, 503, 504])
    .describe(
      'Answers that count as failures. A status of gRPC counts as the one of HTTP that says as much, `UNAVAILABLE` as 503.',
    ),
  failureRate: percentage()
    .optional()
    .describe('An endpoint is ejected when this share of its requests fails within `window`. Without it, no share is too many.'),
  latency: latency
    .optional()
    .describe('Ejects endpoints that answer much later than the others, by the mean of `window`. Without it, none is too slow.'),
  window: duration({ min: '1s', max: '1m' })
    .prefault('10s')
    .describe('The time over which `failureRate` and `latency` look at the requests.'),
  minRequests: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(20)
    .describe('With fewer requests to an endpoint in `window`, `failureRate` and `latency` say nothing of it.'),
  ejection: duration({ min: '100ms', max: '1h' })
    .prefault('10s')
    .describe(
      'How long an endpoint is left out the first time. Each further time is twice as long; a minute without one makes up for one.',
    ),
  ejectionMax: duration({ min: '100ms', max: '1h' }).prefault('5m').describe('The longest time for which it is left out.'),
  maxEjected: percentage()
    .prefault('50%')
    .describe(
      'At most this share of the endpoints is left out at a time. One may always be, unless it is the last that is left.',
    ),
});

/** Which endpoints are left out because of how requests to them end. */
export const outliersSchema = forms('`false` or a map', [
  { isMeant: (value) => value === false, schema: z.literal(false) },
  { isMeant: isMap, schema: outliersMap },
]);
