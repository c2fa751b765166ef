/** An answer that the configuration holds: `respond`. */
import { z } from 'zod';
import { fieldMap } from '#schema/maps.ts';
import { fieldValueTemplate, parseJsonTemplate, type Template, template } from '#schema/template.ts';
import { freeFieldName } from '#schema/token.ts';

/** Statuses whose answers have no body (RFC 9110 §6.4.1). */
const BODILESS_STATUSES: readonly number[] = [204, 205, 304];

export interface RespondDestination {
  readonly kind: 'respond';
  readonly status: number;
  readonly headers: readonly { readonly name: string; readonly value: Template }[];
  readonly body: ResponseBody | undefined;
}

export interface ResponseBody {
  /** For answers whose `headers` say nothing else. */
  readonly contentType: string;
  readonly template: Template;
  /** How a variable is written into the body: as it is, or as the inside of a JSON text. */
  readonly escaping: 'none' | 'json';
}

const jsonTemplate = z.custom<unknown>().transform((value, context) => {
  const reading = parseJsonTemplate(value);
  if ('value' in reading) return reading.value;
  context.issues.push({ code: 'custom', message: reading.problem, input: value });
  return z.NEVER;
});

export const respondSchema = z
  .strictObject({
    status: z.int().min(200).max(599).default(200).describe('The status of the answer.'),
    headers: fieldMap(freeFieldName(), fieldValueTemplate('The value of the field.'))
      .optional()
      .describe('Header fields of the answer.'),
    text: template({ help: 'The body, as plain text.', examples: ['hello'] }).optional(),
    json: jsonTemplate.optional().describe('The body, as JSON. Texts in it may hold variables.'),
  })
  .superRefine(({ status, text, json }, context) => {
    if (text !== undefined && json !== undefined) {
      context.addIssue({ code: 'custom', message: 'give `text` or `json`, not both', path: ['json'] });
    }
    const hasBody = text !== undefined || json !== undefined;
    if (hasBody && BODILESS_STATUSES.includes(status)) {
      context.addIssue({
        code: 'custom',
        message: `an answer with status ${status} has no body; leave out \`text\` and \`json\``,
        path: ['status'],
      });
    }
  })
  .transform(
    ({ status, headers, text, json }): RespondDestination => ({
      kind: 'respond',
      status,
      headers: Object.entries(headers ?? {}).map(([name, value]) => ({ name, value })),
      body: toBody(text, json),
    }),
  );

function toBody(text: Template | undefined, json: Template | undefined): ResponseBody | undefined {
  if (text !== undefined) return { contentType: 'text/plain; charset=utf-8', template: text, escaping: 'none' };
  return json === undefined ? undefined : { contentType: 'application/json', template: json, escaping: 'json' };
}
