/** Which lines an access log has, and what stands in them. */
import { z } from 'zod';
import { assert } from '#base/assert.ts';
import { duration } from '#schema/duration.ts';
import { forms, isMap, isText, oneOrList } from '#schema/forms.ts';
import { findFieldName, logField, logText, readLogText } from '#schema/log-field.ts';
import { type LogField, type LogText, toFieldText } from '#schema/log-field-names.ts';
import { pathPattern } from '#schema/path-pattern.ts';
import { percentage } from '#schema/percentage.ts';
import { quote } from '#schema/quote.ts';
import { statusPattern } from '#schema/status-kind.ts';
import { httpMethod } from '#schema/token.ts';

const FIELD_NAME_LENGTH_MAX = 100;
const FIELDS_MAX = 200;

/** What must all hold; of each list, one. */
const conditions = {
  status: oneOrList(statusPattern()).optional().describe('Statuses, or classes of them: `5xx`, `[404, 5xx]`.'),
  slowerThan: duration({ max: '24h' }).optional().describe('Requests that have taken at least this long.'),
  route: oneOrList(z.string()).optional().describe('Names of routes.'),
  path: oneOrList(pathPattern()).optional().describe('Paths as in the `match` of a route: `/healthz`, `/api/*`, `/orders/:id`.'),
  method: oneOrList(httpMethod()).optional().describe('Methods.'),
  listener: oneOrList(z.string()).optional().describe('Names of listeners.'),
};

const conditionMap = z.strictObject(conditions);

const filter = z.strictObject({
  ...conditions,
  except: conditionMap.optional().describe('Requests for which all of this holds have no line, whatever else is said.'),
  errors: z
    .literal('always')
    .optional()
    .describe('`always`: requests that the gateway or a service has failed have a line, whatever else is said.'),
});

const sampleMap = z.strictObject({
  share: percentage().describe('How many of the requests have a line.'),
  errors: z
    .enum(['always', 'sampled'])
    .default('always')
    .describe(
      '`always`: requests that the gateway or a service has failed (status 500 and above, broken answers) all have a line. `sampled`: they are like others.',
    ),
  always: conditionMap.optional().describe('Requests for which all of this holds have a line in any case.'),
});

const sample = forms('a percentage such as `10%`, or a map with `share`', [
  { isMeant: isText, schema: percentage().transform((share) => ({ share, errors: 'always' as const, always: undefined })) },
  { isMeant: isMap, schema: sampleMap },
]);

/** A share of the lines, as the settings have it. */
export type SampleSettings = z.output<typeof sampleMap>;
export type LineConditions = z.output<typeof conditionMap>;
export type FilterSettings = z.output<typeof filter>;

/** The value of a field under the name that it has in a line. */
export interface ChosenField {
  readonly name: string;
  readonly value: LogText;
}

export interface FieldChoice {
  /** `default`: what is chosen comes to the default ones; `nothing`: there is nothing else. */
  readonly base: 'default' | 'nothing';
  readonly chosen: readonly ChosenField[];
  /** Default ones that are left out. */
  readonly without: readonly string[];
}

const fieldName = z.string().min(1).max(FIELD_NAME_LENGTH_MAX);
const fieldText = logText(
  'A text, in which `${FIELD}` stands for the value of a field. Without any, it is the same in each line.',
  findFieldName,
);

const namedField = z.record(fieldName, fieldText).superRefine((map, context) => {
  if (Object.keys(map).length === 1) return;
  context.addIssue({ code: 'custom', message: 'a field of a list has one name; write each as an item of its own' });
});

const listedField = forms('a field such as `status`, or a map with one name and its text', [
  {
    isMeant: isText,
    schema: logField().transform(toPlainChoice),
  },
  {
    isMeant: isMap,
    schema: namedField.transform((map): ChosenField => {
      const [[name, value] = ['', { source: '', parts: [] }]] = Object.entries(map);
      return { name, value };
    }),
  },
]);

const fieldList = z
  .array(listedField)
  .min(1)
  .max(FIELDS_MAX)
  .superRefine((list, context) => {
    for (const [index, { name }] of list.entries()) {
      if (list.findIndex((other) => other.name === name) === index) continue;
      context.addIssue({
        code: 'custom',
        message: `there are two fields ${quote(name)}; give one of them another name`,
        path: [index],
      });
    }
  })
  .transform((chosen): FieldChoice => ({ base: 'nothing', chosen, without: [] }));

const fieldMap = z
  .record(
    fieldName,
    forms('a text, or `false`', [
      { isMeant: (value) => value === false, schema: z.literal(false) },
      { isMeant: isText, schema: fieldText },
    ]),
  )
  .transform((map): FieldChoice => {
    const chosen = Object.entries(map).flatMap(([name, value]) => (value === false ? [] : [{ name, value }]));
    return { base: 'default', chosen, without: Object.keys(map) };
  });

const fields = forms('a list of fields, or a map', [
  { isMeant: Array.isArray, schema: fieldList },
  { isMeant: isMap, schema: fieldMap },
]);

/** The Common Log Format, and the one with two fields more that Apache and nginx write. */
const COMMON = '${client} - ${consumer} [${time.common}] "${method} ${target} ${protocol}" ${status} ${responseBytes}';
const templates = { common: COMMON, combined: `${COMMON} "\${request.header.referer}" "\${request.header.user-agent}"` } as const;

export type FormatSettings = { readonly kind: 'json' } | { readonly kind: 'text'; readonly text: LogText };

const format = forms('`json`, `common`, `combined`, or a map with `template`', [
  { isMeant: isText, schema: z.enum(['json', 'common', 'combined']).transform(toNamedFormat) },
  {
    isMeant: isMap,
    schema: z
      .strictObject({
        template: logText(
          'The whole line, in which `${FIELD}` stands for the value of a field. What is not there is `-`; quotes, backslashes, control characters and what is not ASCII are written as `\\x22`.',
        ),
      })
      .transform(({ template }): FormatSettings => ({ kind: 'text', text: template })),
  },
]);

const redactMap = z.strictObject({
  also: z.array(logField()).default([]).describe('Fields whose values are not shown, beside those that are known for secrets.'),
  not: z.array(logField()).default([]).describe('Fields that are shown although their names look like those of secrets.'),
});

const redact = forms('a list of fields, or a map with `also` and `not`', [
  { isMeant: Array.isArray, schema: z.array(logField()).transform((also) => ({ also, not: [] })) },
  { isMeant: isMap, schema: redactMap },
]);

export type RedactSettings = z.output<typeof redactMap>;

/** Each may be said of the whole log, and of one place that lines go to. */
export const lineSettings = {
  format: format
    .optional()
    .describe('`json`, the default; `common` and `combined` are those of web servers; `{ template: TEXT }` is one of your own.'),
  fields: fields
    .optional()
    .describe(
      'What stands in a JSON line. A list has all of it, in its order: `[time, status, request.header.user-agent, { env: prod }]`. A map changes the default: `{ env: prod, agent: "${request.header.user-agent}", host: false }`.',
    ),
  filter: filter.optional().describe('Which requests have a line: those for which all of it holds. Without it, every one.'),
  sample: sample.optional().describe('How many of them: `10%`. Requests that have failed are always among them.'),
  redact: redact
    .optional()
    .describe(
      'Fields that hold secrets or personal data, as a list such as `[query.email, claim.email, path.token, client]`; `[redacted]` stands in their place, also within `target`. Of `client`, the network is left. Credentials are never shown: `authorization`, cookies, and what is named like a key, token, password or signature.',
    ),
};

const wholeLineSettings = z.strictObject(lineSettings);
export type LineSettings = z.output<typeof wholeLineSettings>;

function toPlainChoice(field: LogField): ChosenField {
  const name = toFieldText(field);
  return { name, value: { source: name, parts: [field] } };
}

function toNamedFormat(name: 'json' | keyof typeof templates): FormatSettings {
  if (name === 'json') return { kind: 'json' };
  const reading = readLogText(templates[name]);
  assert('value' in reading, 'our own templates can be read');
  return { kind: 'text', text: reading.value };
}
