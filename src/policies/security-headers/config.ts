import { z } from 'zod';
import { forms, isText } from '#schema/forms.ts';
import { freeFieldName } from '#schema/token.ts';

const VALUE_LENGTH_MAX = 8_192;
const REMOVED_MAX = 32;

/** A field value that cannot end its line. */
const value = z
  .string()
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'write visible ASCII characters')
  .max(VALUE_LENGTH_MAX);

const orLeftOut = <Schema extends z.ZodType<string>>(schema: Schema) =>
  forms('text, or `false` to leave the field out', [
    { isMeant: (written) => written === false, schema: z.literal(false) },
    { isMeant: isText, schema },
  ]);

const REFERRER_POLICIES = [
  'no-referrer',
  'no-referrer-when-downgrade',
  'origin',
  'origin-when-cross-origin',
  'same-origin',
  'strict-origin',
  'strict-origin-when-cross-origin',
  'unsafe-url',
] as const;

export const securityHeadersConfig = z.strictObject({
  contentTypeOptions: orLeftOut(z.literal('nosniff'))
    .default('nosniff')
    .describe('`X-Content-Type-Options`: browsers take a type for what it says, and guess none.'),
  frameOptions: orLeftOut(z.enum(['DENY', 'SAMEORIGIN']))
    .default('SAMEORIGIN')
    .describe('`X-Frame-Options`: which pages may show this one in a frame.'),
  referrerPolicy: orLeftOut(z.enum(REFERRER_POLICIES))
    .default('strict-origin-when-cross-origin')
    .describe('`Referrer-Policy`: how much other sites learn of where a visitor comes from.'),
  permissionsPolicy: orLeftOut(value)
    .default('camera=(), geolocation=(), microphone=()')
    .describe('`Permissions-Policy`: what pages, and those that they show in frames, may use of a device.'),
  openerPolicy: orLeftOut(z.enum(['same-origin', 'same-origin-allow-popups', 'noopener-allow-popups', 'unsafe-none']))
    .default('same-origin-allow-popups')
    .describe('`Cross-Origin-Opener-Policy`: which windows of other origins a page keeps a hold of.'),
  resourcePolicy: orLeftOut(z.enum(['same-origin', 'same-site', 'cross-origin']))
    .default(false)
    .describe('`Cross-Origin-Resource-Policy`: which sites may show pictures, scripts and the like from here.'),
  contentSecurityPolicy: orLeftOut(value)
    .default(false)
    .describe("`Content-Security-Policy`, such as `frame-ancestors 'self'`: what a page may load, and who may show it."),
  overwrite: z
    .boolean()
    .default(false)
    .describe('Whether these take the place of what a service says. Otherwise a service that sends such a field has its way.'),
  remove: z
    .array(freeFieldName())
    .max(REMOVED_MAX)
    .default([])
    .describe('Fields of services that clients do not see, such as `server` and `x-powered-by`.'),
});

export type SecurityHeadersConfig = z.output<typeof securityHeadersConfig>;
