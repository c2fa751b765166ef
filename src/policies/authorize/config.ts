import { z } from 'zod';
import { entryName } from '#schema/name.ts';

const names = () => z.array(entryName()).min(1).optional();

export const authorizeConfig = z
  .strictObject({
    consumers: names().describe('Names of consumers: one of them has to ask.'),
    groups: names().describe('Names of groups: who asks has to be in one of them.'),
    mode: z
      .enum(['enforce', 'report'])
      .default('enforce')
      .describe('`report` refuses nobody and only logs who would be refused.'),
  })
  .superRefine(({ consumers, groups }, context) => {
    if (consumers !== undefined || groups !== undefined) return;
    context.addIssue({ code: 'custom', message: 'nobody is named; give `consumers`, `groups` or both' });
  });

export type AuthorizeConfig = z.output<typeof authorizeConfig>;
