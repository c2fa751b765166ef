import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { duration } from '#schema/duration.ts';
import { filePath } from '#schema/file-path.ts';
import { redisUrl } from '#schema/redis-url.ts';
import { secret } from '#schema/secret.ts';
import { storeFile } from './store-file-schema.ts';

const FAILURES_MAX = 1_000;
const NAME_LENGTH_MAX = 256;
const PREFIX_LENGTH_MAX = 64;

const redis = z
  .strictObject({
    url: redisUrl().describe('Where the server is: `redis://HOST:PORT/DATABASE`, or `rediss://` for TLS.'),
    username: z
      .string()
      .min(1)
      .max(NAME_LENGTH_MAX)
      .optional()
      .describe('As whom the gateway logs in. Without it, as the default user.'),
    password: secret()
      .optional()
      .describe('The password, best written as `${env:NAME}`. Without it, the gateway does not log in.'),
    ca: filePath('A file with certificates of authorities, in PEM form.')
      .optional()
      .describe('A file with the authorities that the certificate of the server may be of. Without it, those of the system.'),
    prefix: z
      .string()
      .regex(/^[!-z|~]*$/, { error: 'a prefix is made of visible ASCII characters other than braces' })
      .max(PREFIX_LENGTH_MAX)
      .default('gatehouse:')
      .describe('What all keys of the gateway begin with. Gateways with the same prefix count together.'),
    timeout: duration({ min: '1ms', max: '10s' })
      .prefault('20ms')
      .describe('How long a request waits for the store at most. After that it goes on without.'),
    failures: z
      .int()
      .min(1)
      .max(FAILURES_MAX)
      .default(5)
      .describe('After so many questions in a row without an answer in time, nothing is asked for a while.'),
    pause: duration({ min: '50ms', max: '5m' })
      .prefault('1s')
      .describe('How long nothing is asked then, before a connection is tried in the background.'),
    settleEvery: duration({ min: '10ms', max: '10s' })
      .prefault('100ms')
      .describe('How often a limit with `shared: local-first` is settled with the store.'),
  })
  .superRefine(({ url, username, password, ca }, context) => {
    if (username !== undefined && password === undefined)
      context.addIssue({ code: 'custom', message: 'there is a `username` and no `password`', path: ['username'] });
    if (ca !== undefined && !url.isSecure)
      context.addIssue({ code: 'custom', message: '`ca` is of use with `rediss://` only', path: ['ca'] });
  });

const memory = z.strictObject({
  size: bytes({ min: '1MiB', max: '1GiB' })
    .prefault('64MiB')
    .describe('How much it may hold. Nothing is thrown out before its time: when it is full, nothing new is kept.'),
});

const cache = z.strictObject({
  size: bytes({ min: '1MiB', max: '8GiB' })
    .prefault('64MiB')
    .describe(
      'How much it may hold, heads, keys and all that finds them included. When it is full, what is not asked for goes. An answer that is longer than a tenth of it, or than 28 MiB, is not kept.',
    ),
});

/** Where the gateway keeps what is to outlive it, and what several gateways share. */
export const storesSchema = z.strictObject({
  file: storeFile.optional(),
  memory: memory
    .prefault({})
    .describe('The memory of the gateway’s own process. A restart forgets what is in it; a reload does not.'),
  cache: cache
    .prefault({})
    .describe(
      'The memory in which the policy `cache` keeps answers, for all data threads together. A reload keeps what is in it, unless it changes the size or the number of threads.',
    ),
  redis: redis.optional().describe('A Redis or Valkey server.'),
});
