import { z } from 'zod';
import { fieldMap } from '#schema/maps.ts';
import { fieldValueTemplate, type Template } from '#schema/template.ts';
import { freeFieldName } from '#schema/token.ts';

/** A field to write; its name is in lower case. */
export interface FieldTemplate {
  readonly name: string;
  readonly value: Template;
}

/** Applied in this order: rename, remove, set, add. */
export interface FieldChanges {
  /** Old names and new ones. */
  readonly rename: readonly (readonly [from: string, to: string])[];
  readonly remove: readonly string[];
  /** Replaces all fields of that name. */
  readonly set: readonly FieldTemplate[];
  /** Adds a field beside those of that name. */
  readonly add: readonly FieldTemplate[];
}

const fieldTemplates = fieldMap(
  freeFieldName(),
  fieldValueTemplate('The value of the field; it may hold variables of the request.'),
);

const fieldChanges = z
  .strictObject({
    rename: fieldMap(freeFieldName(), freeFieldName())
      .optional()
      .describe('New names of fields by old ones; they replace what has the new name already.'),
    set: fieldTemplates.optional().describe('Fields to write; they replace those of the same name.'),
    add: fieldTemplates.optional().describe('Fields to write beside those of the same name.'),
    remove: z.array(freeFieldName()).optional().describe('Names of fields to take away.'),
  })
  .superRefine(({ rename, set, add, remove }, context) => {
    if (rename !== undefined || set !== undefined || add !== undefined || remove !== undefined) return;
    context.addIssue({ code: 'custom', message: 'nothing is changed; give `rename`, `set`, `add` or `remove`' });
  })
  .transform(
    ({ rename, set, add, remove }): FieldChanges => ({
      rename: Object.entries(rename ?? {}),
      remove: [...new Set(remove)],
      set: toFieldTemplates(set),
      add: toFieldTemplates(add),
    }),
  );

export const headersConfig = z
  .strictObject({
    request: fieldChanges.optional().describe('Changes to what the service receives.'),
    response: fieldChanges.optional().describe('Changes to what the client receives.'),
  })
  .superRefine(({ request, response }, context) => {
    if (request !== undefined || response !== undefined) return;
    context.addIssue({ code: 'custom', message: 'nothing is changed; give `request` or `response`' });
  });

export type HeadersConfig = z.infer<typeof headersConfig>;

function toFieldTemplates(fields: Readonly<Record<string, Template>> | undefined): FieldTemplate[] {
  return Object.entries(fields ?? {}).map(([name, value]) => ({ name, value }));
}
