import { z } from 'zod';
import { callTarget } from '#schema/call-target.ts';
import { decisionSettings, refineDecision } from '#schema/decision-settings.ts';
import { freeFieldName, httpMethod } from '#schema/token.ts';

const REPLY_FIELDS_MAX = 32;

export const forwardAuthConfig = z
  .strictObject({
    ...decisionSettings(['authorization', 'cookie']),
    path: callTarget().default('/').describe('Path, and query if there is one, at which the service is asked.'),
    method: httpMethod().default('GET').describe('The method with which it is asked.'),
    consumer: freeFieldName()
      .optional()
      .describe(
        'A header of the answer that names who asks. The consumer is then called `NAME@SERVICE`, unless one of the configuration has this among its `subjects`.',
      ),
    answer: z
      .array(freeFieldName())
      .max(REPLY_FIELDS_MAX)
      .default([])
      .describe(
        'Headers of an answer that lets pass which the client is sent with the answer of its service, such as `set-cookie` where sessions are refreshed so.',
      ),
    reply: z
      .array(freeFieldName())
      .max(REPLY_FIELDS_MAX)
      .default(['content-type', 'location', 'set-cookie', 'www-authenticate'])
      .describe('Headers of an answer that refuses which the client is sent with it.'),
  })
  .superRefine((config, context) => refineDecision(context, config, []));

export type ForwardAuthConfig = z.output<typeof forwardAuthConfig>;
