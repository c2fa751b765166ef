import { z } from 'zod';
import { duration } from '#schema/duration.ts';
import { forms } from '#schema/forms.ts';
import { originPattern } from '#schema/origin.ts';
import { fieldName, httpMethod } from '#schema/token.ts';

const ORIGINS_MAX = 1_000;
const NAMES_MAX = 100;
const EVERY = '*';

const listOrEvery = <Item>(item: z.ZodType<Item, string>, max: number) =>
  forms('a list, or `"*"` for all', [
    { isMeant: (value) => value === EVERY, schema: z.literal(EVERY) },
    { isMeant: Array.isArray, schema: z.array(item).max(max) },
  ]);

export const corsConfig = z
  .strictObject({
    origins: listOrEvery(originPattern(), ORIGINS_MAX).describe(
      'The origins whose pages may ask, such as `https://app.example.com`; `https://*.example.com` for every name below; `"*"` for every page there is.',
    ),
    methods: z
      .array(httpMethod())
      .min(1)
      .max(NAMES_MAX)
      .default(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
      .describe('The methods that pages may use.'),
    headers: listOrEvery(fieldName(), NAMES_MAX)
      .default(EVERY)
      .describe('The fields that pages may send beside those that every page may; `"*"` allows those that a page asks for.'),
    expose: listOrEvery(fieldName(), NAMES_MAX)
      .default([])
      .describe('The fields of answers that pages may read beside those that every page may; `"*"` for all.'),
    credentials: z
      .boolean()
      .default(false)
      .describe('Whether pages may send cookies and what else the browser keeps, and read the answers.'),
    maxAge: duration({ max: '1d' })
      .prefault('10m')
      .describe('How long a browser may remember what it was told; browsers have a limit of their own, of two hours or so.'),
    privateNetwork: z
      .boolean()
      .default(false)
      .describe('Whether pages of the internet may ask a gateway in a private network (Private Network Access).'),
  })
  .superRefine(({ origins, credentials, expose }, context) => {
    if (!credentials) return;
    if (origins === EVERY) {
      const message = 'every page there is could act in the name of your users; name the origins, or leave `credentials` out';
      context.addIssue({ code: 'custom', message, path: ['credentials'] });
    }
    // Fetch §3.3.4: with credentials, the star is a name like any other.
    if (expose === EVERY)
      context.addIssue({
        code: 'custom',
        message: 'with `credentials`, browsers do not take `"*"`; name the fields',
        path: ['expose'],
      });
  });

export type CorsConfig = z.output<typeof corsConfig>;
