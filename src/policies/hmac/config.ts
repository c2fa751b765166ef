import { z } from 'zod';
import { anonymousConsumer } from '#schema/credential-settings.ts';
import { duration } from '#schema/duration.ts';
import { quote } from '#schema/quote.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { readFieldName } from '#schema/token.ts';

const COMPONENTS_MAX = 32;
/** RFC 9421 §2.2, as far as the gateway knows them. */
const DERIVED = ['@method', '@target-uri', '@authority', '@scheme', '@request-target', '@path', '@query'];

const component = textKind({
  noun: 'a part of a request',
  examples: ['@method', '@path', 'content-type'],
  help: `One of ${DERIVED.map((name) => `\`${name}\``).join(', ')}, or the name of a field.`,
  read: (text): Reading<string> => {
    if (DERIVED.includes(text)) return { value: text };
    if (text.startsWith('@'))
      return { problem: `${quote(text)} is not known; there are ${DERIVED.map((name) => `\`${name}\``).join(', ')}` };
    return readFieldName(text);
  },
});

export const hmacConfig = z.strictObject({
  covers: z
    .array(component)
    .min(1)
    .max(COMPONENTS_MAX)
    .default(['@method', '@authority', '@path', '@query'])
    .describe(
      'What a signature has to cover at least. `@target-uri` stands for `@authority`, `@path` and `@query` too, `@request-target` for the latter two.',
    ),
  body: z
    .enum(['signed', 'free'])
    .default('signed')
    .describe('`signed`: a body needs a `content-digest` that the signature covers. `free`: it is looked at where there is one.'),
  maxAge: duration({ min: '1s', max: '1d' }).prefault('5m').describe('How long a signature counts from when it was made.'),
  leeway: duration({ max: '10m' }).prefault('30s').describe('By how much the clocks of clients may differ.'),
  nonce: z
    .enum(['required', 'optional'])
    .default('required')
    .describe('Whether each signature needs a `nonce`. One that has a nonce counts once, with either setting.'),
  anonymous: anonymousConsumer('signature'),
  forward: z.boolean().default(false).describe('Whether the service sees the signature.'),
});

export type HmacConfig = z.output<typeof hmacConfig>;
