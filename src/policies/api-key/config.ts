import { z } from 'zod';
import { entryName } from '#schema/name.ts';
import { freeFieldName, token } from '#schema/token.ts';

const DEFAULT_HEADER = 'x-api-key';

export const apiKeyConfig = z
  .strictObject({
    header: freeFieldName()
      .optional()
      .describe(
        `The field that holds the key. \`${DEFAULT_HEADER}\` when neither \`header\`, \`query\` nor \`cookie\` is written.`,
      ),
    scheme: token()
      .optional()
      .describe('The word before the key in the field, such as `Bearer` in `authorization: Bearer KEY`. In any case.'),
    query: z
      .string()
      .min(1)
      .optional()
      .describe('The query parameter that holds the key. Its value is not logged. A URL is kept in more places than a field is.'),
    cookie: token().optional().describe('The cookie that holds the key.'),
    anonymous: entryName()
      .optional()
      .describe(
        'The consumer that those are who show no key. Without it they are refused; a key that does not count is refused in any case.',
      ),
    forward: z.boolean().default(false).describe('Whether the service sees the key.'),
  })
  .superRefine(({ header, scheme, query, cookie }, context) => {
    if (scheme === undefined || header !== undefined || (query === undefined && cookie === undefined)) return;
    context.addIssue({ code: 'custom', message: '`scheme` belongs to `header`, which is not written', path: ['scheme'] });
  })
  .transform(({ header, ...rest }) => {
    const isElsewhere = rest.query !== undefined || rest.cookie !== undefined;
    return { ...rest, header: header ?? (isElsewhere ? undefined : DEFAULT_HEADER) };
  });

export type ApiKeyConfig = z.output<typeof apiKeyConfig>;
