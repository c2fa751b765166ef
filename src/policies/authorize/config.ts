import { z } from 'zod';
import { enforcement } from '#schema/enforcement.ts';
import { forms, isMap } from '#schema/forms.ts';
import { entryName } from '#schema/name.ts';
import { scope } from '#schema/scope.ts';

const EXPRESSION_LENGTH_MAX = 4_096;

const names = () => z.array(entryName()).min(1).optional();

const scopes = forms('a list of scopes, or a map with `anyOf`', [
  {
    isMeant: Array.isArray,
    schema: z
      .array(scope())
      .min(1)
      .transform((allOf) => ({ allOf })),
  },
  { isMeant: isMap, schema: z.strictObject({ anyOf: z.array(scope()).min(1).describe('One of these scopes is enough.') }) },
]);

const claimValue = z.union([z.string(), z.number(), z.boolean()]);

const claimValues = forms('a value, or a list of values', [
  { isMeant: Array.isArray, schema: z.array(claimValue).min(1) },
  { isMeant: () => true, schema: claimValue.transform((value) => [value]) },
]);

export const authorizeConfig = z
  .strictObject({
    consumers: names().describe('Names of consumers: one of them has to ask.'),
    groups: names().describe('Names of groups: who asks has to be in one of them.'),
    roles: z.array(z.string().min(1)).min(1).optional().describe('Who asks has to have one of these roles.'),
    scopes: scopes
      .optional()
      .describe('The token of who asks has to allow all of these; with `{ anyOf: [SCOPES] }`, one of them.'),
    claims: z
      .record(z.string().min(1), claimValues)
      .refine((claims) => Object.keys(claims).length > 0, { error: 'no claim is named' })
      .optional()
      .describe(
        'By name of a claim: the value that it has to have, or a list with values of which one is enough. A claim that is a list has to hold one. A dot leads into an object: `realm_access.roles`.',
      ),
    expression: z
      .string()
      .min(1)
      .max(EXPRESSION_LENGTH_MAX)
      .optional()
      .describe(
        'A condition in CEL that has to be true, over `request`, `consumer`, `route`, `path` (captures) and `now`, such as `request.path.startsWith("/" + consumer.claims.tenant)`. What cannot be evaluated is not true.',
      ),
    mode: enforcement(),
  })
  .superRefine(({ mode: _mode, ...rules }, context) => {
    if (Object.values(rules).some((rule) => rule !== undefined)) return;
    const message = 'there is no rule; give `consumers`, `groups`, `roles`, `scopes`, `claims` or `expression`';
    context.addIssue({ code: 'custom', message });
  });

export type AuthorizeConfig = z.output<typeof authorizeConfig>;
