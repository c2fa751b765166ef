import { z } from 'zod';
import { callTarget } from '#schema/call-target.ts';
import { decisionSettings, refineDecision } from '#schema/decision-settings.ts';
import { freeFieldName } from '#schema/token.ts';

const REPLY_FIELDS_MAX = 32;

export const opaConfig = z
  .strictObject({
    ...decisionSettings([]),
    path: callTarget().describe('The path of the rule in the data API, such as `/v1/data/shop/allow`.'),
    reply: z
      .array(freeFieldName())
      .max(REPLY_FIELDS_MAX)
      .default(['location', 'www-authenticate'])
      .describe('Of the `headers` of a result that refuses, those that the client is sent.'),
  })
  // Who asks is part of every question.
  .superRefine((config, context) => refineDecision(context, config, ['consumer']));

export type OpaConfig = z.output<typeof opaConfig>;
