/** `retry`: which attempts are followed by another one. A route may say it differently from its service, setting by setting. */
import { z } from 'zod';
import { formatBytes } from '#base/byte-text.ts';
import { limits } from '#base/limits.ts';
import { bytes } from '#schema/bytes.ts';
import { duration } from '#schema/duration.ts';
import { forms, isMap, isText } from '#schema/forms.ts';
import { percentage } from '#schema/percentage.ts';
import { httpMethod } from '#schema/token.ts';
import { grpcStatusNames } from '#wire/grpc/grpc-status.ts';

const ATTEMPTS_MAX = 10;
const MIN_PER_SECOND_MAX = 1_000_000;

const conditions = z.enum(['connect', 'refused', 'reset', 'timeout']);
const condition = forms('`connect`, `refused`, `reset`, `timeout`, or a status such as 503', [
  { isMeant: isText, schema: conditions },
  { isMeant: (value) => typeof value === 'number', schema: z.int().min(400).max(599) },
]);

const attempts = z
  .int()
  .min(1)
  .max(ATTEMPTS_MAX)
  .describe('Most further attempts that a request gets when the first one has failed.');
const on = z
  .array(condition)
  .min(1)
  .describe(
    'After what: `connect` (no connection was made), `refused` (the service did not take the request), `reset` (the connection was lost before the answer began), `timeout`, and statuses of answers from 400 to 599.',
  );
const grpcStatuses = z
  .array(z.enum(grpcStatusNames))
  .describe(
    'After which statuses of gRPC, such as `unavailable`, a call is sent again, if its answer is nothing but the status. Naming one says that the call may be done twice then.',
  );
const methods = z
  .array(httpMethod())
  .describe('Methods whose requests may be done twice, besides those of which the standard says so, such as `POST`.');
const bodyMax = bytes({ max: '16MiB' }).describe(
  'Most bytes of a request body that are kept so that it can be sent again; a request with a longer one is not.',
);
const retryAfterMax = duration({ max: '1m' }).describe(
  'Longest `Retry-After` of an answer that is waited for; an answer that asks for more goes to the client.',
);
const backoffBase = duration({ min: '1ms', max: '1m' }).describe(
  'The longest pause before the first further attempt; before the second one it is twice as long, then four times, and so on.',
);
const backoffMax = duration({ min: '1ms', max: '1m' }).describe('The longest pause, however many attempts there were.');

const backoff = z
  .strictObject({ base: backoffBase.prefault('25ms'), max: backoffMax.prefault('250ms') })
  .superRefine(({ base, max }, context) => {
    if (base > max) context.addIssue({ code: 'custom', message: '`base` is longer than `max`', path: ['base'] });
  })
  .describe(
    'How long to wait before an endpoint is asked again: a random time up to a limit that doubles with each attempt. An endpoint that was not asked yet is asked at once.',
  );

const budget = z.strictObject({
  ratio: percentage()
    .prefault('20%')
    .describe('Most further attempts in 10 seconds, relative to the requests of these 10 seconds, per thread.'),
  minPerSecond: z
    .number()
    .min(0)
    .max(MIN_PER_SECOND_MAX)
    .default(3)
    .describe('Further attempts per second that are always allowed, per thread, so that a service with few requests has some.'),
});

export const serviceRetryMap = z.strictObject({
  attempts: attempts.default(2),
  on: on.prefault(['connect', 'refused', 'reset', 'timeout']),
  grpcStatuses: grpcStatuses.prefault([]),
  methods: methods.prefault([]),
  bodyMax: bodyMax.prefault(formatBytes(limits.replayBodyBytesMax)),
  backoff: backoff.prefault({}),
  retryAfterMax: retryAfterMax.prefault('1s'),
  budget: budget.prefault({}).describe('Bounds what further attempts add to the load of a service that is in trouble already.'),
});

const routeRetryMap = z.strictObject({
  attempts: attempts.optional(),
  on: on.optional(),
  grpcStatuses: grpcStatuses.optional(),
  methods: methods.optional(),
  bodyMax: bodyMax.optional(),
  backoff: backoff.optional(),
  retryAfterMax: retryAfterMax.optional(),
});

const isFalse = (value: unknown) => value === false;

export const serviceRetry = forms('the settings of further attempts, or `false` for none', [
  { isMeant: isFalse, schema: z.literal(false) },
  { isMeant: isMap, schema: serviceRetryMap },
]);

export const routeRetry = forms('the settings of further attempts, or `false` for none', [
  { isMeant: isFalse, schema: z.literal(false) },
  { isMeant: isMap, schema: routeRetryMap },
]);

export type ServiceRetry = z.output<typeof serviceRetryMap>;
