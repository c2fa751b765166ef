/** What a header field, query parameter or cookie must be. */
import { z } from 'zod';
import { forms, isMap, isText } from './forms.ts';
import { regex } from './regex.ts';

export const valueCondition = forms(
  'text, or a map with `regex` or `present`',
  [
    { isMeant: isText, schema: z.string().transform((equals) => ({ equals })) },
    {
      isMeant: (value) => isMap(value) && 'regex' in value,
      schema: z.strictObject({ regex: regex().describe('A regular expression that has to match the whole value.') }),
    },
    {
      isMeant: isMap,
      schema: z.strictObject({ present: z.boolean().describe('Whether the value has to be there or has to be absent.') }),
    },
  ],
  (value) => {
    if (typeof value !== 'number' && typeof value !== 'boolean') return undefined;
    return { code: 'wrong-type', message: `expected text, not \`${value}\`; put it in quotes: \`"${value}"\``, path: [] };
  },
);
