import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { duration } from '#schema/duration.ts';
import { limitKeys } from '#schema/limit-key.ts';
import { freeFieldName, httpMethod } from '#schema/token.ts';

export const idempotencyConfig = z.strictObject({
  header: freeFieldName().prefault('Idempotency-Key').describe('The field that holds the key.'),
  methods: z.array(httpMethod()).min(1).prefault(['POST', 'PATCH']).describe('The methods for which keys count. Others pass.'),
  required: z.boolean().default(false).describe('Whether requests of these methods without a key are refused with 400.'),
  by: limitKeys()
    .optional()
    .describe(
      'Whose keys are the same: those of the same `consumer`, `ip`, `header.NAME`, `cookie.NAME`, `path.NAME` or `claim.NAME`, or of all in a list, always within one route. Without it, those of a consumer, and of an address where nobody knows who asks.',
    ),
  ttl: duration({ min: '1s', max: '24d' }).prefault('24h').describe('How long the first answer is kept.'),
  store: z
    .enum(['memory', 'redis'])
    .default('memory')
    .describe('Where answers are kept: in the `memory` of this process until that ends, or in the `redis` of `stores`.'),
  wait: duration({ max: '1m' })
    .prefault('10s')
    .describe(
      'How long a request waits for the answer to an earlier one with the same key, before it gets 409; `0s` does not wait.',
    ),
  maxRequest: bytes({ min: '1B', max: '16MiB' })
    .prefault('1MiB')
    .describe('How long a body may be: with a key it is read as a whole, to tell whether a request is the same one.'),
  maxAnswer: bytes({ min: '1KiB', max: '768KiB' })
    .prefault('256KiB')
    .describe('How long an answer may be to be kept. A longer one is sent, and later requests with its key get 409.'),
  keepErrors: z
    .boolean()
    .default(false)
    .describe(
      'Whether answers of a service with a status from 500 on are kept too. Otherwise the next request with the key is sent again.',
    ),
  onFailure: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe(
      'What happens while the store is away or full: requests with a key are refused with 503, or sent without its protection.',
    ),
});

export type IdempotencyConfig = z.infer<typeof idempotencyConfig>;
