/** Maps whose keys the user chooses: names of entries, and names of header fields. */
import { z } from 'zod';
import { type FormProblem, forms, isMap } from './forms.ts';
import { entryName } from './name.ts';

/** A map from names of the user's choice. */
export function namedMap<Output, Input>(
  value: z.ZodType<Output, Input>,
): z.ZodType<Record<string, Output>, Record<string, Input>> {
  return z.record(entryName(), value);
}

/** A map from field names, which come out in lower case; the same name twice in different case is a mistake. */
export function fieldMap<Output, Input>(
  name: z.ZodType<string, string>,
  value: z.ZodType<Output, Input>,
): z.ZodType<Record<string, Output>, Record<string, Input>> {
  return forms('a map of field names', [{ isMeant: () => true, schema: z.record(name, value) }], findSameField);
}

function findSameField(value: unknown): FormProblem | undefined {
  if (!isMap(value)) return undefined;
  const writtenByName = new Map<string, string>();
  for (const written of Object.keys(value)) {
    const other = writtenByName.get(written.toLowerCase());
    if (other !== undefined)
      return {
        code: 'conflict',
        message: `\`${written}\` and \`${other}\` are the same field; case does not matter`,
        path: [written],
      };
    writtenByName.set(written.toLowerCase(), written);
  }
  return undefined;
}
