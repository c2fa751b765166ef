import { z } from 'zod';
import { anonymousConsumer } from '#schema/credential-settings.ts';

export const basicAuthConfig = z.strictObject({
  realm: z
    .string()
    .regex(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'write 1 to 100 visible ASCII characters without `"` and `\\`')
    .default('gatehouse')
    .describe('What browsers say when they ask for a password, and what they remember it for.'),
  anonymous: anonymousConsumer('password'),
  forward: z.boolean().default(false).describe('Whether the service sees the password.'),
});

export type BasicAuthConfig = z.output<typeof basicAuthConfig>;
